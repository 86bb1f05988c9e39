package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"apta/newsletter/transport/smtptest"
)

func start(t testing.TB, opt smtptest.Options) *smtptest.Server {
	t.Helper()
	s, err := smtptest.Start(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func relay(s *smtptest.Server) Relay {
	return Relay{Host: s.Host(), Port: s.Port(), TLS: "none", Timeout: 5 * time.Second}
}

func dial(t testing.TB, r Relay) *Conn {
	t.Helper()
	c, err := r.Dial(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Quit() })
	return c
}

func letter(n int) *Letter {
	return &Letter{From: "weekly@news.example", To: fmt.Sprintf("reader%d@readers.example", n), Body: fmt.Appendf(nil, "Subject: %d\r\n\r\n..dot\r\nbody %d\r\n", n, n)}
}

// deliver sends letters over one connection as the sender does, and gives each
// its last outcome.
func deliver(c *Conn, letters ...*Letter) []Outcome {
	outcomes := make([]Outcome, len(letters))
	for i := 0; i < len(letters); {
		outcomes[i] = c.Begin(letters[i])
		if outcomes[i].Kind != Ready {
			i++
			continue
		}
		for {
			var next *Letter
			if i+1 < len(letters) {
				next = letters[i+1]
			}
			var ready Outcome
			outcomes[i], ready = c.Deliver(letters[i], next)
			i++
			if next == nil {
				break
			}
			if outcomes[i] = ready; ready.Kind != Ready {
				i++
				break
			}
		}
	}
	return outcomes
}

func TestManyLettersPipelinedAndLockstep(t *testing.T) {
	for name, extensions := range map[string][]string{"pipelined": nil, "lockstep": {"8BITMIME"}} {
		t.Run(name, func(t *testing.T) {
			s := start(t, smtptest.Options{Extensions: extensions})
			var letters []*Letter
			for n := range 50 {
				letters = append(letters, letter(n))
			}
			for i, o := range deliver(dial(t, relay(s)), letters...) {
				if o.Kind != Accepted || o.Code != 250 {
					t.Fatalf("letter %d: %+v", i, o)
				}
			}
			got := s.Messages()
			if len(got) != 50 {
				t.Fatalf("%d messages arrived", len(got))
			}
			for n, m := range got {
				if want := fmt.Sprintf("Subject: %d\r\n\r\n.dot\r\nbody %d\r\n", n, n); m.Data != want || m.To != fmt.Sprintf("<reader%d@readers.example>", n) {
					t.Fatalf("message %d is %+v", n, m)
				}
			}
		})
	}
}

func TestFault_S1_DroppedAfterTheDot(t *testing.T) {
	var drops atomic.Int32
	s := start(t, smtptest.Options{Script: func(stage smtptest.Stage, _ string) smtptest.Action {
		return smtptest.Action{Drop: stage == smtptest.Dot && drops.Add(1) == 2}
	}})
	c := dial(t, relay(s))
	got := deliver(c, letter(0), letter(1), letter(2))
	if got[0].Kind != Accepted || got[1].Kind != Doubtful || got[2].Kind != Retry || !c.Broken() {
		t.Errorf("outcomes %+v, broken %v", got, c.Broken())
	}
}

func TestFault_S2_DroppedInMidBody(t *testing.T) {
	s := start(t, smtptest.Options{Script: func(stage smtptest.Stage, to string) smtptest.Action {
		if stage == smtptest.Body && strings.Contains(to, "reader1@") {
			return smtptest.Action{Read: 100}
		}
		return smtptest.Action{}
	}})
	big := letter(1)
	big.Body = append(big.Body, strings.Repeat("a line of a long message\r\n", 400_000)...)
	c := dial(t, relay(s))
	got := deliver(c, letter(0), big, letter(2))
	if got[0].Kind != Accepted || got[1].Kind != Retry || got[2].Kind != Retry || !c.Broken() || s.Count() != 1 {
		t.Errorf("outcomes %v %v %v, broken %v, %d arrived", got[0], got[1], got[2], c.Broken(), s.Count())
	}
	if o := c.Begin(letter(3)); o.Kind != Retry {
		t.Errorf("a broken connection answers %+v", o)
	}
}

// After a refusal at any stage, every further letter gets the reply that is its own.
func TestFault_S4_RefusalsAndRepliesNeverOffByOne(t *testing.T) {
	script := func(stage smtptest.Stage, to string) smtptest.Action {
		switch {
		case stage == smtptest.Rcpt && strings.Contains(to, "reader1@"):
			return smtptest.Action{Reply: "550 5.1.1 no such user"}
		case stage == smtptest.Dot && strings.Contains(to, "reader3@"):
			return smtptest.Action{Reply: "554-5.7.1 looks like\r\n554 5.7.1 spam"}
		case stage == smtptest.Dot && strings.Contains(to, "reader4@"):
			return smtptest.Action{Reply: "451 4.3.0 later"}
		case stage == smtptest.Rcpt && strings.Contains(to, "reader5@"):
			return smtptest.Action{Reply: "450 4.2.0 greylisted"}
		case stage == smtptest.Mail && strings.Contains(to, "SIZE=7777"):
			return smtptest.Action{Reply: "552 5.3.4 too big"}
		}
		return smtptest.Action{}
	}
	want := []Kind{Accepted, Refused, Accepted, Refused, Deferred, Deferred, Refused, Accepted}
	codes := []int{250, 550, 250, 554, 451, 450, 552, 250}
	for name, extensions := range map[string][]string{"pipelined": {"PIPELINING", "SIZE"}, "lockstep": {"SIZE"}} {
		t.Run(name, func(t *testing.T) {
			s := start(t, smtptest.Options{Script: script, Extensions: extensions})
			var letters []*Letter
			for n := range want {
				letters = append(letters, letter(n))
			}
			letters[6].Body = append(letters[6].Body, strings.Repeat("x", 7777-len(letters[6].Body)-2)+"\r\n"...)
			c := dial(t, relay(s))
			for i, o := range deliver(c, letters...) {
				if o.Kind != want[i] || o.Code != codes[i] {
					t.Errorf("letter %d: %+v, want kind %d and code %d", i, o, want[i], codes[i])
				}
			}
			if c.Broken() || s.Count() != 3 {
				t.Errorf("broken %v, %d arrived", c.Broken(), s.Count())
			}
		})
	}
}

// A relay that answers DATA with 354 though it refused the recipient is given an
// empty message, and the next letter its own replies.
func TestFault_S4_GoAheadForNobody(t *testing.T) {
	s := start(t, smtptest.Options{Script: func(stage smtptest.Stage, to string) smtptest.Action {
		switch {
		case stage == smtptest.Rcpt && strings.Contains(to, "reader0@"):
			return smtptest.Action{Reply: "550 5.1.1 no such user"}
		case stage == smtptest.Data:
			return smtptest.Action{Reply: "354 go ahead"}
		case stage == smtptest.Dot && to == "":
			return smtptest.Action{Reply: "554 5.5.1 no recipients"}
		}
		return smtptest.Action{}
	}})
	got := deliver(dial(t, relay(s)), letter(0), letter(1))
	if got[0].Kind != Refused || got[0].Code != 550 || got[1].Kind != Accepted || s.Count() != 1 {
		t.Errorf("outcomes %+v, %d arrived", got, s.Count())
	}
}

func TestFault_S3_ServiceCloses(t *testing.T) {
	s := start(t, smtptest.Options{Script: func(stage smtptest.Stage, to string) smtptest.Action {
		if stage == smtptest.Dot && strings.Contains(to, "reader1@") {
			return smtptest.Action{Reply: "421 4.3.2 closing", After: true}
		}
		return smtptest.Action{}
	}})
	c := dial(t, relay(s))
	got := deliver(c, letter(0), letter(1), letter(2))
	if got[0].Kind != Accepted || got[1].Kind != Deferred || got[1].Code != 421 || got[2].Kind != Retry || !c.Broken() {
		t.Errorf("outcomes %+v, broken %v", got, c.Broken())
	}
}

// Hangs, trickles and rubbish end within the time-out and leave a broken connection.
func TestFault_S5_BadReplies(t *testing.T) {
	for name, a := range map[string]smtptest.Action{
		"never":      {Hang: true},
		"long line":  {Raw: "250 " + strings.Repeat("x", 100<<10) + "\r\n"},
		"no digits":  {Raw: "\x00\xff\x80 rubbish\r\n"},
		"mixed":      {Raw: "250-a\r\n550 b\r\n"},
		"code 999":   {Raw: "999 ?\r\n"},
		"code 150":   {Raw: "150 ?\r\n"},
		"many lines": {Raw: strings.Repeat("250-and more\r\n", 1000)},
		"continue":   {Reply: "354 again?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, smtptest.Options{Script: func(stage smtptest.Stage, _ string) smtptest.Action {
				if stage == smtptest.Dot {
					return a
				}
				return smtptest.Action{}
			}})
			r := relay(s)
			r.Timeout = 300 * time.Millisecond
			c := dial(t, r)
			got := deliver(c, letter(0), letter(1))
			if got[0].Kind != Doubtful || got[1].Kind != Retry || !c.Broken() {
				t.Errorf("outcomes %+v, broken %v", got, c.Broken())
			}
			if strings.ContainsAny(got[0].Text, "\x00\r\n") || !utf8.ValidString(got[0].Text) || len(got[0].Text) > maxText {
				t.Errorf("the relay's words are kept raw: %q", got[0].Text)
			}
		})
	}
}

