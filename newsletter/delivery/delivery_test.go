package delivery

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/mail"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/transport"
	"apta/newsletter/transport/smtptest"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestMain(m *testing.M) {
	if os.Getenv(processEnv) != "" {
		senderProcess()
		return
	}
	if os.Getenv(sinkEnv) != "" {
		sinkProcess()
		return
	}
	databasetest.Run(m)
}

var schemas = []database.Schema{subscribers.Schema(), newsletter.Schema(), Schema()}

// desk is a newsroom with an approved issue and readers.
type desk struct {
	db     *database.DB
	store  *newsletter.Store
	subs   *subscribers.Store
	ledger *Ledger
	keys   *subscribers.Keys
	issue  newsletter.Issue
}

func newDesk(t *testing.T, db *database.DB, readers int) *desk {
	t.Helper()
	ctx := context.Background()
	ids := database.NewIDs(nil, nil)
	d := &desk{db: db, store: newsletter.NewStore(db, ids, time.Now), ledger: NewLedger(db, time.Now)}
	var err error
	if d.keys, err = subscribers.NewKeys([]byte(strings.Repeat("k", 32))); err != nil {
		t.Fatal(err)
	}
	d.subs = subscribers.NewStore(db, ids, d.keys, time.Now).For("weekly")
	var subs []subscribers.Subscriber
	for n := range readers {
		subs = append(subs, subscribers.Subscriber{Email: fmt.Sprintf("reader%d@readers.example", n), Name: fmt.Sprintf("Reader %d", n)})
	}
	if _, err := d.subs.AddAll(ctx, subs, "test"); err != nil {
		t.Fatal(err)
	}
	if d.issue, err = d.store.SaveIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: "2024-W42", Language: "en", Title: "T"}); err != nil {
		t.Fatal(err)
	}
	u := newsletter.SlotUnsubscribe.Marker()
	e, err := transport.Freeze(newsletter.Mail{Subject: "S", Text: "text " + u + "\n", HTML: "<p>html " + u + "</p>"},
		transport.Headers{From: mail.Address{Address: "weekly@news.example"}, ListID: "weekly.news.example", Date: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.store.Approve(ctx, d.issue, newsletter.Approval{Editions: map[string][]byte{"": e.Bytes()}}); err != nil {
		t.Fatal(err)
	}
	d.issue.Status = newsletter.Approved
	return d
}

func (d *desk) sender(s *smtptest.Server, retry Retry) *Sender {
	relay := transport.Relay{Host: s.Host(), Port: s.Port(), TLS: "none", Timeout: 5 * time.Second}
	return NewSender(d.ledger, d.store, d.keys, Options{
		Relays: []Relay{{Name: "relay", Connections: 4, Dial: Dialer(relay)}},
		Retry:  retry, Storm: 20 * time.Millisecond, Rest: 20 * time.Millisecond, Newsletters: quay, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
}

// quay is who sends, whatever the newsletter is called.
var quay = map[string]Newsletter{"": {BaseURL: "https://news.example", Domain: "news.example", ReturnPath: "bounces@news.example"}}

// fast retries soon, so that a test sees them.
var fast = Retry{First: 20 * time.Millisecond, Max: 50 * time.Millisecond}

func (d *desk) start(t *testing.T, s *Sender) {
	t.Helper()
	if err := s.Start(context.Background(), d.issue); err != nil {
		t.Fatal(err)
	}
	d.issue.Status = newsletter.Sending
}

// work carries the send on until nothing waits any more.
func (d *desk) work(t *testing.T, s *Sender) Counts {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if err := s.Work(context.Background(), d.issue.ID); err != nil {
			t.Fatal(err)
		}
		send, err := d.ledger.Send(context.Background(), d.issue.ID)
		if err != nil {
			t.Fatal(err)
		}
		if send.State == Done {
			return d.counts(t)
		}
	}
	t.Fatalf("the send does not end: %+v", d.counts(t))
	return Counts{}
}

func (d *desk) counts(t *testing.T) Counts {
	t.Helper()
	c, err := d.ledger.Counts(context.Background(), d.issue.ID)
	if err != nil {
		t.Fatal(err)
	}
	if c.Total != c.Queued+c.Offered+c.Accepted+c.Deferred+c.Refused+c.Doubtful+c.Skipped {
		t.Fatalf("the counts do not add up: %+v", c)
	}
	return c
}

// tally is how often each reader got the mail, by the server's own book.
func tally(s *smtptest.Server) (readers map[string]int, ids map[string]map[string]bool) {
	readers, ids = map[string]int{}, map[string]map[string]bool{}
	for _, m := range s.Messages() {
		readers[m.To]++
		_, rest, _ := strings.Cut(m.Data, "Message-ID: ")
		id, _, _ := strings.Cut(rest, "\r\n")
		if ids[m.To] == nil {
			ids[m.To] = map[string]bool{}
		}
		ids[m.To][id] = true
	}
	return readers, ids
}

func server(t *testing.T, script func(smtptest.Stage, string) smtptest.Action) *smtptest.Server {
	t.Helper()
	s, err := smtptest.Start(smtptest.Options{Script: script})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestEveryReaderOnce(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		d, s := newDesk(t, db, 2500), server(t, nil)
		sender := d.sender(s, Retry{})
		d.start(t, sender)
		if c := d.work(t, sender); c.Accepted != 2500 || c.Total != 2500 {
			t.Errorf("counts %+v", c)
		}
		got, _ := tally(s)
		if len(got) != 2500 || s.Count() != 2500 {
			t.Errorf("%d readers have %d mails", len(got), s.Count())
		}
		if i, err := d.store.Issue(context.Background(), "weekly", "2024-W42"); err != nil || i.Status != newsletter.Sent {
			t.Errorf("the issue is %s (%v)", i.Status, err)
		}
		// Once more sends nothing.
		if err := sender.Work(context.Background(), d.issue.ID); err != nil || s.Count() != 2500 {
			t.Errorf("after a second send there are %d mails (%v)", s.Count(), err)
		}
	})
}

func TestReaderWhoLeavesLateGetsNothing(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		d, s := newDesk(t, db, 20), server(t, nil)
		sender := d.sender(s, Retry{})
		d.start(t, sender)
		if err := d.ledger.Enqueue(ctx, d.issue.ID, nil); err != nil {
			t.Fatal(err)
		}
		n := 0
		err := d.subs.Each(ctx, func(sub subscribers.Subscriber) error {
			if n++; n%4 == 0 {
				return d.subs.Unsubscribe(ctx, sub.ID, "test")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if c := d.work(t, sender); c.Accepted != 15 || c.Skipped != 5 || s.Count() != 15 {
			t.Errorf("counts %+v, %d arrived", c, s.Count())
		}
		reasons, err := d.ledger.Reasons(ctx, d.issue.ID, 10)
		if err != nil || len(reasons) != 1 || reasons[0].Why != "unsubscribed" || reasons[0].Count != 5 {
			t.Errorf("reasons %+v (%v)", reasons, err)
		}
	})
}

func TestFault_S1_DoubtfulIsResentOnceWithTheSameMessageID(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		// Reader 7's relay drops after every dot, reader 9's after the first one.
		// Both took the mail, so a resending repeats it.
		var nine atomic.Int32
		var mu sync.Mutex
		taken := map[string]int{}
		s := server(t, func(stage smtptest.Stage, to string) smtptest.Action {
			drop := stage == smtptest.Dot && (strings.Contains(to, "reader7@") || strings.Contains(to, "reader9@") && nine.Add(1) == 1)
			if drop {
				mu.Lock()
				taken[to]++
				mu.Unlock()
			}
			return smtptest.Action{Drop: drop}
		})
		d := newDesk(t, db, 30)
		sender := d.sender(s, fast)
		d.start(t, sender)
		if c := d.work(t, sender); c.Accepted != 29 || c.Doubtful != 1 {
			t.Errorf("counts %+v", c)
		}
		_, ids := tally(s)
		for to, set := range ids {
			if len(set) != 1 {
				t.Errorf("%s has mails of %d Message-IDs", to, len(set))
			}
		}
		if taken["<reader7@readers.example>"] != 2 || taken["<reader9@readers.example>"] != 1 {
			t.Errorf("dropped after the dot: %v", taken)
		}
	})
}

