package bounce

import (
	"encoding/json"
	"errors"
	"strings"
)

// sesEvent is what Amazon SES tells of a mail, in both of its forms.
type sesEvent struct {
	NotificationType string `json:"notificationType"`
	EventType        string `json:"eventType"`
	Mail             struct {
		Source  string `json:"source"`
		Headers []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"headers"`
		CommonHeaders struct {
			MessageID string `json:"messageId"`
		} `json:"commonHeaders"`
		Destination []string `json:"destination"`
	} `json:"mail"`
	Bounce struct {
		BounceType    string `json:"bounceType"`
		BounceSubType string `json:"bounceSubType"`
		FeedbackID    string `json:"feedbackId"`
		Recipients    []struct {
			Address    string `json:"emailAddress"`
			Action     string `json:"action"`
			Status     string `json:"status"`
			Diagnostic string `json:"diagnosticCode"`
		} `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		FeedbackID string `json:"feedbackId"`
		Type       string `json:"complaintFeedbackType"`
		Recipients []struct {
			Address string `json:"emailAddress"`
		} `json:"complainedRecipients"`
	} `json:"complaint"`
}

// report reads the event.
func (e *sesEvent) report() Report {
	r := Report{Kind: Other, MessageID: bare(e.Mail.CommonHeaders.MessageID), Addresses: findAddresses(e.Mail.Source)}
	for _, h := range e.Mail.Headers {
		if strings.EqualFold(h.Name, "Message-ID") {
			r.MessageID = bare(h.Value)
		}
	}
	switch e.NotificationType + e.EventType {
	case "Bounce":
		r.OwnID = e.Bounce.FeedbackID
		for _, b := range e.Bounce.Recipients {
			to := Recipient{Address: b.Address, Action: Failed, Status: statusCode(b.Status), Diagnostic: clip(diagnostic(b.Diagnostic))}
			to.Code = replyCode(to.Diagnostic)
			to.judge(e.Bounce.BounceSubType)
			if e.Bounce.BounceType == "Transient" {
				to.Kind = Soft
			} else if to.Class == Unclear && e.Bounce.BounceType == "Permanent" {
				to.Class, to.Kind = MailboxUnknown, Hard // SES itself sends there no more
			}
			r.Recipients = append(r.Recipients, to)
		}
		r.settle()
	case "Complaint":
		r.Kind, r.OwnID, r.Feedback = Complaint, e.Complaint.FeedbackID, strings.ToLower(e.Complaint.Type)
		if r.Feedback == "not-spam" {
			r.Kind = Other
		}
		for _, c := range e.Complaint.Recipients {
			r.accuse(c.Address)
		}
	case "Delivery":
		for _, a := range e.Mail.Destination {
			r.Recipients = append(r.Recipients, Recipient{Address: a, Kind: Other, Action: Delivered})
		}
	}
	return r
}

// ErrEvent marks an event of a provider that cannot be read.
var ErrEvent = errors.New("bounce: this is no event that is known")

// ParseSES reads an event of Amazon SES, as SNS carries it.
func ParseSES(message []byte) (Report, error) {
	var e sesEvent
	if err := json.Unmarshal(message, &e); err != nil || e.NotificationType+e.EventType == "" {
		return Report{}, ErrEvent
	}
	return e.report(), nil
}

// Failure makes a recipient of what a provider says of one, of the kind that the
// words and codes have; kind, where not empty, is the provider's own judgement.
func Failure(address, status, diagnostic string, code int, kind Kind) Recipient {
	to := Recipient{Address: address, Action: Failed, Status: statusCode(status), Code: code, Diagnostic: clip(strings.Join(strings.Fields(diagnostic), " "))}
	if to.Status == "" {
		to.Status = strictStatus(to.Diagnostic)
	}
	if to.Code == 0 {
		to.Code = replyCode(to.Diagnostic)
	}
	if to.judge(""); kind != "" {
		to.Kind = kind
	}
	return to
}

// Bare takes a Message-ID out of its angle brackets.
func Bare(id string) string { return bare(id) }

// relayedNotice reads an event that SNS was told to send by mail.
func (m *mail) relayedNotice(r *Report) bool {
	body := strings.TrimSpace(m.said)
	if !strings.HasPrefix(body, "{") || !strings.Contains(body[:min(len(body), 200)], "ype\"") {
		return false
	}
	body = strings.ReplaceAll(body, "!\n ", "") // how long lines are broken there
	var e sesEvent
	if json.NewDecoder(strings.NewReader(body)).Decode(&e) != nil || e.NotificationType+e.EventType == "" {
		return false
	}
	subject, own := r.Subject, r.OwnID
	*r = e.report()
	r.Subject = subject
	if r.OwnID == "" {
		r.OwnID = own
	}
	return true
}
