package delivery

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter/transport/smtptest"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestRelayKeepsItsRate(t *testing.T) {
	d, limited, free := newDesk(t, openSQLite(t), 400), server(t, nil), slow(t, 5*time.Millisecond)
	r, other := to("limited", limited.Port(), 4), to("free", free.Port(), 2)
	r.Rate, r.Weight, other.Weight = 20, 1, 1
	s := d.over(Options{}, r, other)
	d.start(t, s)
	began := time.Now()
	c := d.work(t, s)
	elapsed := time.Since(began)
	if most := 1 + int(20*(elapsed+tolerance).Seconds()); c.Accepted != 400 || limited.Count() > most || limited.Count() == 0 {
		t.Errorf("counts %+v, %d over a relay with 20 a second in %s", c, limited.Count(), elapsed)
	}
	if limited.Count() > 200 {
		t.Error("the limited relay held the other up")
	}
}

// A domain at its limit blocks neither connections nor other domains; what does
// not find room in memory waits in the ledger for a slot of its own.
func TestDomainKeepsItsLimit(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		d, srv := newDesk(t, db, 500), server(t, nil)
		d.add(t, 100, "slow.example")
		d.add(t, 100, "тест.қаз") // named by its Unicode form
		s := d.over(Options{Limits: Limits{Domains: map[string]float64{"slow.example": 0.2, "тест.қаз": 0.5}}}, to("relay", srv.Port(), 2))
		d.start(t, s)
		ended := make(chan error, 1)
		go func() { ended <- s.Work(ctx, d.issue.ID) }()
		eventually(t, "the others' mail and the deferrals", func() bool {
			c := d.counts(t)
			return arrived(srv, "readers.example") == 500 && c.Deferred >= 97+94
		})
		stop()
		<-ended
		if n := arrived(srv, "slow.example"); n == 0 || n > 3 {
			t.Errorf("%d arrived at a domain with 0.2 a second", n)
		}
		var slots, first, last, attempts int64
		err := db.QueryRow(context.Background(), `SELECT count(DISTINCT until), min(until), max(until), max(d.attempts) FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id
WHERE d.state = 3 AND s.email LIKE '%slow.example'`).Scan(&slots, &first, &last, &attempts)
		if err != nil {
			t.Fatal(err)
		}
		if slots < 97 || last-first != (slots-1)*5000 || attempts != 0 {
			t.Errorf("%d slots over %d ms, %d attempts", slots, last-first, attempts)
		}
		slow, err := d.ledger.SlowDomains(context.Background(), d.issue.ID, 1)
		if err != nil || len(slow) != 1 || slow[0].Domain != "slow.example" || slow[0].Why != "the limit of 0.2 messages a second to slow.example" || slow[0].Deferred < 97 {
			t.Errorf("slow domains %+v (%v)", slow, err)
		}
		if n, err := d.ledger.Untried(context.Background(), d.issue.ID); err != nil || n < 97+94 {
			t.Errorf("%d untried (%v)", n, err)
		}
	})
}

