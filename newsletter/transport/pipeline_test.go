package transport

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter/transport/smtptest"
)

// sendAll delivers letters over so many connections, opened anew when they
// break, until every letter is accepted or refused. It gives how many ended in doubt.
func sendAll(t *testing.T, r Relay, connections int, letters []*Letter) (doubtful int) {
	t.Helper()
	queue := make(chan *Letter, len(letters))
	for _, l := range letters {
		queue <- l
	}
	var left, doubts atomic.Int64
	left.Store(int64(len(letters)))
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			var c *Conn
			defer func() {
				if c != nil {
					c.Quit()
				}
			}()
			for left.Load() > 0 {
				var batch []*Letter
				for len(batch) < 5 && len(queue) > 0 {
					select {
					case l := <-queue:
						batch = append(batch, &Letter{From: l.From, To: l.To, Body: bytes.Clone(l.Body)})
					default:
					}
				}
				if len(batch) == 0 {
					time.Sleep(time.Millisecond)
					continue
				}
				if c == nil || c.Broken() {
					c = dial(t, r)
				}
				for i, o := range deliver(c, batch...) {
					switch o.Kind {
					case Accepted, Refused:
						left.Add(-1)
						continue
					case Doubtful:
						doubts.Add(1)
					}
					batch[i].Body = bytes.Clone(letter(number(batch[i])).Body)
					queue <- batch[i]
				}
			}
		})
	}
	all.Wait()
	return int(doubts.Load())
}

func number(l *Letter) (n int) {
	fmt.Sscanf(l.To, "reader%d@", &n)
	return n
}

func letters(n int) (list []*Letter) {
	for i := range n {
		list = append(list, letter(i))
	}
	return list
}

func TestFault_S6_PipeliningGotWrong(t *testing.T) {
	for _, wrong := range []smtptest.Pipelining{
		smtptest.DropsRest, smtptest.DropsBehindDot, smtptest.OutOfStep, smtptest.DoubleReply, smtptest.Refuses, smtptest.Closes, smtptest.ClosesBehindDot,
	} {
		t.Run(string(wrong), func(t *testing.T) {
			t.Parallel()
			s := start(t, smtptest.Options{Pipelining: wrong})
			var log bytes.Buffer
			r := relay(s)
			r.Timeout, r.Manners = 300*time.Millisecond, NewManners(slog.New(slog.NewTextHandler(&log, nil)))
			doubtful := sendAll(t, r, 4, letters(200))
			readers := map[string]int{}
			for _, m := range s.Messages() {
				readers[m.To]++
			}
			if len(readers) != 200 || s.Count() > 200+doubtful || doubtful > 1 {
				t.Errorf("%d readers have it, %d messages arrived, %d were doubtful", len(readers), s.Count(), doubtful)
			}
			if n := strings.Count(log.String(), "gets it wrong"); n != 1 {
				t.Errorf("it was said %d times: %s", n, log.String())
			}
			before := s.Together()
			if sendAll(t, r, 2, letters(20)); wrong != smtptest.ClosesBehindDot && s.Together() != before {
				t.Error("a new connection has forgotten it")
			}
			if s.Count() != 220+doubtful && s.Count() != 220 {
				t.Errorf("%d messages arrived in all", s.Count())
			}
		})
	}
}

// What networks and busy relays do to anybody is not held against pipelining.
func TestFault_S6_PlainFailuresAreNotMistaken(t *testing.T) {
	var turn atomic.Int64
	every := func(n int64, stage smtptest.Stage, a smtptest.Action) func(smtptest.Stage, string) smtptest.Action {
		return func(at smtptest.Stage, _ string) smtptest.Action {
			if at == stage && turn.Add(1)%n == 0 {
				return a
			}
			return smtptest.Action{}
		}
	}
	for name, script := range map[string]func(smtptest.Stage, string) smtptest.Action{
		"drops at RCPT":     every(17, smtptest.Rcpt, smtptest.Action{Drop: true}),
		"drops at the dot":  every(17, smtptest.Dot, smtptest.Action{Drop: true}),
		"drops in the body": every(17, smtptest.Body, smtptest.Action{Read: 10}),
		"hangs at RCPT":     every(60, smtptest.Rcpt, smtptest.Action{Hang: true}),
		"421 at MAIL":       every(7, smtptest.Mail, smtptest.Action{Reply: "421 4.3.2 busy", After: true}),
		"421 at the dot":    every(7, smtptest.Dot, smtptest.Action{Reply: "421 4.3.2 busy", After: true}),
		"greylists":         every(3, smtptest.Rcpt, smtptest.Action{Reply: "451 4.7.1 later"}),
		"503 as its opinion": func(at smtptest.Stage, to string) smtptest.Action {
			if at == smtptest.Rcpt && strings.Contains(to, "7@") {
				return smtptest.Action{Reply: "503 5.5.1 not for you"}
			}
			return smtptest.Action{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			turn.Store(0)
			s := start(t, smtptest.Options{Script: script})
			var log bytes.Buffer
			r := relay(s)
			r.Timeout, r.Manners = 200*time.Millisecond, NewManners(slog.New(slog.NewTextHandler(&log, nil)))
			sendAll(t, r, 2, letters(150))
			if log.Len() != 0 || s.Together() < 100 {
				t.Errorf("%d commands came together; the log says %s", s.Together(), log.String())
			}
		})
	}
}

// Before a relay is believed, one connection at a time tries it, first where no
// body is at stake.
func TestFault_S6_TriedBeforeBelieved(t *testing.T) {
	m := NewManners(nil)
	if s, trial := m.choose(flowing, false); s != inStep || trial {
		t.Error("believed at first sight")
	}
	if s, trial := m.choose(grouped, true); s != grouped || !trial {
		t.Error("not tried")
	}
	if s, trial := m.choose(grouped, true); s != inStep || trial {
		t.Error("tried by two at once")
	}
	m.broke(grouped)
	if s, _ := m.choose(grouped, true); s != grouped {
		t.Error("one broken connection was enough")
	}
	m.succeeded(grouped)
	if s, trial := m.choose(flowing, true); s != flowing || !trial {
		t.Error("the second step is not tried")
	}
	m.succeeded(flowing)
	if s, trial := m.choose(flowing, false); s != flowing || trial {
		t.Error("not believed after it was tried")
	}
	m.broke(flowing)
	if s, _ := m.choose(flowing, false); s != flowing {
		t.Error("a break later on was held against it")
	}
	m.wrong("proof")
	if s, _ := m.choose(flowing, false); s != inStep {
		t.Error("proof was not enough")
	}
}

// One connection, a message of 44 KB, the server in the same process.
func BenchmarkDeliver(b *testing.B) {
	s := start(b, smtptest.Options{CountOnly: true})
	c := dial(b, relay(s))
	body := []byte(strings.Repeat("a line of the long message that each reader has\r\n", 900))
	two := [2]Letter{{From: "weekly@news.example", To: "a@readers.example"}, {From: "weekly@news.example", To: "b@readers.example"}}
	cur, next := &two[0], &two[1]
	cur.Body = append(cur.Body[:0], body...)
	if o := c.Begin(cur); o.Kind != Ready {
		b.Fatal(o)
	}
	b.ReportAllocs()
	for b.Loop() {
		next.Body = append(next.Body[:0], body...)
		out, ready := c.Deliver(cur, next)
		if out.Kind != Accepted || ready.Kind != Ready {
			b.Fatal(out, ready)
		}
		cur, next = next, cur
	}
}
