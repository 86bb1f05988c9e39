package transport

import (
	"strings"
	"testing"

	"apta/newsletter/transport/smtptest"
)

func TestFault_S9_UnicodeAddresses(t *testing.T) {
	all := []string{"PIPELINING", "SMTPUTF8", "8BITMIME"}
	for name, c := range map[string]struct {
		to         string
		extensions []string
		kind       Kind
		rcpt, mail string // mail is what MAIL has beyond the address
	}{
		"idn always":        {"reader@почта.қаз", []string{"PIPELINING"}, Accepted, "<reader@xn--80a1acny.xn--80ao21a>", ""},
		"idn, utf8 offered": {"reader@почта.қаз", all, Accepted, "<reader@xn--80a1acny.xn--80ao21a>", ""},
		"utf8 offered":      {"用户@例子.example", all, Accepted, "<用户@xn--fsqu00a.example>", " SMTPUTF8 BODY=8BITMIME"},
		"a local part":      {"пётр@почта.қаз", all, Accepted, "<пётр@xn--80a1acny.xn--80ao21a>", " SMTPUTF8 BODY=8BITMIME"},
		"no 8BITMIME":       {"пётр@почта.қаз", []string{"SMTPUTF8"}, Accepted, "<пётр@xn--80a1acny.xn--80ao21a>", " SMTPUTF8"},
		"utf8 missing":      {"пётр@почта.example", []string{"PIPELINING", "8BITMIME"}, Refused, "", ""},
		"ascii has no need": {"reader@readers.example", all, Accepted, "<reader@readers.example>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, smtptest.Options{Extensions: c.extensions})
			l := letter(0)
			l.To = c.to
			got := deliver(dial(t, relay(s)), letter(1), l, letter(2))
			if got[1].Kind != c.kind || got[0].Kind != Accepted || got[2].Kind != Accepted {
				t.Fatalf("outcomes %+v", got)
			}
			if c.kind == Refused {
				if !strings.Contains(got[1].Text, "SMTPUTF8") {
					t.Errorf("the refusal says %q", got[1].Text)
				}
				return
			}
			if m := s.Messages()[1]; m.To != c.rcpt || m.From != "<weekly@news.example>"+c.mail {
				t.Errorf("the envelope is %+v", m)
			}
		})
	}
}

// What bounces are to say is asked for where the relay offers it, and only there.
func TestDeliveryStatusOptions(t *testing.T) {
	for name, c := range map[string]struct {
		offered, notify, id string
		mail, rcpt          string
	}{
		"offered":     {"DSN", "", "issue.reader@news.example", " RET=HDRS ENVID=issue.reader@news.example", " NOTIFY=FAILURE"},
		"configured":  {"DSN", "failure,delay", "", " RET=HDRS", " NOTIFY=FAILURE,DELAY"},
		"encoded":     {"DSN", "never", "a+b=c d", " RET=HDRS ENVID=a+2Bb+3Dc+20d", " NOTIFY=NEVER"},
		"too long":    {"DSN", "", strings.Repeat("i", 101), " RET=HDRS", " NOTIFY=FAILURE"},
		"not offered": {"8BITMIME", "failure,delay", "id", "", ""},
	} {
		s := start(t, smtptest.Options{Extensions: []string{c.offered}})
		r := relay(s)
		r.Notify = c.notify
		l := letter(0)
		l.ID = c.id
		if got := deliver(dial(t, r), l); got[0].Kind != Accepted {
			t.Errorf("%s: %+v", name, got)
		}
		if m := s.Messages()[0]; m.From != "<weekly@news.example>"+c.mail || m.To != "<reader0@readers.example>"+c.rcpt {
			t.Errorf("%s: the envelope is %s %s", name, m.From, m.To)
		}
	}
}

// An address cannot end the command it stands in and begin another.
func TestFault_S8_AddressesCannotInject(t *testing.T) {
	s := start(t, smtptest.Options{})
	for _, evil := range []string{"a@b.example>\r\nDATA\r\n", "a@b.example> NOTIFY=NEVER", "a\x00@b.example", "<a@b.example", "a@b.example\n.\n"} {
		l := letter(0)
		l.To = evil
		if got := deliver(dial(t, relay(s)), l); got[0].Kind != Refused || !strings.HasPrefix(got[0].Text, "5.1.3") {
			t.Errorf("%q: %+v", evil, got[0])
		}
	}
	for _, command := range s.Commands() {
		if !strings.HasPrefix(command, "EHLO") && !strings.HasPrefix(command, "QUIT") {
			t.Errorf("the relay was told %q", command)
		}
	}
}
