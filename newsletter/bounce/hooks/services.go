package hooks

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"apta/newsletter/bounce"
)

// report makes a report about one recipient.
func report(kind bounce.Kind, messageID string, to bounce.Recipient) bounce.Report {
	if to.Kind == "" {
		to.Kind = kind
	}
	return bounce.Report{Kind: to.Kind, MessageID: bounce.Bare(messageID), Recipients: []bounce.Recipient{to}}
}

// postmark reads a bounce or a complaint of Postmark's, which proves itself by a password.
func (h *Hooks) postmark(r *http.Request, body []byte) ([]event, error) {
	user, password, _ := r.BasicAuth()
	if !same(user+":"+password, h.opt.Postmark) {
		return nil, errForged
	}
	var e struct {
		RecordType  string
		ID          json.Number
		Type        string
		MessageID   string
		Email       string
		Recipient   string
		Description string
		Details     string
		BouncedAt   string
		ChangedAt   string
		Suppress    bool `json:"SuppressSending"`
	}
	if json.Unmarshal(body, &e) != nil {
		return nil, errBody
	}
	id := strings.Join([]string{e.RecordType, e.ID.String(), e.Type, e.MessageID, e.BouncedAt, e.ChangedAt}, " ")
	kinds := map[string]bounce.Kind{
		"HardBounce": bounce.Hard, "BadEmailAddress": bounce.Hard, "AddressChange": bounce.Other, "AutoResponder": bounce.AutoReply, "ChallengeVerification": bounce.Other,
		"Unsubscribe": bounce.Unsubscribe, "Subscribe": bounce.Other, "OpenRelayTest": bounce.Other, "InboundError": bounce.Other, "SpamComplaint": bounce.Complaint,
	}
	kind, known := kinds[e.Type]
	switch {
	case e.RecordType == "SpamComplaint":
		kind = bounce.Complaint
	case e.RecordType == "SubscriptionChange" && e.Suppress:
		kind, e.Email = bounce.Unsubscribe, e.Recipient
	case e.RecordType != "Bounce":
		return nil, nil
	case !known:
		kind = bounce.Soft
	}
	if kind == bounce.Hard || kind == bounce.Soft {
		return []event{{id, report(kind, "", bounce.Failure(e.Email, "", e.Details+" "+e.Description, 0, kind))}}, nil
	}
	return []event{{id, report(kind, "", bounce.Recipient{Address: e.Email})}}, nil
}

// mailgun reads an event of Mailgun's. Its signature is about a time and a token,
// not about the content: see take.
func (h *Hooks) mailgun(_ *http.Request, body []byte) ([]event, error) {
	var e struct {
		Signature struct{ Timestamp, Token, Signature string }
		Data      struct {
			Event     string
			Severity  string
			Recipient string
			Reason    string
			Message   struct {
				Headers struct {
					MessageID string `json:"message-id"`
				}
			}
			Status struct {
				Code        int
				Enhanced    string `json:"enhanced-code"`
				Message     string
				Description string
			} `json:"delivery-status"`
		} `json:"event-data"`
	}
	if json.Unmarshal(body, &e) != nil {
		return nil, errBody
	}
	mac := hmac.New(sha256.New, []byte(h.opt.Mailgun))
	mac.Write([]byte(e.Signature.Timestamp + e.Signature.Token))
	given, err := hex.DecodeString(e.Signature.Signature)
	if err != nil || e.Signature.Token == "" || !hmac.Equal(given, mac.Sum(nil)) {
		return nil, errForged
	}
	if err := h.freshUnix(e.Signature.Timestamp); err != nil {
		return nil, err
	}
	d := e.Data
	id, message := e.Signature.Token, d.Message.Headers.MessageID
	switch d.Event {
	case "failed":
		kind := bounce.Kind("")
		if d.Severity == "temporary" {
			kind = bounce.Soft
		} else if d.Reason == "suppress-bounce" || d.Reason == "bounce" && d.Status.Code == 605 {
			kind = bounce.Hard
		}
		to := bounce.Failure(d.Recipient, d.Status.Enhanced, d.Status.Message+" "+d.Status.Description, d.Status.Code, kind)
		if d.Severity == "temporary" {
			to.Action = bounce.Delayed
		}
		return []event{{id, report(to.Kind, message, to)}}, nil
	case "complained":
		return []event{{id, report(bounce.Complaint, message, bounce.Recipient{Address: d.Recipient})}}, nil
	case "unsubscribed":
		return []event{{id, report(bounce.Unsubscribe, message, bounce.Recipient{Address: d.Recipient})}}, nil
	}
	return nil, nil
}