func TestFault_S1_DoubtfulIsHeldBySetting(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		s := server(t, func(stage smtptest.Stage, to string) smtptest.Action {
			return smtptest.Action{Drop: stage == smtptest.Dot && strings.Contains(to, "reader7@")}
		})
		d := newDesk(t, db, 30)
		hold := fast
		hold.Hold = true
		sender := d.sender(s, hold)
		d.start(t, sender)
		if c := d.work(t, sender); c.Accepted != 29 || c.Doubtful != 1 || s.Count() != 29 {
			t.Errorf("counts %+v, %d arrived", c, s.Count())
		}
	})
}

func TestFault_S2_DroppedInMidBodyIsSentAgain(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		var drops atomic.Int32
		s := server(t, func(stage smtptest.Stage, to string) smtptest.Action {
			if stage == smtptest.Body && strings.Contains(to, "5@") && drops.Add(1) <= 10 {
				return smtptest.Action{Drop: true}
			}
			return smtptest.Action{}
		})
		d := newDesk(t, db, 100)
		sender := d.sender(s, fast)
		d.start(t, sender)
		c := d.work(t, sender)
		got, _ := tally(s)
		if c.Accepted != 100 || len(got) != 100 {
			t.Errorf("counts %+v, %d readers have it", c, len(got))
		}
	})
}

