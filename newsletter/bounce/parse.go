package bounce

import (
	"bytes"
	"regexp"
	"strings"
)

// Parse reads one mail. What it cannot make out is of the kind Other; an error says
// that the mail was not read at all.
func Parse(raw []byte) (Report, error) {
	if len(raw) > MaxSize {
		return Report{}, ErrTooLarge
	}
	h, body := readHeader(opened(raw))
	if len(h) == 0 {
		return Report{}, ErrEmpty
	}
	m := newMail(h, body)
	r := Report{
		Kind: Other, Subject: m.subject, OwnID: bare(h.get("Message-ID")), MessageID: m.originalID(), Addresses: m.addresses(),
	}
	switch {
	case m.relayedNotice(&r), m.complaint(&r), m.challenge():
	case m.unsubscribe():
		r.Kind = Unsubscribe
		r.accuse(firstAddress(words(h.get("From"))))
	case m.delivery(&r):
	case m.autoReply():
		r.Kind = AutoReply
		if from := firstAddress(words(h.get("From"))); from != "" {
			r.Recipients = []Recipient{{Address: from, Kind: AutoReply}}
		}
	case m.spoken(&r):
	}
	return r, nil
}

// opened is a mail from its first field on: some gateways put empty lines before it.
func opened(raw []byte) []byte {
	b := bytes.TrimPrefix(lines(raw), []byte("\xef\xbb\xbf"))
	if at := len(b) - len(bytes.TrimLeft(b, " \t\n")); at > 0 {
		b = b[at:]
	}
	return b
}

// mail is one mail taken apart: what its writer says, and what it encloses.
type mail struct {
	header   header
	subject  string
	parts    []part
	said     string // the text of the report, without the mail that came back
	returned header // of the mail that came back; may be empty
	wrapped  bool   // a scanner on the way has put the whole report into a mail of its own
	lines    []line // of said, once they were wanted
	loose    []part // delivery statuses found in texts
	reported bool   // it is a multipart/report or holds a delivery-status
}

func newMail(h header, body []byte) *mail {
	var r reader
	r.walk(h, body, 0, false)
	m := &mail{header: h, subject: words(h.get("Subject")), parts: r.parts}
	var texts, pages []string
	for _, p := range m.parts {
		switch {
		case p.media == "message/rfc822":
			if m.returned == nil {
				m.returned = p.header
			}
		case p.media == "text/rfc822-headers" || p.media == "message/global-headers" || p.media == "text/rfc822":
			if m.returned == nil {
				m.returned, _ = readHeader([]byte(strings.TrimLeft(p.body, "\n")))
			}
		case p.inner:
		case p.media == "text/html":
			pages = append(pages, plain(p.body))
		case strings.HasPrefix(p.media, "text/"):
			texts = append(texts, m.fieldsWithin(p.body))
		case strings.HasSuffix(p.media, "delivery-status"):
			m.reported = true
		}
	}
	if strings.TrimSpace(strings.Join(texts, "")) == "" {
		texts = pages
	}
	var rest string
	all := strings.Join(texts, "\n")
	m.said, rest = cutReturned(strings.ToValidUTF8(all[:min(len(all), maxText)], ""))
	if !m.reported && len(m.loose) > 0 {
		m.parts, m.reported = append(m.parts, m.loose...), true
	}
	if !m.reported && len(m.parts) > 0 && m.parts[0].media == "message/rfc822" && strings.Contains(m.parts[0].header.get("Content-Type"), "delivery-status") {
		m.wrapped, m.returned = true, nil
		for _, p := range m.parts[1:] {
			if p.media == "message/rfc822" {
				m.returned = p.header
			}
		}
	}
	if m.returned == nil && rest != "" {
		m.returned = looseHeader(rest)
	}
	return m
}

// loose is where a delivery status begins in a text that has lost its structure on
// the way, and whose boundaries nobody declares.
var loose = regexp.MustCompile(`(?im)^(?:content-type: message/delivery-status|reporting-mta: |(?:original|final)-recipient: )`)

var looseMail = regexp.MustCompile(`(?im)^content-type: *(?:message/rfc822|text/rfc822-headers)[^\n]*$`)

// fieldsWithin takes such a status out of a text as a part of its own.
func (m *mail) fieldsWithin(body string) string {
	at := loose.FindStringIndex(body)
	if at == nil || !strings.Contains(strings.ToLower(body[at[0]:]), "final-recipient:") {
		return body
	}
	status := body[at[0]:]
	if end := looseMail.FindStringIndex(status); end != nil {
		m.returned, status = looseHeader(status[end[1]:]), status[:end[0]]
	}
	m.loose = append(m.loose, part{media: "message/delivery-status", body: status})
	return body[:at[0]]
}

// looseHeader finds the header of a mail quoted in a text.
func looseHeader(s string) header {
	for tries := 0; s != "" && tries < 50; tries++ {
		h, rest := readHeader([]byte(strings.TrimLeft(s, "\n")))
		if h.get("From") != "" || h.get("Message-ID") != "" || h.get("To") != "" || h.get("Subject") != "" {
			return h
		}
		s = string(rest)
	}
	return nil
}

// originalID is the Message-ID of the mail that came back.
func (m *mail) originalID() string {
	if id := bare(m.returned.get("Message-ID")); id != "" {
		return id
	}
	for _, name := range []string{"X-Original-Message-ID", "In-Reply-To", "References"} {
		if ids := strings.Fields(m.header.get(name)); len(ids) > 0 {
			return bare(ids[len(ids)-1])
		}
	}
	return ""
}

// bare takes a Message-ID out of its angle brackets.
func bare(id string) string {
	if _, after, found := strings.Cut(id, "<"); found {
		id, _, _ = strings.Cut(after, ">")
	}
	if id = strings.TrimSpace(id); strings.ContainsAny(id, " \t") {
		return ""
	}
	return id
}

// addresses are the places in which a reader's token may stand.
func (m *mail) addresses() (list []string) {
	seen := map[string]bool{}
	add := func(h header, names ...string) {
		for _, name := range names {
			for _, v := range h.all(name) {
				for _, a := range findAddresses(v) {
					if !seen[a] && len(list) < 50 {
						seen[a] = true
						list = append(list, a)
					}
				}
			}
		}
	}
	add(m.header, "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-RCPT-TO", "To", "Cc")
	add(m.returned, "Return-Path", "Sender", "X-Envelope-From", "Errors-To")
	for _, p := range m.parts {
		if strings.HasSuffix(p.media, "feedback-report") {
			f, _ := readHeader([]byte(p.body))
			add(f, "Original-Mail-From")
		}
	}
	return list
}
