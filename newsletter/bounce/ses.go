package bounce

import (
	"encoding/json"
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
