package doctor

import (
	"bytes"
	"context"
	"fmt"
	"net/mail"
	"strings"
)

// message looks at a mail as it would leave.
func (l *look) message(context.Context) []Finding {
	find := about("message", "What large receivers want of each bulk mail's own form (RFC 5322, 2369, 8058).")
	if l.Sample == nil {
		return nil
	}
	raw, err := l.Sample()
	if err != nil {
		return []Finding{find("a sample", Failure, "none can be made: %v", err)}
	}
	wrong := l.formProblems(raw)
	if len(wrong) > 0 {
		return []Finding{find("a sample", Failure, "%s", strings.Join(wrong, "; ")).do("mend what is named; base_url, [dkim] and newsletter.postal_address are the usual reasons")}
	}
	list := []Finding{find("a sample", Good, "%d bytes, in the form that receivers want", len(raw))}
	if strings.TrimSpace(l.Postal) == "" {
		list = append(list, find("newsletter.postal_address", Warning, "is not set; the law in many countries wants one in each mail").do("set it"))
	}
	return list
}

func (l *look) formProblems(raw []byte) (wrong []string) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return []string{err.Error()}
	}
	for _, name := range []string{"From", "Date", "Message-Id", "Subject", "To"} {
		if n := len(m.Header[name]); n != 1 {
			bad("it has %d headers %s in place of one", n, name)
		}
	}
	if a, err := m.Header.AddressList("From"); err != nil || len(a) != 1 {
		bad("From is not one address")
	}
	if u := m.Header.Get("List-Unsubscribe"); !strings.Contains(u, "<https://") {
		bad("List-Unsubscribe has no https address")
	}
	if p := m.Header.Get("List-Unsubscribe-Post"); p != "List-Unsubscribe=One-Click" {
		bad("List-Unsubscribe-Post is missing")
	}
	if m.Header.Get("List-Id") == "" {
		bad("List-Id is missing")
	}
	signed := ""
	for _, s := range m.Header["Dkim-Signature"] {
		signed += ":" + strings.ToLower(strings.Join(strings.Fields(tagsOf(s)["h"]), "")) + ":"
	}
	if signed != "" && (!strings.Contains(signed, ":list-unsubscribe:") || !strings.Contains(signed, ":list-unsubscribe-post:")) {
		bad("the signature does not cover List-Unsubscribe and List-Unsubscribe-Post (RFC 8058 §4)")
	}
	for line := range bytes.Lines(raw) {
		if len(bytes.TrimRight(line, "\r\n")) > 998 {
			bad("a line is longer than 998 octets")
			break
		}
	}
	return wrong
}