// Three in ten are put off, for a while; everybody gets the mail and nobody is
// marked as refused.
func TestFault_S3_Greylisting(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		var mu sync.Mutex
		seen := map[string]int{}
		s := server(t, func(stage smtptest.Stage, to string) smtptest.Action {
			if stage != smtptest.Rcpt {
				return smtptest.Action{}
			}
			mu.Lock()
			defer mu.Unlock()
			seen[to]++
			switch {
			case seen[to] > 2 || len(to)%10 > 2 && !strings.Contains(to, "3"):
				return smtptest.Action{}
			case strings.Contains(to, "13"):
				return smtptest.Action{Reply: "421 4.7.0 too many", After: true}
			}
			return smtptest.Action{Reply: "451 4.7.1 greylisted"}
		})
		d := newDesk(t, db, 300)
		sender := d.sender(s, fast)
		d.start(t, sender)
		if c := d.work(t, sender); c.Accepted != 300 || s.Count() != 300 {
			t.Errorf("counts %+v, %d arrived", c, s.Count())
		}
	})
}

func TestFault_S4_RefusalsAreCountedWithTheirCode(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		s := server(t, func(stage smtptest.Stage, to string) smtptest.Action {
			if stage == smtptest.Rcpt && strings.Contains(to, "reader1") {
				return smtptest.Action{Reply: "550 5.1.1 no such user"}
			}
			return smtptest.Action{}
		})
		d := newDesk(t, db, 20)
		sender := d.sender(s, fast)
		d.start(t, sender)
		if c := d.work(t, sender); c.Refused != 11 || c.Accepted != 9 {
			t.Errorf("counts %+v", c)
		}
		reasons, err := d.ledger.Reasons(context.Background(), d.issue.ID, 10)
		if err != nil || len(reasons) != 1 || reasons[0].Code != 550 || !strings.Contains(reasons[0].Why, "5.1.1") {
			t.Errorf("reasons %+v (%v)", reasons, err)
		}
	})
}

func TestGivenUpAfterTheAgeLimit(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		s := server(t, func(stage smtptest.Stage, _ string) smtptest.Action {
			if stage == smtptest.Rcpt {
				return smtptest.Action{Reply: "451 4.3.0 never"}
			}
			return smtptest.Action{}
		})
		d := newDesk(t, db, 3)
		limited := fast
		limited.GiveUp = 200 * time.Millisecond
		sender := d.sender(s, limited)
		d.start(t, sender)
		if c := d.work(t, sender); c.Refused != 3 {
			t.Errorf("counts %+v", c)
		}
	})
}