func TestFault_S7_TLSPolicy(t *testing.T) {
	config, pool, err := smtptest.Certificate(time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	expired, expiredPool, err := smtptest.Certificate(time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	trusting := &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
	good := start(t, smtptest.Options{TLS: config})
	r := relay(good)
	r.TLS, r.Config = "starttls", trusting
	if got := deliver(dial(t, r), letter(0), letter(1)); got[0].Kind != Accepted || got[1].Kind != Accepted {
		t.Errorf("over STARTTLS: %+v", got)
	}
	stripped := start(t, smtptest.Options{})
	for name, c := range map[string]struct {
		server *smtptest.Server
		config *tls.Config
	}{
		"stripped":  {stripped, trusting},
		"untrusted": {good, &tls.Config{ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}},
		"expired":   {start(t, smtptest.Options{TLS: expired}), &tls.Config{RootCAs: expiredPool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}},
		"name":      {good, &tls.Config{RootCAs: pool, ServerName: "relay.example", MinVersion: tls.VersionTLS12}},
	} {
		r := relay(c.server)
		r.TLS, r.Config = "starttls", c.config
		if _, err := r.Dial(context.Background()); !errors.Is(err, ErrTLS) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line of ErrTLS", name, err)
		}
	}
	for _, command := range stripped.Commands() {
		if strings.HasPrefix(command, "MAIL") {
			t.Error("mail went in clear")
		}
	}
}

func TestAuth(t *testing.T) {
	config, pool, err := smtptest.Certificate(time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, smtptest.Options{TLS: config, Users: map[string]string{"apta": "secret"}})
	r := relay(s)
	r.TLS, r.Config, r.Auth, r.Username, r.Password = "starttls", &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}, "plain", "apta", "secret"
	dial(t, r)
	r.Password = "guess"
	if _, err := r.Dial(context.Background()); !errors.Is(err, ErrAuth) || strings.Contains(err.Error(), "guess") {
		t.Errorf("error %v, want ErrAuth without the password", err)
	}
}

func TestUnreachable(t *testing.T) {
	s, err := smtptest.Start(smtptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := relay(s).Dial(context.Background()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("error %v, want ErrUnreachable", err)
	}
}

func FuzzReply(f *testing.F) {
	f.Add("250 ok\r\n")
	f.Add("250-a\r\n250 b\r\n")
	f.Add("2\xff\n")
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := readReply(bufioReader(raw))
		if err == nil && (r.code < 200 || r.code > 599 || len(r.text) > maxText+1) {
			t.Fatalf("%q was read as %+v", raw, r)
		}
	})
}

func bufioReader(s string) *bufio.Reader { return bufio.NewReader(strings.NewReader(s)) }
