package delivery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"apta/newsletter"
	"apta/newsletter/transport"
	"apta/subscribers"
	"apta/subscribers/database"
)

// A Courier is one open connection to a relay. Begin takes a letter up to the
// relay's "go ahead"; Deliver hands over its body and, where the relay allows
// it, begins the next in the same flight.
type Courier interface {
	Begin(l *transport.Letter) transport.Outcome
	Deliver(l, next *transport.Letter) (out, nextReady transport.Outcome)
	Broken() bool
	Quit() error
}

// Options say how a Sender works.
type Options struct {
	Relays []Relay
	Limits Limits
	Rest   time.Duration // how long a relay that fails rests at first; 1 s where zero
	Storm  time.Duration // a relay or domain that puts us off is slowed at most once in this time; 1 s where zero
	Lease  time.Duration // how long a chunk is held without a sign of life; 30 s where zero
	Retry  Retry
	Stale  time.Duration // a send older than this waits for a person; 0 is never
	// Newsletters are those whose sends it carries out, by their slugs; the empty
	// one stands for all that are not named.
	Newsletters map[string]Newsletter
	Log         *slog.Logger
}

// Sender carries out sends. Any number of them, in any number of processes, may
// work on one database.
type Sender struct {
	ledger *Ledger
	store  *newsletter.Store
	keys   *subscribers.Keys
	opt    Options
	lanes  []*lane
	shares *shares
	pace   *pace
	beats  beats
	kick   chan struct{}
}

// NewSender makes a sender; Run makes it work.
func NewSender(l *Ledger, s *newsletter.Store, k *subscribers.Keys, opt Options) *Sender {
	if opt.Lease == 0 {
		opt.Lease = 30 * time.Second
	}
	if opt.Rest == 0 {
		opt.Rest = time.Second
	}
	opt.Retry = opt.Retry.withDefaults()
	sender := &Sender{ledger: l, store: s, keys: k, opt: opt, shares: newShares(), pace: newPace(opt, l.now), beats: beats{id: newOwner()}, kick: make(chan struct{}, 1)}
	for _, r := range opt.Relays {
		sender.lanes = append(sender.lanes, newLane(r, sender))
	}
	return sender
}

// connections is how many there may be at once, to all relays.
func (s *Sender) connections() (n int) {
	for _, l := range s.lanes {
		n += l.relay.Connections
	}
	return n
}

// idlePoll is how often a sender looks for work that another process or a
// person has made.
const idlePoll = time.Second

// Kick makes Run look for work now.
func (s *Sender) Kick() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// Run carries out every open send, one after the other, until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	for {
		sends, err := s.ledger.Open(ctx)
		if err != nil && ctx.Err() == nil {
			s.opt.Log.Error("cannot read the sends, trying again", "err", err)
		}
		for _, send := range sends {
			if _, own := s.newsletter(send.Newsletter); !own {
				continue
			}
			if err := s.Work(ctx, send.Issue); err != nil && ctx.Err() == nil {
				s.opt.Log.Error("a send stopped, trying again", "issue", send.Issue, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.kick:
		case <-time.After(idlePoll):
		}
	}
}

// Start moves an approved issue to sending, by the approval that the caller saw:
// one that was pulled back, or pulled back and approved anew, stays as it is and
// ErrStatus comes back, as for one that is sent. It is safe to call twice.
func (s *Sender) Start(ctx context.Context, issue newsletter.Issue) error {
	if issue.Status != newsletter.Sending {
		issue.Status = newsletter.Approved
		if err := s.store.Turn(ctx, issue, newsletter.Sending, ""); err != nil {
			return err
		}
	}
	n, _ := s.newsletter(issue.Newsletter)
	if err := s.ledger.Start(ctx, issue.ID, n.Languages...); err != nil {
		if errors.Is(err, ErrLate) {
			return errors.Join(err, s.store.Move(ctx, issue.ID, newsletter.Held, ErrLate.Error(), newsletter.Sending))
		}
		return err
	}
	s.Kick()
	return nil
}

// Work carries one send as far as it goes now: it returns nil when every
// delivery that is due has been tried, whether or not some are deferred.
func (s *Sender) Work(ctx context.Context, issue database.ID) error {
	send, err := s.ledger.Send(ctx, issue)
	if err != nil || send.State != Running {
		return err
	}
	if age := s.ledger.now().Sub(send.Started); s.opt.Stale > 0 && age > s.opt.Stale {
		s.opt.Log.Warn("a send is too old to go on by itself", "issue", issue, "age", age)
		return s.ledger.Pause(ctx, issue, fmt.Sprintf("it began %s ago; resume it if it is still wanted", age.Round(time.Minute)))
	}
	n, own := s.newsletter(send.Newsletter)
	if !own {
		return fmt.Errorf("delivery: the newsletter %q of issue %s is not configured here", send.Newsletter, issue)
	}
	if err := s.ledger.Enqueue(ctx, issue, nil); err != nil {
		return err
	}
	all, err := s.editions(ctx, issue, n.DKIM)
	if err != nil {
		return err
	}
	if err := s.round(ctx, issue, send.Started, n, all); err != nil {
		if ctx.Err() != nil {
			s.rest()
		}
		return err
	}
	done, err := s.ledger.complete(ctx, issue)
	if err != nil || !done {
		return err
	}
	defer s.rest()
	// The issue first: a crash between the two leaves a send that is found again,
	// with nothing to do. Another process may be as far at the same moment.
	if err := s.store.Move(ctx, issue, newsletter.Sent, "", newsletter.Sending); err != nil && !errors.Is(err, newsletter.ErrStatus) {
		return err
	}
	return s.ledger.finish(ctx, issue)
}

// round runs the feeder, the connections and the recorder until nothing is due.
func (s *Sender) round(ctx context.Context, issue database.ID, began time.Time, n Newsletter, all editions) error {
	rec, err := newRecorder(s.ledger, s.connections()+1, s.opt.Log)
	if err != nil {
		return err
	}
	recorded := make(chan struct{})
	// The recorder outlives the round: an error that ends the round is no reason to
	// forget what relays have answered.
	go func(ctx context.Context) { rec.run(ctx); close(recorded) }(ctx)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f := newFeeder(s, issue, rec)
	s.beat(ctx)
	var workers, watchers, writer sync.WaitGroup
	for _, l := range s.lanes {
		l.begin()
		for range l.relay.Connections {
			w := &worker{sender: s, newsletter: n, lane: l, feeder: f, editions: all, rec: rec, stop: cancel, began: began}
			workers.Go(func() { w.run(ctx) })
		}
	}
	workers.Go(f.park.run)
	writer.Go(func() {
		if err := f.park.writeBack(rec, f.settled); err != nil {
			cancel(err)
		}
	})
	watchers.Go(func() { f.keepLeases(ctx, cancel) })
	watchers.Go(func() { f.watch(ctx) })
	watchers.Go(func() { s.keepBeating(ctx) })

	err = f.run(ctx)
	close(f.over)
	workers.Wait()
	f.park.clear()
	close(f.park.off)
	writer.Wait()
	close(rec.notes)
	<-recorded
	if cause := context.Cause(ctx); err == nil || cause != nil {
		err = cause
	}
	cancel(nil)
	watchers.Wait()
	return errors.Join(err, f.releaseAll())
}

// newOwner names a claim. 128 random bits: two claims never share a name.
func newOwner() string { return rand.Text() }
