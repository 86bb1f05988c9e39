package delivery

import (
	"context"
	"time"
)

// take gives the next delivery together with an open connection; nil says that
// the round is over.
func (w *worker) take(ctx context.Context) *due {
	for {
		if w.conn == nil && !w.connect(ctx) {
			return nil
		}
		if d := w.draw(ctx, true); d != nil || w.feeder.isOver() {
			return d
		}
	}
}

// connect opens a connection once there is something to send. It gives false
// when the round is over; a relay that rests is waited for.
func (w *worker) connect(ctx context.Context) bool {
	for w.conn == nil {
		wait, changed := w.lane.gate(ctx)
		if wait == 0 {
			w.probe, wait, changed = w.lane.mayDial()
		}
		if wait > 0 {
			if !w.pause(wait, changed) {
				return false
			}
			continue
		}
		d := w.receive(true)
		if d == nil { // over
			if w.probe {
				w.lane.abandon()
			}
			return false
		}
		// Whoever has a connection may take it while this one is being opened. One
		// mail needs one connection, so no more are opened than there are mails.
		dialing := w.lane.dialing.Add(1)
		w.feeder.park.giveBack(d)
		enough := int(dialing) > w.feeder.waiting()
		if !enough {
			w.dial(ctx)
		}
		w.lane.dialing.Add(-1)
		if enough {
			if w.probe {
				w.lane.abandon()
			}
			w.pause(dialPause, nil)
		}
	}
	return true
}

// dialPause is how long a worker waits for others' dials before it looks again.
const dialPause = 20 * time.Millisecond

// waiting is about how many deliveries nobody has in hand.
func (f *feeder) waiting() int {
	f.park.mu.Lock()
	defer f.park.mu.Unlock()
	return len(f.out) + len(f.park.back)
}

// dial opens a connection. The end of the round does not wait for a relay that
// says nothing: what comes of the dial then is closed.
func (w *worker) dial(ctx context.Context) {
	type dialed struct {
		conn   Courier
		sent   int
		waited bool
		err    error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan dialed, 1)
	go func() {
		var d dialed
		d.conn, d.sent, d.waited, d.err = w.lane.dial(ctx)
		done <- d
	}()
	select {
	case d := <-done:
		if ctx.Err() != nil && d.err != nil {
			return // stopped by ourselves
		}
		if d.err != nil {
			w.lane.failed(d.err.Error(), true)
			w.probe = false
			return
		}
		w.conn, w.sent, w.waited = d.conn, d.sent, d.waited
		w.lane.opened()
	case <-w.feeder.over:
		if w.probe {
			w.lane.abandon()
		}
		go func() {
			if d := <-done; d.err == nil {
				d.conn.Quit()
			}
		}()
	}
}

// hangUp ends the connection.
func (w *worker) hangUp() {
	if w.conn == nil {
		return
	}
	w.conn.Quit()
	w.conn = nil
	w.lane.closed()
	if w.probe {
		w.probe = false
		w.lane.abandon()
	}
}

// leave hands the connection to the next round.
func (w *worker) leave(ctx context.Context) {
	if w.conn == nil {
		return
	}
	if ctx.Err() != nil || w.conn.Broken() {
		w.hangUp()
		return
	}
	w.lane.keep(w.conn, w.sent)
	w.conn = nil
	w.lane.closed()
	if w.probe {
		w.probe = false
		w.lane.abandon()
	}
}

// draw gives the next delivery that the relay may take; nil where there is none
// now, and where the connection was closed while it waited for one.
func (w *worker) draw(ctx context.Context, wait bool) *due {
	l := w.lane
	if l.plain && !l.uneasy.Load() {
		return w.receive(wait)
	}
	// One connection at a time asks, so that none takes what was granted to another.
	select {
	case l.turn <- struct{}{}:
	default:
		if !wait || !w.waitFor(func(idle <-chan time.Time) bool {
			select {
			case l.turn <- struct{}{}:
				return true
			case <-idle:
			case <-w.feeder.over:
			}
			return false
		}) {
			return nil
		}
	}
	defer func() { <-l.turn }()
	for {
		delay, changed := l.gate(ctx)
		if delay == 0 {
			break
		}
		if !wait || !w.pause(delay, changed) || w.conn == nil {
			return nil
		}
	}
	d := w.receive(wait)
	if d != nil {
		l.charge()
	}
	return d
}

// receive gives a delivery that may go to its domain now; nil where there is
// none, or, where wait is set, when the round is over or the connection was
// closed for want of work.
func (w *worker) receive(wait bool) *due {
	f := w.feeder
	for !f.isOver() {
		d, admitted := f.tryNext()
		if d == nil {
			if !wait {
				return nil
			}
			if d, admitted = w.awaitNext(); d == nil {
				return nil
			}
		}
		if admitted || !w.sender.pace.active.Load() || d.state == Offered || f.park.admit(d) {
			return d
		}
	}
	return nil
}

// tryNext gives a delivery if one is waiting; one from the park was admitted to
// its domain before. Each channel is looked at alone, which takes no lock where
// it is empty.
func (f *feeder) tryNext() (d *due, admitted bool) {
	select {
	case d = <-f.park.out:
		return d, true
	default:
	}
	select {
	case d = <-f.out:
	default:
	}
	return d, false
}

// awaitNext waits for a delivery; nil where the round ended or the connection
// was closed first.
func (w *worker) awaitNext() (d *due, admitted bool) {
	f := w.feeder
	w.waitFor(func(idle <-chan time.Time) bool {
		select {
		case d = <-f.park.out:
			admitted = true
		case d = <-f.out:
		case <-idle:
		case <-f.over:
		}
		return d != nil
	})
	return d, admitted
}

// pause waits so long, or until changed is closed. It gives false when the round
// is over. A connection that idles for too long meanwhile is closed.
func (w *worker) pause(wait time.Duration, changed <-chan struct{}) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for !w.waitFor(func(idle <-chan time.Time) bool {
		select {
		case <-timer.C:
		case <-changed:
		case <-idle:
			return false
		case <-w.feeder.over:
			return false
		}
		return true
	}) {
		if w.feeder.isOver() {
			return false
		}
	}
	return true
}

// waitFor lets wait block until it succeeds or the connection has idled for too
// long, and closes that one then.
func (w *worker) waitFor(wait func(idle <-chan time.Time) bool) bool {
	if w.conn == nil {
		return wait(nil)
	}
	w.idle.Reset(w.lane.relay.Idle)
	if wait(w.idle.C) {
		return true
	}
	if !w.feeder.isOver() {
		w.hangUp()
	}
	return false
}
