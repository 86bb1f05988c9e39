package delivery

import (
	"container/heap"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"apta/subscribers/database"
)

// park is where a round keeps deliveries that may not go at this moment: those
// of a domain at its limit, until the domain's next slot, and those that a
// connection handed back. It is bounded: beyond that a delivery is written back
// to the ledger with the slot it was promised.
type park struct {
	pace *pace
	out  chan *due     // those whose time has come
	off  chan putOff   // those that go back to the ledger
	over chan struct{} // closed when the round has ended
	wake chan struct{}

	mu     sync.Mutex
	back   []*due
	queues map[string]*queue
	order  queueHeap
	size   int
}

// putOff is a delivery that goes back to the ledger.
type putOff struct {
	due   *due
	until time.Time
	why   string
}

// queue is the parked deliveries of one domain.
type queue struct {
	domain string
	pacer  *pacer
	next   time.Time // the pacer's, as of the last change of order
	dues   []*due
	place  int // in the order
}

const (
	parkAll     = 10_000           // deliveries parked at once
	parkDomain  = 2_000            // of one domain
	parkFor     = 10 * time.Second // no more of one domain than go out in this time
	stormReturn = 30               // periods of a storm until a delivery is looked at again that it put off; up to twice that
)

func newPark(p *pace, over chan struct{}) *park {
	return &park{pace: p, out: make(chan *due), off: make(chan putOff, page), over: over, wake: make(chan struct{}, 1), queues: map[string]*queue{}}
}

// admit reports whether a delivery may go at once. If not it is parked or put off.
func (k *park) admit(d *due) bool {
	p := k.pace
	domain, now := domainOf(d.email), p.now()
	k.mu.Lock()
	p.mu.Lock()
	pc := p.of(domain)
	if pc == nil {
		p.mu.Unlock()
		k.mu.Unlock()
		return true
	}
	rate := pc.rate(now, p.live)
	pc.repace(now, rate)
	q := k.queues[domain]
	waiting := 0
	if q != nil {
		waiting = len(q.dues)
	}
	// Slots that were promised to others are not given to whoever comes first.
	promised := d.state == Queued && pc.booked.After(now)
	switch bound := p.bound(rate, d.state); {
	case rate == 0 && waiting == 0, !promised && waiting == 0 && pc.wait(now) == 0:
		pc.charge(now, rate)
		p.mu.Unlock()
		k.mu.Unlock()
		return true
	case !promised && k.size < parkAll && waiting < bound:
		k.push(q, domain, pc, d)
		p.mu.Unlock()
		k.mu.Unlock()
		k.nudge()
		return false
	}
	off := p.putOff(pc, d, domain, now, rate, waiting)
	p.mu.Unlock()
	k.mu.Unlock()
	select {
	case k.off <- off:
	case <-k.over: // it stays as it is
	}
	return false
}

// bound is how many deliveries of a domain wait in memory. Those that come
// back from the ledger, at the time promised, find more room than new ones.
func (p *pace) bound(rate float64, state State) int {
	bound := max(1, int(min(rate*p.ahead.Seconds(), parkDomain)))
	if rate == 0 {
		bound = parkDomain
	}
	if state != Queued {
		bound *= 4
	}
	return bound
}

func (p *pace) putOff(pc *pacer, d *due, domain string, now time.Time, rate float64, waiting int) putOff {
	if limit := pc.limit / float64(p.live); limit > 0 && rate >= limit {
		return putOff{d, pc.book(now, rate, waiting), fmt.Sprintf("the limit of %g messages a second to %s", pc.limit, domain)}
	}
	// How long a storm lasts nobody knows, so no slot far ahead is promised.
	h := fnv.New32a()
	fmt.Fprint(h, d.id)
	wait := stormReturn * pc.storm.every()
	until := now.Add(wait + wait*time.Duration(h.Sum32()%1024)/1024)
	return putOff{d, until, domain + " puts us off and is slowed down"}
}

func (k *park) push(q *queue, domain string, pc *pacer, d *due) {
	if q == nil {
		q = &queue{domain: domain, pacer: pc, next: pc.next}
		k.queues[domain] = q
		heap.Push(&k.order, q)
	}
	q.dues = append(q.dues, d)
	pc.held++
	k.size++
}

// giveBack takes a delivery that a connection had and could not begin.
func (k *park) giveBack(d *due) {
	k.mu.Lock()
	k.back = append(k.back, d)
	k.mu.Unlock()
	k.nudge()
}

func (k *park) nudge() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// run hands out what is parked, each at its time, until the round is over.
func (k *park) run() {
	for {
		d, q, wait := k.first()
		if d == nil {
			select {
			case <-k.wake:
			case <-time.After(wait):
			case <-k.over:
				return
			}
			continue
		}
		select {
		case k.out <- d:
			k.took(q)
		case <-k.over:
			return
		}
	}
}

// first gives the delivery whose time has come, or how long to wait for one.
func (k *park) first() (d *due, q *queue, wait time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.back) > 0 {
		return k.back[0], nil, 0
	}
	if len(k.order) == 0 {
		return nil, nil, time.Hour
	}
	q = k.order[0]
	if wait = q.next.Sub(k.pace.now()); wait > 0 {
		return nil, nil, wait
	}
	return q.dues[0], q, 0
}

// took counts off what was handed out; its domain's next slot follows from now.
func (k *park) took(q *queue) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if q == nil {
		k.back = k.back[1:]
		return
	}
	p := k.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	q.pacer.charge(now, q.pacer.rate(now, p.live))
	q.pacer.held--
	q.next = q.pacer.next
	q.dues = q.dues[1:]
	k.size--
	if len(q.dues) == 0 {
		heap.Remove(&k.order, q.place)
		delete(k.queues, q.domain)
		return
	}
	heap.Fix(&k.order, q.place)
}

// clear forgets what is parked when a round was broken off; it stays queued.
func (k *park) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pace.mu.Lock()
	defer k.pace.mu.Unlock()
	for _, q := range k.queues {
		q.pacer.held -= len(q.dues)
	}
}

// writeBack records what was put off, many to a commit, until off is closed.
func (k *park) writeBack(rec *recorder, settled func(*lease, int64) error) error {
	n := note{done: make(chan error, 1)}
	for first := range k.off {
		n.entries = append(n.entries[:0], first.entry())
	more:
		for len(n.entries) < page {
			select {
			case next, open := <-k.off:
				if !open {
					break more
				}
				n.entries = append(n.entries, next.entry())
			default:
				break more
			}
		}
		if err := rec.commit(&n); err != nil {
			return err
		}
		for i := range n.entries {
			if err := settled(n.entries[i].lease, 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// entry writes the slot down and counts no attempt. A delivery that waits for
// its one resending keeps its doubt.
func (o putOff) entry() entry {
	e := o.due.entry()
	e.state, e.until, e.why = Deferred, database.Millis(o.until), o.why
	if o.due.state == Doubtful {
		e.state = Doubtful
	}
	return e
}

// queueHeap has the domain whose slot comes first in front.
type queueHeap []*queue

func (h queueHeap) Len() int           { return len(h) }
func (h queueHeap) Less(i, j int) bool { return h[i].next.Before(h[j].next) }
func (h queueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}
func (h *queueHeap) Push(x any) {
	q := x.(*queue)
	q.place = len(*h)
	*h = append(*h, q)
}
func (h *queueHeap) Pop() any {
	old := *h
	q := old[len(old)-1]
	*h = old[:len(old)-1]
	return q
}