// What was put off by a limit is put off once, and comes in its turn.
func TestOneDeferralEach(t *testing.T) {
	d, srv := newDesk(t, openSQLite(t), 0), server(t, nil)
	d.add(t, 300, "slow.example")
	ctx := context.Background()
	for _, statement := range []string{`CREATE TABLE deferrals (id BIGINT)`,
		`CREATE TRIGGER deferred AFTER UPDATE ON deliveries WHEN NEW.state = 3 BEGIN INSERT INTO deferrals VALUES (NEW.subscriber_id); END`} {
		if _, err := d.db.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	s := d.over(Options{Limits: Limits{PerDomain: 100}}, to("relay", srv.Port(), 2))
	s.pace.ahead = 300 * time.Millisecond
	d.start(t, s)
	began := time.Now()
	c := d.work(t, s)
	if elapsed := time.Since(began); c.Accepted != 300 || elapsed < (300-1)*10*time.Millisecond-tolerance {
		t.Errorf("counts %+v in %s, at 100 a second", c, elapsed)
	}
	var readers, deferrals int
	if err := d.db.QueryRow(ctx, `SELECT count(DISTINCT id), count(*) FROM deferrals`).Scan(&readers, &deferrals); err != nil {
		t.Fatal(err)
	}
	if readers < 200 || deferrals > readers+readers/20 {
		t.Errorf("%d readers were put off %d times", readers, deferrals)
	}
	if most := d.attempts(t); most != 1 {
		t.Errorf("a delivery counts %d attempts", most)
	}
}

func TestProcessesShareALimit(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		d := newDesk(t, db, 0)
		now := noon
		d.ledger.now = func() time.Time { return now }
		limits := Options{Limits: Limits{PerDomain: 10}}
		one, two := d.over(limits, to("relay", 1, 1)), d.over(limits, to("relay", 1, 1))
		share := func(s *Sender) float64 {
			s.beat(ctx)
			s.pace.mu.Lock()
			defer s.pace.mu.Unlock()
			return s.pace.of("slow.example").rate(now, s.pace.live)
		}
		if r := share(one); r != 10 {
			t.Errorf("alone it may send %g a second", r)
		}
		now = now.Add(beatEvery)
		if a, b := share(two), share(one); a != 5 || b != 5 {
			t.Errorf("two may send %g and %g a second", a, b)
		}
		two.rest() // it has nothing to send any more
		now = now.Add(beatEvery)
		if r := share(one); r != 10 {
			t.Errorf("alone again it may send %g a second", r)
		}
		share(two)
		now = now.Add(beatDead) // killed, without a word
		if r := share(one); r != 10 {
			t.Errorf("beside a dead process it may send %g a second", r)
		}
		one.lanes[0].failed("it is on fire", true)
		now = now.Add(beatEvery)
		one.beat(ctx)
		if states, err := d.ledger.Relays(ctx); err != nil || len(states) != 1 || states[0].Why != "it is on fire" {
			t.Errorf("others hear of its relays: %+v (%v)", states, err)
		}
	})
}

// Three in ten are put off for a while: the rate falls, everybody has the mail in
// the end, nobody is refused, and the domain is free again.
func TestFault_S3_Storm(t *testing.T) {
	for name, test := range map[string]struct {
		at    smtptest.Stage
		reply string
		said  string
	}{
		"recipients":               {smtptest.Rcpt, "451 4.7.1 slow down", "a domain puts us off"},
		"full":                     {smtptest.Dot, "452 4.3.1 no room", "a domain puts us off"},
		"relay":                    {smtptest.Mail, "450 4.7.1 slow down", "a relay puts us off"},
		"closing":                  {smtptest.Mail, "421 4.7.0 too many", "a relay puts us off"},
		"closing at the recipient": {smtptest.Rcpt, "421 4.7.0 too many", "a relay puts us off"},
		"temporary":                {smtptest.Mail, "454 4.7.0 later", "a relay puts us off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storm := func(t *testing.T, db *database.DB) {
				var over atomic.Bool
				var n atomic.Int64
				srv := server(t, func(stage smtptest.Stage, _ string) smtptest.Action {
					if stage == test.at && !over.Load() && n.Add(1)%10 < 3 {
						return smtptest.Action{Reply: test.reply, After: strings.HasPrefix(test.reply, "421")}
					}
					return smtptest.Action{}
				})
				readers := size(1000, 20_000)
				d := newDesk(t, db, readers)
				var log logBook
				s := d.over(Options{Log: log.logger()}, to("relay", srv.Port(), 4))
				d.start(t, s)
				ended := make(chan error, 1)
				go func() { ended <- s.Work(context.Background(), d.issue.ID) }()
				eventually(t, "the slowing down", func() bool { return log.count(test.said) > 0 })
				select {
				case <-time.After(time.Duration(size(0, 300)) * time.Second):
				case err := <-ended:
					ended <- err
				}
				over.Store(true)
				if err := <-ended; err != nil {
					t.Fatal(err)
				}
				if c := d.work(t, s); c.Accepted != readers || c.Refused != 0 || srv.Count() != readers {
					t.Errorf("counts %+v, %d arrived", c, srv.Count())
				}
				eventually(t, "the recovery", func() bool {
					s.pace.share(1) // forgets what is over
					return len(s.Relays()) == 0 && !s.pace.active.Load()
				})
			}
			if name == "recipients" {
				databasetest.Each(t, schemas, storm)
			} else {
				storm(t, openSQLite(t))
			}
		})
	}
}