// A send that is stopped again and again, politely, loses nothing and repeats nothing.
func TestStoppedAndResumed(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		d, s := newDesk(t, db, 3000), server(t, nil)
		sender := d.sender(s, Retry{})
		d.start(t, sender)
		for range 5 {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
			sender.Work(ctx, d.issue.ID)
			cancel()
		}
		if c := d.work(t, sender); c.Accepted != 3000 || s.Count() != 3000 {
			t.Errorf("counts %+v, %d arrived", c, s.Count())
		}
	})
}

// Several senders share one issue and nobody gets it twice.
func TestSendersShareAnIssue(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		d, s := newDesk(t, db, 5000), server(t, nil)
		d.start(t, d.sender(s, Retry{}))
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				for range 3 {
					if err := d.sender(s, Retry{}).Work(context.Background(), d.issue.ID); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if c := d.work(t, d.sender(s, Retry{})); c.Accepted != 5000 || s.Count() != 5000 {
			t.Errorf("counts %+v, %d arrived", c, s.Count())
		}
	})
}

// A sender whose chunk was taken over writes nothing more about it.
func TestLostLeaseIsNoticed(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		d := newDesk(t, db, 10)
		if err := d.ledger.Start(ctx, d.issue.ID); err != nil {
			t.Fatal(err)
		}
		if err := d.ledger.Enqueue(ctx, d.issue.ID, nil); err != nil {
			t.Fatal(err)
		}
		mine, found, err := d.ledger.claim(ctx, d.issue.ID, "mine", -time.Second) // over before it began
		if err != nil || !found {
			t.Fatal(found, err)
		}
		theirs, found, err := d.ledger.claim(ctx, d.issue.ID, "theirs", time.Hour)
		if err != nil || !found || theirs.first != mine.first {
			t.Fatal(theirs, found, err)
		}
		rec, err := newRecorder(d.ledger, 1, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		go rec.run(ctx)
		defer close(rec.notes)
		list, err := d.ledger.load(ctx, mine, mine.first-1, 1)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		n := &note{entries: []entry{offer(&list[0])}, done: make(chan error, 1)}
		if err := rec.commit(n); err != errLeaseLost {
			t.Errorf("a lost lease gives %v", err)
		}
		if c := d.counts(t); c.Queued != 10 {
			t.Errorf("counts %+v", c)
		}
	})
}

func TestEnqueueIsRestartable(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		d := newDesk(t, db, 100)
		if err := d.ledger.Enqueue(ctx, d.issue.ID, nil); err == nil {
			t.Error("readers were enqueued for a send that never began")
		}
		for range 3 {
			if err := d.ledger.Start(ctx, d.issue.ID); err != nil {
				t.Fatal(err)
			}
			if err := d.ledger.Enqueue(ctx, d.issue.ID, nil); err != nil {
				t.Fatal(err)
			}
		}
		if c := d.counts(t); c.Queued != 100 || c.Total != 100 {
			t.Errorf("counts %+v", c)
		}
	})
}

// The envelope sender says whose bounce it would be.
func TestReturnPathNamesTheReader(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		d, s := newDesk(t, db, 5), server(t, nil)
		sender := d.sender(s, Retry{})
		sender.opt.Newsletters = map[string]Newsletter{"": {BaseURL: "https://news.example", Domain: "news.example", ReturnPath: "bounces+" + ReaderMark + "@news.example"}}
		d.start(t, sender)
		d.work(t, sender)
		for _, m := range s.Messages() {
			path, _, _ := strings.Cut(m.From, " ")
			token, found := strings.CutPrefix(strings.TrimSuffix(path, "@news.example>"), "<bounces+")
			c, err := d.keys.OpenFolded(subscribers.PurposeReturn, token)
			if !found || err != nil || c.Prove(0) != nil {
				t.Fatalf("the return path is %s (%v)", path, err)
			}
			if sub, err := d.subs.ByID(context.Background(), c.ID); err != nil || m.To != "<"+sub.Email+">" {
				t.Errorf("the bounce of %s would be %s's (%v)", m.To, sub.Email, err)
			}
		}
	})
}
