package delivery

import "time"

// pacer spaces messages at a rate (a leaky bucket, known as GCRA). The rate is
// what was configured, and below that what a storm of deferrals has left. It is
// not safe for concurrent use and knows no clock: its owner does.
type pacer struct {
	limit  float64   // messages a second as configured; 0 is none
	next   time.Time // when the next message may go
	paced  float64   // the rate at which next was reckoned
	booked time.Time // the last slot promised to a delivery that waits in the ledger
	storm  storm
	held   int // deliveries that wait in memory
}

// tolerance is how much of the time that a pacer had nothing to do may be made
// up for: what went late by less does not lower the rate.
const tolerance = 100 * time.Millisecond

// rate is messages a second, when live processes share the limit; 0 is as many as you like.
func (p *pacer) rate(now time.Time, live int) float64 {
	limit, own := p.limit/float64(max(live, 1)), p.storm.rate(now)
	if limit == 0 || own > 0 && own < limit {
		return own
	}
	return limit
}

// repace reckons anew when the next message may go, where the rate has changed
// since: what was charged at a storm's rate is not to be waited for after it.
func (p *pacer) repace(now time.Time, rate float64) {
	if ahead := p.next.Sub(now); ahead > 0 && rate != p.paced {
		p.next = now
		if rate > 0 && p.paced > 0 {
			p.next = now.Add(time.Duration(min(float64(ahead)*p.paced/rate, float64(365*24*time.Hour))))
		}
	}
	p.paced = rate
}

// wait is how long the next message has to wait.
func (p *pacer) wait(now time.Time) time.Duration { return max(0, p.next.Sub(now)) }

// charge counts a message that goes now.
func (p *pacer) charge(now time.Time, rate float64) {
	p.repace(now, rate)
	if rate > 0 {
		p.next = later(p.next, now.Add(-tolerance)).Add(interval(rate))
	}
}

// book promises a slot behind all those promised before and behind the queued
// messages that wait in memory.
func (p *pacer) book(now time.Time, rate float64, queued int) time.Time {
	behind := later(p.next, now).Add(time.Duration(queued) * interval(rate))
	p.booked = later(p.booked, behind).Add(interval(rate))
	return p.booked
}

// quiet reports whether forgetting the pacer would change nothing.
func (p *pacer) quiet(now time.Time) bool {
	if p.limit == 0 {
		p.repace(now, p.storm.rate(now))
	}
	return p.held == 0 && !p.next.After(now) && !p.booked.After(now) && p.storm.over(now)
}

func interval(rate float64) time.Duration {
	return time.Duration(min(float64(time.Second)/rate, float64(365*24*time.Hour)))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// storm finds the rate at which somebody stops putting us off: halved while
// they do, raised by steps while they do not (additive increase, multiplicative
// decrease), and forgotten once it is well above what was needed.
type storm struct {
	period time.Duration // at most one halving and one step in each; a second where zero

	since     time.Time // when the counting of good and bad began; zero while nobody complains
	good, bad int       // messages taken and put off since then
	own       float64   // the rate that is left, in messages a second; 0 is no limit
	needed    float64   // the rate at the first complaint
	halved    time.Time
	grown     time.Time
}

const (
	stormLeast = 5    // so many deferrals before anything is slowed: a full mailbox is no storm
	stormShare = 20   // and one in so many messages
	stormFloor = 0.2  // the least rate that a storm leaves
	stormStep  = 0.05 // of the rate that was needed, each period
	stormWatch = 10   // periods after the last halving in which messages are counted
)

func (s *storm) every() time.Duration {
	if s.period == 0 {
		return time.Second
	}
	return s.period
}

// answered counts a message that was taken or put off. slowed is true where
// this lowers the rate.
func (s *storm) answered(now time.Time, bad bool) (slowed bool) {
	if s.since.IsZero() || now.Sub(s.since) > stormWatch*s.every() {
		s.since, s.good, s.bad = time.Time{}, 0, 0
		if !bad {
			return false
		}
		s.since = now
	}
	if !bad {
		s.good++
		return false
	}
	s.bad++
	all := s.good + s.bad
	if s.bad < stormLeast || s.bad*stormShare < all || now.Sub(s.halved) < s.every() {
		return false
	}
	measured := float64(all) / max(now.Sub(s.since), s.every()/10).Seconds()
	if s.rate(now) == 0 {
		s.needed, s.own = measured, measured
	}
	s.own = max(stormFloor, min(s.own, measured)/2)
	s.halved, s.grown = now, now
	s.since, s.good, s.bad = now, 0, 0
	return true
}

// rate is what is left at this moment; 0 is no limit.
func (s *storm) rate(now time.Time) float64 {
	if s.own == 0 {
		return 0
	}
	if steps := now.Sub(s.grown) / s.every(); steps > 0 {
		s.own += float64(steps) * max(stormStep*s.needed, stormFloor)
		s.grown = s.grown.Add(steps * s.every())
	}
	if s.own > 2*s.needed+stormFloor {
		s.own, s.needed = 0, 0
	}
	return s.own
}

func (s *storm) over(now time.Time) bool {
	return s.rate(now) == 0 && now.Sub(s.since) > stormWatch*s.every()
}
