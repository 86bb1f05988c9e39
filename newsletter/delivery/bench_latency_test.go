package delivery

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"apta/newsletter/transport/smtptest"

	gomail "github.com/wneessen/go-mail"
)

// The relay of BenchmarkRoundTrips is as far away as one on the other side of a
// continent.
const (
	roundTrip        = 50 * time.Millisecond
	latencyConns     = 64
	latencyReaders   = 200 * latencyConns
	latencyByGoMail  = 10 * latencyConns
	roundTripSeconds = float64(roundTrip) / float64(time.Second)
)

// BenchmarkRoundTrips sends to a relay 50 ms away over 64 connections: the sender
// with its durable ledger, and go-mail as its users send, a message built a
// reader, on as many connections that stay open. A body follows its own 354, and
// a connection has one message in doubt at most, so one message a round trip a
// connection is the limit; what share of it is reached is printed.
func BenchmarkRoundTrips(b *testing.B) {
	sink := startSink(b)
	far, err := smtptest.StartDelay(fmt.Sprintf("127.0.0.1:%d", sink), roundTrip/2)
	if err != nil {
		b.Fatal(err)
	}
	defer far.Close()
	edition := benchMail(b)
	var ours, theirs []float64
	for b.Loop() {
		theirs = append(theirs, lockstepGoMail(b, far.Port(), latencyByGoMail, latencyConns))
		rate, _ := sendAll(b, far.Port(), filepath.Join(b.TempDir(), "apta.db"), edition, latencyReaders, latencyConns)
		ours = append(ours, rate)
	}
	b.ReportMetric(median(ours), "apta-msg/s")
	b.ReportMetric(median(theirs), "go-mail-msg/s")
	b.ReportMetric(median(ours)/median(theirs), "ratio")
	b.ReportMetric(median(ours)*roundTripSeconds/latencyConns, "of-limit")
}

// lockstepGoMail sends with go-mail's own client and gives messages a second,
// connecting not counted.
func lockstepGoMail(b *testing.B, port, messages, connections int) float64 {
	b.Helper()
	prose := "The council agreed on Tuesday to open the second bridge over the river. "
	text, html := strings.Repeat(prose+"\n", 110), "<p>"+strings.Repeat(prose, 410)+"</p>"
	var clients []*gomail.Client
	for range connections {
		c, err := gomail.NewClient("127.0.0.1", gomail.WithPort(port), gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithTimeout(time.Minute))
		if err != nil {
			b.Fatal(err)
		}
		clients = append(clients, c)
	}
	var all sync.WaitGroup
	for _, c := range clients {
		all.Go(func() {
			if err := c.DialWithContext(context.Background()); err != nil {
				b.Error(err)
			}
		})
	}
	all.Wait()
	began := time.Now()
	for i, c := range clients {
		all.Go(func() {
			for n := i; n < messages; n += connections {
				m := gomail.NewMsg()
				if err := m.From("weekly@news.example"); err != nil {
					b.Error(err)
				}
				if err := m.To(fmt.Sprintf("reader%d@readers.example", n)); err != nil {
					b.Error(err)
				}
				m.Subject("Week in Review")
				m.SetBodyString(gomail.TypeTextPlain, text)
				m.AddAlternativeString(gomail.TypeTextHTML, html)
				if err := c.Send(m); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	elapsed := time.Since(began)
	for _, c := range clients {
		all.Go(func() { c.Close() })
	}
	all.Wait()
	return float64(messages) / elapsed.Seconds()
}
