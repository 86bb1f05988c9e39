package delivery

import (
	"context"
	"sync"
	"time"

	"apta/subscribers/database"
)

// page is how many deliveries are read at once. What is read is what the reader
// was a moment ago, so a page is small beside a second's sending.
const page = 500

// feeder claims chunks and hands their deliveries to the connections.
type feeder struct {
	sender *Sender
	issue  database.ID
	rec    *recorder
	out    chan *due
	park   *park
	over   chan struct{} // closed when the round has ended: what is still in out stays queued
	halted chan struct{} // closed when a person has paused or cancelled the send
	empty  chan struct{} // told when the last chunk was given back

	mu     sync.Mutex
	leases map[*lease]bool
}

func newFeeder(s *Sender, issue database.ID, rec *recorder) *feeder {
	over := make(chan struct{})
	return &feeder{sender: s, issue: issue, rec: rec, out: make(chan *due, page), park: newPark(s.pace, over), over: over,
		halted: make(chan struct{}), empty: make(chan struct{}, 1), leases: map[*lease]bool{}}
}

// run feeds until no chunk is free and all that was handed out is settled.
func (f *feeder) run(ctx context.Context) error {
	for ctx.Err() == nil && !f.isHalted() {
		c, found, err := f.claim(ctx)
		if err != nil {
			return err
		}
		if !found {
			if len(f.held()) == 0 {
				return nil
			}
			f.waitForMore(ctx)
			continue
		}
		f.mu.Lock()
		f.leases[c] = true
		f.mu.Unlock()
		if err := f.feed(ctx, c); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// claimLimit is how long a claim may take: a stop waits for it.
const claimLimit = 5 * time.Second

// claim goes on where the sender is told to stop meanwhile: whether a claim that was
// broken off holds, nobody would know, and its chunk would wait for its lease to end.
func (f *feeder) claim(ctx context.Context) (*lease, bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), claimLimit)
	defer cancel()
	return f.sender.ledger.claim(ctx, f.issue, newOwner(), f.sender.opt.Lease)
}

// duePoll is how often a feeder whose deliveries are all handed out looks for
// deferred ones that have come due.
const duePoll = 250 * time.Millisecond

// waitForMore waits until a chunk may be free again, or all are given back.
func (f *feeder) waitForMore(ctx context.Context) {
	select {
	case <-f.empty:
	case <-time.After(duePoll):
	case <-f.halted:
	case <-ctx.Done():
	}
}

func (f *feeder) isHalted() bool {
	select {
	case <-f.halted:
		return true
	default:
		return false
	}
}

func (f *feeder) isOver() bool {
	select {
	case <-f.over:
		return true
	default:
		return false
	}
}

// haltPoll is how often a feeder asks whether a person has paused the send.
const haltPoll = 250 * time.Millisecond

// watch closes halted when the send is running no more.
func (f *feeder) watch(ctx context.Context) {
	tick := time.NewTicker(haltPoll)
	defer tick.Stop()
	for {
		if send, err := f.sender.ledger.Send(ctx, f.issue); err == nil && send.State != Running {
			close(f.halted)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// feed hands out one chunk.
func (f *feeder) feed(ctx context.Context, c *lease) error {
	for after := c.first - 1; ; {
		list, err := f.sender.ledger.load(ctx, c, after, page)
		if err != nil {
			return err
		}
		now := f.sender.ledger.now()
		for i := range list {
			list[i].read = now
			c.open.Add(1)
			select {
			case f.out <- &list[i]:
			case <-f.halted:
				return nil // what is not handed out stays queued; releaseAll frees the chunk
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if len(list) < page {
			return f.settled(c, 1)
		}
		after = list[len(list)-1].id
	}
}

// settled counts off n deliveries of a chunk and gives the chunk back after the last.
func (f *feeder) settled(c *lease, n int64) error {
	if c.open.Add(-n) > 0 {
		return nil
	}
	f.mu.Lock()
	delete(f.leases, c)
	last := len(f.leases) == 0
	f.mu.Unlock()
	// What was sent is to be settled also when the send is being stopped.
	err := f.sender.ledger.release(context.Background(), c)
	if last {
		select {
		case f.empty <- struct{}{}:
		default:
		}
	}
	return err
}

// keepLeases extends the leases for as long as this process is at work. One that
// was stopped for longer than its lease finds it lost.
func (f *feeder) keepLeases(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(f.sender.opt.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, c := range f.held() {
			held, err := f.sender.ledger.extend(ctx, c, f.sender.opt.Lease)
			if err == nil && !held && f.isHeld(c) {
				cancel(errLeaseLost)
				return
			}
		}
	}
}

func (f *feeder) held() (list []*lease) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.leases {
		list = append(list, c)
	}
	return list
}

func (f *feeder) isHeld(c *lease) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.leases[c]
}

// releaseAll gives back the chunks that a stop left in mid-work, so that whoever
// comes next need not wait for their leases to end.
func (f *feeder) releaseAll() (err error) {
	for _, c := range f.held() {
		if e := f.sender.ledger.release(context.Background(), c); e != nil {
			err = e
		}
	}
	return err
}