func (h *Hooks) freshUnix(seconds string) error {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return errForged
	}
	return h.fresh(time.Unix(n, 0))
}

// sendgrid reads the events of a signed request of SendGrid's.
func (h *Hooks) sendgrid(r *http.Request, body []byte) ([]event, error) {
	const head = "X-Twilio-Email-Event-Webhook-"
	at := r.Header.Get(head + "Timestamp")
	signature, err := base64.StdEncoding.DecodeString(r.Header.Get(head + "Signature"))
	if err != nil {
		return nil, errForged
	}
	key, err := sendgridKey(h.opt.SendGrid)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte(at), body...))
	if !ecdsa.VerifyASN1(key, sum[:], signature) {
		return nil, errForged
	}
	if err := h.freshUnix(at); err != nil {
		return nil, err
	}
	var list []struct {
		Email, Event, Type, Reason, Status string
		SMTPID                             string `json:"smtp-id"`
		ID                                 string `json:"sg_event_id"`
		MessageID                          string `json:"sg_message_id"`
		Timestamp                          json.Number
	}
	if json.Unmarshal(body, &list) != nil {
		return nil, errBody
	}
	var events []event
	for _, e := range list {
		id := e.ID
		if id == "" {
			id = strings.Join([]string{e.Event, e.Email, e.MessageID, e.Timestamp.String()}, " ")
		}
		switch e.Event {
		case "bounce", "dropped":
			kind := bounce.Kind("")
			if e.Type == "blocked" || e.Event == "dropped" && !strings.Contains(e.Reason, "Bounced") && !strings.Contains(e.Reason, "Invalid") {
				kind = bounce.Soft
			}
			to := bounce.Failure(e.Email, e.Status, e.Reason, 0, kind)
			events = append(events, event{id, report(to.Kind, e.SMTPID, to)})
		case "spamreport":
			events = append(events, event{id, report(bounce.Complaint, e.SMTPID, bounce.Recipient{Address: e.Email})})
		case "unsubscribe", "group_unsubscribe":
			events = append(events, event{id, report(bounce.Unsubscribe, e.SMTPID, bounce.Recipient{Address: e.Email})})
		}
	}
	return events, nil
}

// sendgridKey reads the public key that SendGrid shows.
func sendgridKey(text string) (*ecdsa.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("hooks: the key of SendGrid is no base64: %w", err)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("hooks: the key of SendGrid: %w", err)
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("hooks: the key of SendGrid is a %T, not one of ECDSA", parsed)
	}
	return key, nil
}

// CheckSendGridKey says what is wrong with a key that an operator has set.
func CheckSendGridKey(text string) error {
	_, err := sendgridKey(text)
	return err
}

// brevo reads an event of Brevo's, which signs nothing: a secret proves it.
func (h *Hooks) brevo(r *http.Request, body []byte) ([]event, error) {
	secret := r.PathValue("secret")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		secret = bearer
	}
	if !same(secret, h.opt.Brevo) {
		return nil, errForged
	}
	var e struct {
		Event     string
		Email     string
		ID        json.Number
		MessageID string `json:"message-id"`
		Reason    string
		At        json.Number `json:"ts_event"`
	}
	if json.Unmarshal(body, &e) != nil {
		return nil, errBody
	}
	id := strings.Join([]string{e.Event, e.Email, e.ID.String(), e.MessageID, e.At.String()}, " ")
	switch e.Event {
	case "hard_bounce", "invalid_email":
		return []event{{id, report(bounce.Hard, e.MessageID, bounce.Failure(e.Email, "", e.Reason, 0, bounce.Hard))}}, nil
	case "soft_bounce", "blocked", "error":
		return []event{{id, report(bounce.Soft, e.MessageID, bounce.Failure(e.Email, "", e.Reason, 0, bounce.Soft))}}, nil
	case "spam", "complaint":
		return []event{{id, report(bounce.Complaint, e.MessageID, bounce.Recipient{Address: e.Email})}}, nil
	case "unsubscribed", "unsubscribe":
		return []event{{id, report(bounce.Unsubscribe, e.MessageID, bounce.Recipient{Address: e.Email})}}, nil
	}
	return nil, nil
}
