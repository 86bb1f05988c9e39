package bounce

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	// An enhanced status code (RFC 3463). Behind the first digit only 2, 4 and 5 are used.
	enhanced = regexp.MustCompile(`(?:^|[^\d.])([245]\.\d{1,3}\.\d{1,3})(?:[^\d.]|\.?$|\.\s)`)
	reply    = regexp.MustCompile(`(?:^|[\s:<\[("'>#=])([245][0-5]\d)(?:[\s:;,.\-<'")]|$)`)
)

// statusCode reads a Status field, 5.1.1 (bad destination mailbox address).
func statusCode(v string) string {
	if m := enhanced.FindStringSubmatch(v); m != nil {
		return m[1]
	}
	return ""
}

// strictStatus finds the code of a failure that says more than 5.0.0.
func strictStatus(s string) (best string) {
	for _, m := range enhanced.FindAllStringSubmatch(s, 20) {
		if m[1][0] == '2' {
			continue
		}
		if best == "" || strings.HasSuffix(best, ".0.0") || strings.HasSuffix(best, ".5.0") || strings.HasSuffix(best, ".5.1") {
			best = m[1]
		}
	}
	return best
}

// replyCode finds the first SMTP reply code of a failure.
func replyCode(s string) int {
	for _, m := range reply.FindAllStringSubmatch(s, 20) {
		if n, err := strconv.Atoi(m[1]); err == nil && n >= 400 {
			return n
		}
	}
	return 0
}

// command is the one that was refused, as far as the report says: CONNECT, HELO, MAIL, RCPT or DATA.
func command(s string) string {
	l := strings.ToLower(s)
	for _, c := range commands {
		for _, sign := range c.signs {
			if strings.Contains(l, sign) {
				return c.name
			}
		}
	}
	return ""
}

var commands = []struct {
	name  string
	signs []string
}{
	{"DATA", []string{"end of data", "to data command", "[data]", "failed after i sent the message", "after i sent the message", "did not like our final data", "following data command", "for text command", "smtp:data", "(data)", "step: data"}},
	{"RCPT", []string{"to rcpt to", "after rcpt", "[rcpt_to]", "does not like recipient", "did not like our rcpt to", "following rcpt command", ">>> rcpt to", "rcpt to response", "smtp:rcpt", "rejected recipient", "smtp server has rejected address"}},
	{"MAIL", []string{"to mail from", "after mail from", "[mail_from]", "sender was rejected", ">>> mail from", "did not like our mail from", "rejected mail from"}},
	{"DATA", []string{">>> data", "after data", "message body"}},
	{"HELO", []string{"to helo", "to ehlo", "after helo", "after ehlo", "my name was rejected"}},
	{"CONNECT", []string{"refused to talk to me", "initial connection"}},
}
