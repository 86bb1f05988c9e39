package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter/transport"
	"apta/newsletter/transport/smtptest"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// logBook is a log that tests read.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBook) count(s string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.text.String(), s)
}

func (b *logBook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// to is a relay at a port of this machine.
func to(name string, port int, connections int) Relay {
	server := transport.Relay{Name: name, Host: "127.0.0.1", Port: port, TLS: "none", Timeout: 5 * time.Second}
	return Relay{Name: name, Connections: connections, Dial: Dialer(server)}
}

// over is a sender over some relays; its rests and storms are short.
func (d *desk) over(opt Options, relays ...Relay) *Sender {
	opt.Relays, opt.Retry = relays, fast
	opt.Rest, opt.Storm = 20*time.Millisecond, 20*time.Millisecond
	opt.Newsletters = quay
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return NewSender(d.ledger, d.store, d.keys, opt)
}

// add subscribes more readers, at a domain.
func (d *desk) add(t *testing.T, readers int, domain string) {
	t.Helper()
	var subs []subscribers.Subscriber
	for n := range readers {
		subs = append(subs, subscribers.Subscriber{Email: fmt.Sprintf("r%d@%s", n, domain)})
	}
	if _, err := d.subs.AddAll(context.Background(), subs, "test"); err != nil {
		t.Fatal(err)
	}
}

// arrived counts a server's messages to a domain.
func arrived(s *smtptest.Server, domain string) (n int) {
	for _, m := range s.Messages() {
		if strings.Contains(m.To, "@"+domain+">") {
			n++
		}
	}
	return n
}

// closedPort is one that nobody listens on.
func closedPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// attempts gives the highest number of attempts that any delivery needed.
func (d *desk) attempts(t *testing.T) (most int) {
	t.Helper()
	if err := d.db.QueryRow(context.Background(), `SELECT coalesce(max(attempts), 0) FROM deliveries`).Scan(&most); err != nil {
		t.Fatal(err)
	}
	return most
}

func TestRelaysShareByWeight(t *testing.T) {
	d := newDesk(t, openSQLite(t), 2000)
	// The heavy one is the slower by far: weights are kept all the same.
	heavy, light := slow(t, time.Millisecond), server(t, nil)
	three, one := to("heavy", heavy.Port(), 4), to("light", light.Port(), 4)
	three.Weight, one.Weight = 3, 1
	s := d.over(Options{}, three, one)
	d.start(t, s)
	if c := d.work(t, s); c.Accepted != 2000 {
		t.Errorf("counts %+v", c)
	}
	if n := heavy.Count(); n < 1500-2*slack || n > 1500+2*slack {
		t.Errorf("the relay of weight 3 has %d of 2000, the other %d", n, light.Count())
	}
}

// Without weights each relay takes what it can.
func TestRelaysWithoutWeights(t *testing.T) {
	d := newDesk(t, openSQLite(t), 1000)
	quick, lazy := server(t, nil), slow(t, 20*time.Millisecond)
	s := d.over(Options{}, to("quick", quick.Port(), 2), to("lazy", lazy.Port(), 2))
	d.start(t, s)
	if c := d.work(t, s); c.Accepted != 1000 || quick.Count() < 2*lazy.Count() || lazy.Count() == 0 {
		t.Errorf("counts %+v: %d over the quick, %d over the lazy relay", c, quick.Count(), lazy.Count())
	}
}

func TestRelayThatIsDownIsReplaced(t *testing.T) {
	d, up := newDesk(t, openSQLite(t), 1500), server(t, nil)
	var log logBook
	down, other := to("down", closedPort(t), 4), to("up", up.Port(), 4)
	down.Weight, other.Weight = 9, 1
	s := d.over(Options{Log: log.logger()}, down, other)
	d.start(t, s)
	if c := d.work(t, s); c.Accepted != 1500 || up.Count() != 1500 {
		t.Errorf("counts %+v, %d arrived", c, up.Count())
	}
	if most := d.attempts(t); most != 1 {
		t.Errorf("a delivery was tried %d times", most)
	}
	if n := log.count("a relay rests"); n != 1 {
		t.Errorf("its rest is said %d times:\n%s", n, log.text.String())
	}
	if states := s.Relays(); len(states) != 1 || states[0].State != RelayResting || !strings.Contains(states[0].Why, "connection refused") {
		t.Errorf("the relays are said to be %+v", states)
	}
}

// turnAway is a relay that is closed for business at a stage until it is opened.
func turnAway(t *testing.T, at smtptest.Stage, reply string) (s *smtptest.Server, open *atomic.Bool, turned *atomic.Int64) {
	open, turned = new(atomic.Bool), new(atomic.Int64)
	return server(t, func(stage smtptest.Stage, _ string) smtptest.Action {
		if stage != at || open.Load() {
			return smtptest.Action{}
		}
		turned.Add(1)
		return smtptest.Action{Reply: reply, After: strings.HasPrefix(reply, "421")}
	}), open, turned
}

func TestAllRelaysDownAreWaitedFor(t *testing.T) {
	for _, test := range []struct {
		at    smtptest.Stage
		reply string
	}{{smtptest.Greeting, "421 4.3.2 closed"}, {smtptest.Mail, "421 4.3.2 closed"}, {smtptest.Mail, "454 4.7.0 not now"}} {
		t.Run(string(test.at)+" "+test.reply[:3], func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, openSQLite(t), 1200)
			a, openA, turnedA := turnAway(t, test.at, test.reply)
			b, openB, _ := turnAway(t, test.at, test.reply)
			var log logBook
			s := d.over(Options{Log: log.logger(), Lease: 200 * time.Millisecond}, to("a", a.Port(), 8), to("b", b.Port(), 8))
			d.start(t, s)
			ended := make(chan error, 1)
			go func() { ended <- s.Work(context.Background(), d.issue.ID) }()
			// Eight connections find it closed at once; from then on one probes.
			eventually(t, "the rests", func() bool { return len(s.Relays()) == 2 && turnedA.Load() > 0 })
			before := turnedA.Load()
			eventually(t, "three more tries", func() bool { return turnedA.Load() >= before+3 })
			select {
			case err := <-ended:
				t.Fatalf("the send gave up: %v", err)
			default:
			}
			if n := turnedA.Load(); n > 8+8*restless {
				t.Errorf("the relay was asked %d times", n)
			}
			openA.Store(true)
			openB.Store(true)
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			if c := d.work(t, s); c.Accepted != 1200 || a.Count()+b.Count() != 1200 {
				t.Errorf("counts %+v, %d and %d arrived", c, a.Count(), b.Count())
			}
			if rests, backs := log.count("a relay rests"), log.count("a relay is back"); rests > 2 || backs > rests {
				t.Errorf("it is said %d times that a relay rests, %d times that one is back", rests, backs)
			}
		})
	}
}

