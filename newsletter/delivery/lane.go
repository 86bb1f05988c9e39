package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"apta/newsletter/transport"
)

// lane is a relay as a sender knows it: how it did so far, and whether it may
// take a message now. It lives as long as its sender.
type lane struct {
	relay  Relay
	now    func() time.Time
	log    *slog.Logger
	shares *shares
	share  *share
	plan   *plan // nil without a warm-up
	first  time.Duration

	plain  bool          // it has no weight, no rate and no plan
	uneasy atomic.Bool   // something went wrong lately, so there is something to ask
	turn   chan struct{} // held by the connection that asks for the next message

	dialing atomic.Int64 // connections that are being opened

	mu       sync.Mutex
	bell     bell
	pacer    pacer
	live     int // processes that share the rate
	open     int // connections
	failures int // since the last message that was taken
	rest     time.Duration
	until    time.Time // nobody dials before
	probing  bool      // one connection finds out whether the relay is back
	why      string    // it rests; empty where it does not
	idle     []idleConn
}

func newLane(r Relay, s *Sender) *lane {
	if r.Idle == 0 {
		r.Idle = defaultIdle
	}
	l := &lane{relay: r, now: s.ledger.now, log: s.opt.Log, shares: s.shares, share: s.shares.add(r.Weight), plan: newPlan(r, s.ledger, s.opt.Log),
		first: s.opt.Rest, turn: make(chan struct{}, 1), bell: newBell(), pacer: pacer{limit: r.Rate, storm: storm{period: s.opt.Storm}}, live: 1}
	l.plain = r.Weight == 0 && r.Rate == 0 && l.plan == nil
	return l
}

// idleConn is a connection that waits for the next round.
type idleConn struct {
	conn  Courier
	sent  int
	since time.Time
}

// restless is how many failures in a row, with nothing taken between them, make
// a relay rest that has connections.
const restless = 3

// maxRest is the longest that a relay rests before it is tried again, in first rests.
const maxRest = 64

// mayDial reports how long to wait before a connection may be opened; changed is
// closed when it is worth asking earlier. probe says that the relay rested and
// that the caller alone finds out whether it is back.
func (l *lane) mayDial() (probe bool, wait time.Duration, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch wait = l.until.Sub(l.now()); {
	case l.why == "":
		return false, 0, nil
	case wait > 0:
		return false, wait, l.bell.ring
	case l.probing:
		return false, time.Hour, l.bell.ring
	}
	l.probing = true
	return true, 0, nil
}

// dial gives a connection: one that waited, or a new one. waited is true for the
// former, which the relay may have closed meanwhile.
func (l *lane) dial(ctx context.Context) (conn Courier, sent int, waited bool, err error) {
	l.mu.Lock()
	if n := len(l.idle); n > 0 {
		c := l.idle[n-1]
		l.idle = l.idle[:n-1]
		l.mu.Unlock()
		return c.conn, c.sent, true, nil
	}
	l.mu.Unlock()
	conn, err = l.relay.Dial(ctx)
	return conn, 0, false, err
}

// opened and closed count the connections.
func (l *lane) opened() {
	l.mu.Lock()
	l.open++
	l.mu.Unlock()
	l.shares.excuse(l.share, absentAway, false, l.now())
}

func (l *lane) closed() {
	l.mu.Lock()
	l.open--
	gone := l.open == 0
	l.mu.Unlock()
	if gone {
		l.shares.excuse(l.share, absentAway, true, l.now())
	}
}

