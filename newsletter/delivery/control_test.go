package delivery

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter/transport/smtptest"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// slow is a relay that takes a moment over each message.
func slow(t *testing.T, each time.Duration) *smtptest.Server {
	return server(t, func(stage smtptest.Stage, _ string) smtptest.Action {
		if stage == smtptest.Dot {
			return smtptest.Action{Delay: each}
		}
		return smtptest.Action{}
	})
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about", what)
		}
	}
}

func TestPauseAndResume(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		d, s := newDesk(t, db, 1200), slow(t, 2*time.Millisecond)
		sender := d.sender(s, Retry{})
		d.start(t, sender)
		ended := make(chan error, 1)
		go func() { ended <- sender.Run(ctx) }()
		eventually(t, "the beginning", func() bool { return s.Count() > 50 })
		if err := d.ledger.Pause(ctx, d.issue.ID, "the mayor called"); err != nil {
			t.Fatal(err)
		}
		if err := d.ledger.Pause(ctx, d.issue.ID, ""); !errors.Is(err, ErrState) {
			t.Errorf("paused twice: %v", err)
		}
		eventually(t, "the pause", func() bool {
			before := s.Count()
			time.Sleep(400 * time.Millisecond)
			return s.Count() == before
		})
		if n := s.Count(); n == 1200 {
			t.Fatal("nothing was left to pause")
		}
		if c := d.counts(t); c.Offered != 0 || c.Queued == 0 || c.Accepted != s.Count() {
			t.Errorf("in the pause: %+v, %d arrived", c, s.Count())
		}
		if err := d.ledger.Resume(ctx, d.issue.ID); err != nil {
			t.Fatal(err)
		}
		d.waitDone(t)
		if c := d.counts(t); c.Accepted != 1200 || s.Count() != 1200 {
			t.Errorf("counts %+v, %d arrived", c, s.Count())
		}
		stop()
		<-ended
	})
}

func TestCancel(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		d, s := newDesk(t, db, 2200), slow(t, 2*time.Millisecond)
		sender := d.sender(s, Retry{})
		d.start(t, sender)
		ended := make(chan error, 1)
		go func() { ended <- sender.Run(ctx) }()
		eventually(t, "the beginning", func() bool { return s.Count() > 50 })
		if err := d.ledger.Cancel(ctx, d.issue.ID); err != nil {
			t.Fatal(err)
		}
		// The sender stops and lets go of its chunks; the rest is swept by whoever cancelled.
		eventually(t, "the end", func() bool {
			ended, err := d.ledger.Sweep(ctx, d.issue.ID)
			return err == nil && ended && d.counts(t).Waiting() == 0
		})
		if c := d.counts(t); c.Accepted != s.Count() || c.Skipped == 0 || c.Accepted+c.Skipped != 2200 {
			t.Errorf("counts %+v, %d arrived", c, s.Count())
		}
		if err := d.ledger.Resume(ctx, d.issue.ID); !errors.Is(err, ErrState) {
			t.Errorf("a cancelled send was resumed: %v", err)
		}
		stop()
		<-ended
	})
}

func TestRetryFailed(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		var mended atomic.Bool
		s := server(t, func(stage smtptest.Stage, to string) smtptest.Action {
			if stage == smtptest.Rcpt && strings.Contains(to, "reader1") && !mended.Load() {
				return smtptest.Action{Reply: "550 5.7.1 no"}
			}
			return smtptest.Action{}
		})
		d := newDesk(t, db, 20)
		sender := d.sender(s, fast)
		d.start(t, sender)
		if _, err := d.ledger.RetryFailed(context.Background(), d.issue.ID); !errors.Is(err, ErrState) {
			t.Errorf("a running send was retried: %v", err)
		}
		if c := d.work(t, sender); c.Refused != 11 {
			t.Fatalf("counts %+v", c)
		}
		mended.Store(true)
		if n, err := d.ledger.RetryFailed(context.Background(), d.issue.ID); err != nil || n != 11 {
			t.Fatalf("%d are retried (%v)", n, err)
		}
		if c := d.work(t, sender); c.Accepted != 20 || s.Count() != 20 {
			t.Errorf("counts %+v, %d arrived", c, s.Count())
		}
	})
}

func TestAnOldSendWaitsForAPerson(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		d, s := newDesk(t, db, 20), server(t, nil)
		sender := d.sender(s, Retry{})
		sender.opt.Stale = time.Hour
		d.start(t, sender)
		if _, err := db.Exec(ctx, `UPDATE sends SET started = started - 7200000`); err != nil {
			t.Fatal(err)
		}
		if err := sender.Work(ctx, d.issue.ID); err != nil || s.Count() != 0 {
			t.Fatalf("%d arrived (%v)", s.Count(), err)
		}
		if send, err := d.ledger.Send(ctx, d.issue.ID); err != nil || send.State != Paused || !strings.Contains(send.Why, "2h0m0s ago") {
			t.Fatalf("%+v (%v)", send, err)
		}
		if err := d.ledger.Resume(ctx, d.issue.ID); err != nil {
			t.Fatal(err)
		}
		if c := d.work(t, sender); c.Accepted != 20 {
			t.Errorf("counts %+v", c)
		}
	})
}

func TestFault_L7_RestoredCopy(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		ledger := NewLedger(db, time.Now)
		g := NewGuard(ledger, filepath.Join(t.TempDir(), "generation"))
		for range 3 {
			if err := g.Pass(ctx); err != nil {
				t.Fatal(err)
			}
		}
		// Yesterday's copy has counted less far.
		if _, err := db.Exec(ctx, `UPDATE generation SET count = 1`); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := g.Pass(ctx); !errors.Is(err, ErrRestored) {
				t.Errorf("an old copy passes: %v", err)
			}
		}
		if err := g.Accept(ctx); err != nil {
			t.Fatal(err)
		}
		if err := g.Pass(ctx); err != nil {
			t.Errorf("after it was accepted: %v", err)
		}
	})
}