// A person's word counts also while nothing can be sent.
func TestPauseWhileAllRelaysAreDown(t *testing.T) {
	d := newDesk(t, openSQLite(t), 1200)
	s := d.over(Options{}, to("a", closedPort(t), 4), to("b", closedPort(t), 4))
	d.start(t, s)
	ended := make(chan error, 1)
	go func() { ended <- s.Work(context.Background(), d.issue.ID) }()
	eventually(t, "the rests", func() bool { return len(s.Relays()) == 2 })
	if err := d.ledger.Pause(context.Background(), d.issue.ID, ""); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if c := d.counts(t); c.Queued != 1200 {
		t.Errorf("counts %+v", c)
	}
}

// Who leaves while everything waits for a relay gets nothing.
func TestReaderWhoLeavesWhileRelaysRestGetsNothing(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		d := newDesk(t, db, 40)
		var ahead atomic.Int64
		d.ledger.now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		srv, open, _ := turnAway(t, smtptest.Greeting, "421 4.3.2 closed")
		s := d.over(Options{Lease: time.Hour}, to("relay", srv.Port(), 4))
		d.start(t, s)
		ended := make(chan error, 1)
		go func() { ended <- s.Work(ctx, d.issue.ID) }()
		eventually(t, "the rest", func() bool { return len(s.Relays()) == 1 })
		n := 0
		err := d.subs.Each(ctx, func(sub subscribers.Subscriber) error {
			if n++; n%10 == 0 {
				return d.subs.Unsubscribe(ctx, sub.ID, "test")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ahead.Store(int64(2 * stillKnown))
		open.Store(true)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if c := d.work(t, s); c.Accepted != 36 || c.Skipped != 4 || srv.Count() != 36 {
			t.Errorf("counts %+v, %d arrived", c, srv.Count())
		}
	})
}

// A relay that takes connections and says nothing holds nobody up.
func TestFault_S5_SilentRelay(t *testing.T) {
	for name, at := range map[string]smtptest.Stage{"greeting": smtptest.Greeting, "hello": smtptest.Hello, "mail": smtptest.Mail, "dot": smtptest.Dot} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, good := newDesk(t, openSQLite(t), 600), server(t, nil)
			silent := server(t, func(stage smtptest.Stage, _ string) smtptest.Action { return smtptest.Action{Hang: stage == at} })
			one, other := to("silent", silent.Port(), 4), to("good", good.Port(), 4)
			s := d.over(Options{}, one, other)
			d.start(t, s)
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			ended := make(chan error, 1)
			go func() { ended <- s.Work(ctx, d.issue.ID) }()
			// All but what the silent connections have in hand, long before their time-outs.
			eventually(t, "the mail of the others", func() bool { return good.Count() >= 600-4 })
			if at == smtptest.Mail || at == smtptest.Dot {
				silent.Close() // sooner than the time-out of what it has in hand
			}
			if err := <-ended; err != nil { // and the end does not wait for a dial
				t.Fatal(err)
			}
			c := d.work(t, s)
			if at == smtptest.Dot {
				// Nobody can say whether it took them: they are sent once more.
				if c.Accepted != 600 || good.Count() != 600 {
					t.Errorf("counts %+v, %d arrived", c, good.Count())
				}
				return
			}
			if c.Accepted != 600 || good.Count() != 600 || d.attempts(t) != 1 {
				t.Errorf("counts %+v, %d arrived, %d attempts", c, good.Count(), d.attempts(t))
			}
		})
	}
}

