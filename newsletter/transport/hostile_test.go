package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter/transport/smtptest"
)

// wiretap is a listener that keeps what clients send, as it is on the wire.
type wiretap struct {
	net.Listener
	mu   sync.Mutex
	seen bytes.Buffer
}

func (w *wiretap) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	return tapped{c, w}, err
}

type tapped struct {
	net.Conn
	tap *wiretap
}

func (t tapped) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.tap.mu.Lock()
	defer t.tap.mu.Unlock()
	t.tap.seen.Write(b[:n])
	return n, err
}

// When TLS dies, at whatever moment, the connection is given up: nothing goes on
// in clear, and the next connection is as secret as the first.
func TestFault_S7_TLSDiesInMidSession(t *testing.T) {
	config, pool, err := smtptest.Certificate(time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for stage, want := range map[smtptest.Stage]Kind{smtptest.Mail: Retry, smtptest.Data: Retry, smtptest.Dot: Doubtful} {
		for how, a := range map[string]smtptest.Action{"rubbish": {Spoil: true}, "cut": {Drop: true}} {
			t.Run(string(stage)+" "+how, func(t *testing.T) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				tap, times := &wiretap{Listener: l}, atomic.Int64{}
				s := smtptest.Serve(tap, smtptest.Options{TLS: config, Script: func(at smtptest.Stage, _ string) smtptest.Action {
					if at == stage && times.Add(1) == 2 {
						return a
					}
					return smtptest.Action{}
				}})
				defer s.Close()
				r := relay(s)
				r.TLS, r.Config = "starttls", &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
				c := dial(t, r)
				got := deliver(c, letter(0), letter(1), letter(2))
				if got[0].Kind != Accepted || got[1].Kind != want || got[2].Kind != Retry || !c.Broken() {
					t.Errorf("outcomes %+v, broken %v", got, c.Broken())
				}
				if again := deliver(dial(t, r), letter(3)); again[0].Kind != Accepted {
					t.Errorf("over a new connection: %+v", again)
				}
				tap.mu.Lock()
				defer tap.mu.Unlock()
				for _, words := range []string{"MAIL", "RCPT", "reader", "Subject", "QUIT"} {
					if bytes.Contains(tap.seen.Bytes(), []byte(words)) {
						t.Errorf("%q went in clear", words)
					}
				}
			})
		}
	}
}

// A relay that takes its time for every octet has as much of it as for a reply,
// not as much for each.
func TestFault_S5_OneByteAtATime(t *testing.T) {
	for stage, want := range map[smtptest.Stage]Kind{smtptest.Mail: Retry, smtptest.Dot: Doubtful} {
		s := start(t, smtptest.Options{Script: func(at smtptest.Stage, _ string) smtptest.Action {
			if at == stage {
				return smtptest.Action{Trickle: 100 * time.Millisecond}
			}
			return smtptest.Action{}
		}})
		r := relay(s)
		r.Timeout = 400 * time.Millisecond
		c := dial(t, r)
		if got := deliver(c, letter(0)); got[0].Kind != want || !c.Broken() {
			t.Errorf("%s: %+v, broken %v", stage, got, c.Broken())
		}
	}
}

// The other side has gone and nobody has said so, as after a power cut: what is
// written goes nowhere.
func TestFault_S5_HalfOpen(t *testing.T) {
	s := start(t, smtptest.Options{Extensions: []string{"PIPELINING"}, Script: func(at smtptest.Stage, _ string) smtptest.Action {
		return smtptest.Action{Deaf: at == smtptest.Body}
	}})
	r := relay(s)
	r.Timeout = 300 * time.Millisecond
	big := letter(0)
	big.Body = append(big.Body, strings.Repeat("a line of a long message\r\n", 700_000)...)
	for name, c := range map[string]struct {
		letter *Letter
		want   Kind
	}{"in the body": {big, Retry}, "behind the dot": {letter(1), Doubtful}} {
		conn := dial(t, r)
		if got := deliver(conn, c.letter); got[0].Kind != c.want || !conn.Broken() {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Before a relay has shown who it is, it can neither hold a connection nor fill
// the memory.
func TestFault_S5_WhileOpening(t *testing.T) {
	for name, script := range map[string]func(smtptest.Stage) smtptest.Action{
		"no greeting":      func(at smtptest.Stage) smtptest.Action { return smtptest.Action{Hang: at == smtptest.Greeting} },
		"slow greeting":    func(smtptest.Stage) smtptest.Action { return smtptest.Action{Trickle: 50 * time.Millisecond} },
		"no hello":         func(at smtptest.Stage) smtptest.Action { return smtptest.Action{Hang: at == smtptest.Hello} },
		"dropped greeting": func(smtptest.Stage) smtptest.Action { return smtptest.Action{Drop: true} },
		"endless line": func(smtptest.Stage) smtptest.Action {
			return smtptest.Action{Raw: "220 " + strings.Repeat("x", 4<<20)}
		},
		"endless lines": func(at smtptest.Stage) smtptest.Action {
			if at == smtptest.Hello {
				return smtptest.Action{Raw: strings.Repeat("250-MORE\r\n", 1<<19)}
			}
			return smtptest.Action{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, smtptest.Options{Script: func(at smtptest.Stage, _ string) smtptest.Action { return script(at) }})
			r := relay(s)
			r.Timeout = 400 * time.Millisecond
			_, err := r.Dial(context.Background())
			if !errors.Is(err, ErrUnreachable) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 500 {
				t.Errorf("error %.600v, want one line of ErrUnreachable", err)
			}
			if strings.HasPrefix(name, "endless") && !errors.Is(err, errTalkative) {
				t.Errorf("error %.300v, want errTalkative", err)
			}
		})
	}
}
