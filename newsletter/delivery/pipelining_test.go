package delivery

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"apta/newsletter/transport"
	"apta/newsletter/transport/smtptest"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// Whatever a relay makes of pipelining, every reader has the mail, at most one of
// them twice and then with the same Message-ID, and the log says it once.
func TestFault_S6_NobodyIsLostToPipelining(t *testing.T) {
	for _, wrong := range []smtptest.Pipelining{smtptest.OutOfStep, smtptest.ClosesBehindDot} {
		t.Run(string(wrong), func(t *testing.T) {
			databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) { sendWrong(t, db, wrong) })
		})
	}
}

func sendWrong(t *testing.T, db *database.DB, wrong smtptest.Pipelining) {
	s, err := smtptest.Start(smtptest.Options{Pipelining: wrong})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var log bytes.Buffer
	relay := transport.Relay{Host: s.Host(), Port: s.Port(), TLS: "none", Timeout: 300 * time.Millisecond, Manners: transport.NewManners(slog.New(slog.NewTextHandler(&log, nil)))}
	d := newDesk(t, db, 200)
	opt := d.sender(s, fast).opt
	opt.Relays[0].Dial = Dialer(relay)
	sender := NewSender(d.ledger, d.store, d.keys, opt)
	d.start(t, sender)
	if c := d.work(t, sender); c.Accepted != 200 || c.Total != 200 {
		t.Errorf("counts %+v", c)
	}
	got, ids := tally(s)
	if len(got) != 200 || s.Count() > 201 || strings.Count(log.String(), "gets it wrong") != 1 {
		t.Errorf("%d readers have %d mails, the log says %s", len(got), s.Count(), log.String())
	}
	for reader, of := range ids {
		if len(of) != 1 {
			t.Errorf("%s has mails with %d names", reader, len(of))
		}
	}
}