// One mail opens one connection, however many there may be.
func TestOneMailOpensOneConnection(t *testing.T) {
	d := newDesk(t, openSQLite(t), 1)
	var greeted atomic.Int64
	srv := server(t, func(stage smtptest.Stage, _ string) smtptest.Action {
		if stage == smtptest.Greeting {
			greeted.Add(1)
		}
		return smtptest.Action{}
	})
	s := d.over(Options{}, to("relay", srv.Port(), 8))
	d.start(t, s)
	if c := d.work(t, s); c.Accepted != 1 || greeted.Load() != 1 {
		t.Errorf("counts %+v over %d connections", c, greeted.Load())
	}
}

func TestConnectionIsReusedSoOften(t *testing.T) {
	d := newDesk(t, openSQLite(t), 100)
	var greeted atomic.Int64
	srv := server(t, func(stage smtptest.Stage, _ string) smtptest.Action {
		if stage == smtptest.Greeting {
			greeted.Add(1)
		}
		return smtptest.Action{}
	})
	r := to("relay", srv.Port(), 1)
	r.MaxMessages = 10
	s := d.over(Options{}, r)
	d.start(t, s)
	if c := d.work(t, s); c.Accepted != 100 || greeted.Load() != 10 {
		t.Errorf("counts %+v over %d connections", c, greeted.Load())
	}
}

// A connection without work is closed politely, and opened again for more.
func TestIdleConnectionIsClosed(t *testing.T) {
	d, srv := newDesk(t, openSQLite(t), 20), server(t, nil)
	r := to("relay", srv.Port(), 1)
	r.Rate, r.Idle = 5, 50*time.Millisecond
	s := d.over(Options{}, r)
	d.start(t, s)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Work(ctx, d.issue.ID) }()
	quits := func() (n int) {
		for _, c := range srv.Commands() {
			if strings.HasPrefix(c, "QUIT") {
				n++
			}
		}
		return n
	}
	eventually(t, "three goodbyes", func() bool { return quits() >= 3 && srv.Count() >= 3 })
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// openSQLite is for tests in which SQL plays no part.
func openSQLite(t *testing.T) *database.DB {
	t.Helper()
	db, err := database.Open(context.Background(), t.TempDir()+"/apta.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(context.Background(), schemas...); err != nil {
		t.Fatal(err)
	}
	return db
}
