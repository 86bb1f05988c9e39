package delivery

import (
	"fmt"
	"hash/fnv"
	"time"

	"apta/newsletter/transport"
	"apta/subscribers/database"
)

// Retry says what becomes of deliveries that did not go through.
type Retry struct {
	First  time.Duration // wait after the first deferral, doubled with each further one; 1 m where zero
	Max    time.Duration // the longest wait; 1 h where zero
	GiveUp time.Duration // after this long since the send began a third deferral is final; 48 h where zero
	Hold   bool          // doubtful deliveries wait for a person instead of being resent once
}

func (r Retry) withDefaults() Retry {
	if r.First == 0 {
		r.First = time.Minute
	}
	if r.Max == 0 {
		r.Max = time.Hour
	}
	if r.GiveUp == 0 {
		r.GiveUp = 48 * time.Hour
	}
	return r
}

// fewestTries is how often a delivery is tried before it can be too old.
const fewestTries = 3

// wait is how long the n-th deferral of a reader lasts. The jitter is made from
// the reader's ID: it spreads a storm and is the same when a test runs again.
func (r Retry) wait(n int, id int64) time.Duration {
	d := r.First << min(max(n-1, 0), 20)
	if d > r.Max || d <= 0 {
		d = r.Max
	}
	h := fnv.New32a()
	fmt.Fprint(h, id, n)
	return d - d/4 + time.Duration(h.Sum32()%1024)*(d/2)/1024
}

// settle turns the outcome of a delivery into its ledger entry, by decision 5:
// no code before the body is tried again, no code after the dot is doubtful.
func (r Retry) settle(d *due, out transport.Outcome, began, now time.Time) entry {
	e := d.entry()
	e.attempts, e.code, e.why = d.attempts+1, out.Code, out.Text
	switch out.Kind {
	case transport.Accepted:
		// The reply's text ("queued as …") is not kept: it would cost a large row a reader.
		e.state, e.why = Accepted, ""
	case transport.Refused:
		e.state = Refused
	case transport.Doubtful:
		e.doubts++
		e.state = Doubtful
		if e.doubts == 1 && !r.Hold {
			e.until = database.Millis(now.Add(r.wait(1, d.id)))
		}
	default:
		e.state = Deferred
		wait := r.wait(e.attempts, d.id)
		if out.Kind == transport.Retry {
			wait = min(wait, time.Second<<min(e.attempts, 6))
		}
		// One that waited long for a limit has its tries all the same.
		if now.Add(wait).Sub(began) > r.GiveUp && e.attempts >= fewestTries {
			e.state, e.why = Refused, fmt.Sprintf("given up after %d attempts in %s: %s", e.attempts, r.GiveUp, e.why)
			break
		}
		e.until = database.Millis(now.Add(wait))
	}
	if e.why == "" && e.state != Accepted {
		e.why = "no reply"
		if out.Err != nil {
			e.why = out.Err.Error()
		}
	}
	return e
}