// Greylisting: who is turned away at first is taken a while later.
func TestFault_S3_GreylistingByTime(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		var mu sync.Mutex
		seen := map[string]time.Time{}
		srv := server(t, func(stage smtptest.Stage, to string) smtptest.Action {
			if stage != smtptest.Rcpt {
				return smtptest.Action{}
			}
			mu.Lock()
			defer mu.Unlock()
			first, known := seen[to]
			if !known {
				seen[to] = time.Now()
			}
			if !known || time.Since(first) < 60*time.Millisecond {
				return smtptest.Action{Reply: "451 4.7.1 greylisted, come back later"}
			}
			return smtptest.Action{}
		})
		d := newDesk(t, db, 200)
		s := d.over(Options{}, to("relay", srv.Port(), 4))
		d.start(t, s)
		if c := d.work(t, s); c.Accepted != 200 || c.Refused != 0 || srv.Count() != 200 {
			t.Errorf("counts %+v, %d arrived", c, srv.Count())
		}
	})
}

// A relay that warms up sends its day's mail and not one more; others take over.
func TestWarmUpIsKept(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		d, cold, warm := newDesk(t, db, 300), server(t, nil), server(t, nil)
		r := to("cold", cold.Port(), 4)
		r.WarmUp = WarmUp{Start: time.Now().UTC().AddDate(0, 0, -1), First: 50, Factor: 1.5}
		s := d.over(Options{}, r, to("warm", warm.Port(), 1))
		// Half of the day's 75 were sent by a process before this one.
		day, _ := r.WarmUp.day(time.Now())
		if _, err := db.Exec(ctx, fmt.Sprintf(`INSERT INTO warmups (relay, day, sent) VALUES ('cold', '%s', 40)`, day)); err != nil {
			t.Fatal(err)
		}
		d.start(t, s)
		c := d.work(t, s)
		if c.Accepted != 300 || cold.Count() > 35 || cold.Count()+warm.Count() != 300 {
			t.Errorf("counts %+v, %d over the relay that warms up, %d over the other", c, cold.Count(), warm.Count())
		}
	})
}

// Where every relay has sent its day's mail the send waits, says why, and goes on
// the next day.
func TestWarmUpWaitsForTheNextDay(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		d, srv := newDesk(t, db, 120), server(t, nil)
		zone := time.FixedZone("UTC+5", 5*3600)
		// A clock that is an hour before midnight and moves as this one does.
		began, midnight := time.Now(), time.Date(2026, 12, 2, 0, 0, 0, 0, zone)
		var ahead atomic.Int64
		d.ledger.now = func() time.Time {
			return midnight.Add(-time.Hour).Add(time.Since(began)).Add(time.Duration(ahead.Load()))
		}
		r := to("cold", srv.Port(), 4)
		r.WarmUp = WarmUp{Start: time.Date(2026, 12, 1, 0, 0, 0, 0, zone), First: 50, Factor: 1.5}
		s := d.over(Options{Lease: 2 * time.Hour}, r) // longer than the clock jumps
		d.start(t, s)
		ended := make(chan error, 1)
		go func() { ended <- s.Work(ctx, d.issue.ID) }()
		eventually(t, "the day's mail", func() bool { return srv.Count() == 50 && len(s.Relays()) == 1 })
		state := s.Relays()[0]
		if state.State != RelayCapped || state.Why != "50 of 50 mails were sent on 2026-12-01" || !state.Until.Equal(midnight) {
			t.Errorf("the relay is said to be %+v", state)
		}
		if other, capped, err := d.ledger.Capped(ctx, "cold", r.WarmUp); err != nil || !capped || other.Why != state.Why {
			t.Errorf("another process says %+v (%v)", other, err)
		}
		ahead.Store(int64(time.Hour))
		eventually(t, "the next day's mail", func() bool { return srv.Count() == 120 })
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if c := d.work(t, s); c.Accepted != 120 {
			t.Errorf("counts %+v", c)
		}
		var rows string
		for _, day := range []string{"2026-12-01", "2026-12-02"} {
			n, err := d.ledger.warmedUp(ctx, "cold", day)
			if err != nil {
				t.Fatal(err)
			}
			rows += fmt.Sprint(n, " ")
		}
		if rows != "50 70 " {
			t.Errorf("counted by day: %s", rows)
		}
	})
}