// failed counts a connection that could not be opened, or that broke or was
// turned away. certain says that the relay is to rest at once: nothing could be
// opened, or it was the probe. A rest is longer each time until the relay works.
func (l *lane) failed(why string, certain bool) {
	l.uneasy.Store(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures++
	if !certain && l.failures < restless || l.until.After(l.now()) {
		return
	}
	if l.open == 0 {
		l.shares.excuse(l.share, absentAway, true, l.now())
	}
	if l.rest = 2 * l.rest; l.rest == 0 {
		l.rest = l.first
	}
	l.rest = min(l.rest, maxRest*l.first)
	l.until = l.now().Add(l.rest)
	l.probing = false
	if l.why == "" {
		l.log.Warn("a relay rests and is tried again", "relay", l.relay.Name, "in", l.rest, "connections", l.open, "err", why)
	}
	l.why = why
	l.bell.rung()
}

// served hears that the relay took a message, or had something against its
// recipient. It reports whether that ends the probe on this connection.
func (l *lane) served(probe bool) (ended bool) {
	if !l.uneasy.Load() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = 0
	if probe && l.why != "" {
		l.log.Info("a relay is back", "relay", l.relay.Name)
		l.why, l.rest, l.probing = "", 0, false
		l.bell.rung()
	}
	l.uneasy.Store(l.why != "" || !l.pacer.storm.over(l.now()))
	return probe
}

// begin is called when a round begins: the others wait a moment for a relay
// that is to connect, not for one that rests.
func (l *lane) begin() {
	l.mu.Lock()
	resting := l.why != ""
	l.mu.Unlock()
	l.shares.begin(l.share, resting, l.now())
}

// abandon gives up a probe that found nothing out.
func (l *lane) abandon() {
	l.mu.Lock()
	l.probing = false
	l.bell.rung()
	l.mu.Unlock()
}

// answered hears how the relay took a message: what it says before it knows the
// recipient, and 421 at any time, is about itself.
func (l *lane) answered(out transport.Outcome) {
	bad := ofRelay(out) && out.Code != 0
	if !bad && (out.Kind != transport.Accepted || !l.uneasy.Load()) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	before := l.pacer.storm.rate(now)
	if l.pacer.storm.answered(now, bad) && before == 0 {
		l.log.Warn("a relay puts us off and is slowed down", "relay", l.relay.Name, "rate", l.pacer.storm.own, "code", out.Code, "said", out.Text)
	}
	if bad {
		l.uneasy.Store(true)
	}
}

// ofRelay reports whether an outcome is the relay's doing, not its recipient's.
func ofRelay(out transport.Outcome) bool {
	return out.Code == 421 || out.Kind == transport.Deferred && out.Stage == transport.AtMail || out.Kind == transport.Retry
}

// gate reports whether the relay may take a message now. If not, wait is how
// long at most until it is worth asking again, and changed may be closed before.
func (l *lane) gate(ctx context.Context) (wait time.Duration, changed <-chan struct{}) {
	now := l.now()
	l.mu.Lock()
	wait = l.pacer.wait(now)
	l.mu.Unlock()
	l.shares.excuse(l.share, absentLimited, wait > 0, now)
	if wait > 0 {
		return wait, nil
	}
	if l.plan != nil {
		wait, changed = l.plan.wait(ctx, now)
		l.shares.excuse(l.share, absentCapped, wait > 0, now)
		if wait > 0 {
			return wait, changed
		}
	}
	if ok, changed := l.shares.may(l.share, now); !ok {
		return stall / 4, changed
	}
	return 0, nil
}

// charge counts a message that the relay takes now.
func (l *lane) charge() {
	now := l.now()
	l.mu.Lock()
	l.pacer.charge(now, l.pacer.rate(now, l.live))
	l.mu.Unlock()
	l.shares.take(l.share, now)
	if l.plan != nil {
		l.plan.take()
	}
}

// keep holds a connection for the next round, or closes it where that is no use.
func (l *lane) keep(conn Courier, sent int) {
	l.mu.Lock()
	l.idle = append(l.idle, idleConn{conn, sent, l.now()})
	l.mu.Unlock()
	time.AfterFunc(l.relay.Idle, func() { l.hangUp(l.relay.Idle) })
}

// hangUp closes the connections that have waited for so long.
func (l *lane) hangUp(waited time.Duration) {
	l.mu.Lock()
	var old, young []idleConn
	for _, c := range l.idle {
		if l.now().Sub(c.since) >= waited {
			old = append(old, c)
		} else {
			young = append(young, c)
		}
	}
	l.idle = young
	l.mu.Unlock()
	var all sync.WaitGroup
	for _, c := range old {
		all.Go(func() { c.conn.Quit() })
	}
	all.Wait()
}

// state says what is not as usual with the relay; ok is true where everything is.
func (l *lane) state() (s RelayState, ok bool) {
	if l.plan != nil {
		if s, ok := l.plan.state(l.relay.Name, l.now()); !ok {
			return s, false
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why != "" {
		return RelayState{Name: l.relay.Name, State: RelayResting, Why: l.why, Until: l.until}, false
	}
	if rate := l.pacer.storm.rate(l.now()); rate > 0 {
		return RelayState{Name: l.relay.Name, State: RelaySlowed, Why: fmt.Sprintf("it puts us off; %.1f messages a second are left", rate)}, false
	}
	return s, true
}
