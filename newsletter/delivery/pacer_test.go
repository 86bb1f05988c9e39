package delivery

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// pass counts the messages that pass a pacer in a time, looking every step.
func pass(p *pacer, from time.Time, d, step time.Duration, live int) (passed int) {
	for now := from; now.Before(from.Add(d)); now = now.Add(step) {
		for p.wait(now) == 0 && passed < 1e6 {
			p.charge(now, p.rate(now, live))
			passed++
			if p.rate(now, live) == 0 {
				break
			}
		}
	}
	return passed
}

func TestPacerKeepsItsRate(t *testing.T) {
	for _, test := range []struct {
		rate float64
		live int
		d    time.Duration
		want int
	}{
		{rate: 0.2, live: 1, d: time.Minute, want: 12},
		{rate: 5, live: 1, d: time.Minute, want: 300},
		{rate: 5, live: 2, d: time.Minute, want: 150},
		{rate: 1000, live: 1, d: 10 * time.Second, want: 10_000},
	} {
		p := &pacer{limit: test.rate}
		got := pass(p, noon, test.d, 10*time.Millisecond, test.live)
		if most := test.want + 1 + int(test.rate*tolerance.Seconds()); got < test.want || got > most {
			t.Errorf("%g a second shared by %d let %d pass in %s, not %d to %d", test.rate, test.live, got, test.d, test.want, most)
		}
	}
}

// A pacer that had nothing to do for an hour does not let an hour's mail pass.
func TestPacerDoesNotSaveUp(t *testing.T) {
	p := &pacer{limit: 10}
	pass(p, noon, time.Second, time.Millisecond, 1)
	if got := pass(p, noon.Add(time.Hour), time.Second, time.Millisecond, 1); got > 12 {
		t.Errorf("%d passed in a second after an hour's rest", got)
	}
}

func TestPacerBooksEachItsOwnSlot(t *testing.T) {
	p := &pacer{limit: 0.2}
	p.charge(noon, 0.2)
	first := p.book(noon, 0.2, 2) // two wait in memory
	if wait := first.Sub(noon); wait < 14*time.Second || wait > 20*time.Second {
		t.Errorf("the first slot behind two queued ones is in %s", wait)
	}
	for n := range 50 {
		if next := p.book(noon, 0.2, 2); next.Sub(first) != time.Duration(n+1)*5*time.Second {
			t.Fatalf("slot %d is %s behind the first", n+1, next.Sub(first))
		}
	}
}

// A far side that takes a hundred a second and defers the rest: the rate comes
// down near it, does not stay at the bottom, and is free again when it takes all.
func TestStormFindsTheRateAndRecovers(t *testing.T) {
	p := &pacer{}
	now, minute := noon, 0
	second := func(offered int, takes int) {
		taken := 0
		step := time.Second / time.Duration(offered)
		for end := now.Add(time.Second); now.Before(end); now = now.Add(step) {
			if p.wait(now) > 0 {
				continue
			}
			p.charge(now, p.rate(now, 1))
			taken++
			p.storm.answered(now, taken > takes)
		}
		minute += taken
	}
	for range 60 {
		second(1000, 100)
	}
	minute = 0
	for range 60 {
		second(1000, 100)
	}
	if average := minute / 60; average < 30 || average > 250 {
		t.Errorf("under a storm %d a second are sent where 100 are taken", average)
	}
	if p.storm.rate(now) == 0 {
		t.Error("in mid-storm the rate is free")
	}
	for range 120 {
		second(1000, 1000)
	}
	if rate := p.storm.rate(now); rate != 0 {
		t.Errorf("two minutes after the storm the rate is still %g", rate)
	}
	if now = now.Add(time.Hour); !p.quiet(now) {
		t.Error("after an hour the pacer is still remembered")
	}
}

// A full mailbox among many is no storm.
func TestAFewDeferralsAreNoStorm(t *testing.T) {
	s := &storm{}
	for n := range 10_000 {
		if s.answered(noon.Add(time.Duration(n)*time.Millisecond), n%50 == 0) {
			t.Fatalf("slowed after %d messages of which one in fifty was put off", n)
		}
	}
}

func TestStormHalvesAtMostOnceAPeriod(t *testing.T) {
	s := &storm{}
	halvings := 0
	for n := range 3000 {
		if s.answered(noon.Add(time.Duration(n)*time.Millisecond), true) {
			halvings++
		}
	}
	if halvings < 2 || halvings > 3 {
		t.Errorf("%d halvings in three seconds", halvings)
	}
}

func TestSharesFollowTheWeights(t *testing.T) {
	s := newShares()
	a, b, c := s.add(5), s.add(3), s.add(2)
	all := []*share{a, b, c}
	for _, h := range all {
		s.begin(h, false, noon)
	}
	given := map[*share]int{}
	now := noon
	for n := 0; n < 10_000; {
		now = now.Add(time.Millisecond)
		for _, h := range all { // each is as greedy as the others
			if ok, _ := s.may(h, now); ok {
				s.take(h, now)
				given[h]++
				n++
			}
		}
	}
	for _, h := range all {
		if want := int(h.weight) * 1000; given[h] < want-slack || given[h] > want+slack {
			t.Errorf("weight %g of 10 has %d of 10000", h.weight, given[h])
		}
	}
}

func TestSharesDoNotWaitForTheAbsent(t *testing.T) {
	for name, absent := range map[string]func(s *shares, h *share){
		"away":     func(s *shares, h *share) { s.excuse(h, absentAway, true, noon) },
		"limited":  func(s *shares, h *share) { s.excuse(h, absentLimited, true, noon) },
		"capped":   func(s *shares, h *share) { s.excuse(h, absentCapped, true, noon) },
		"stalling": func(s *shares, h *share) { h.taken = noon.Add(-stall) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShares()
			a, b := s.add(1), s.add(1)
			s.begin(a, false, noon)
			s.begin(b, false, noon)
			absent(s, b)
			for n := range 1000 {
				if ok, _ := s.may(a, noon); !ok {
					t.Fatalf("held up after %d messages", n)
				}
				s.take(a, noon)
			}
			// Back, it does not make up for what it missed.
			s.excuse(b, absentAway|absentLimited|absentCapped, false, noon)
			s.take(b, noon)
			got := 0
			for ok, _ := s.may(b, noon); ok && got < 1000; ok, _ = s.may(b, noon) {
				s.take(b, noon)
				got++
			}
			if got > slack {
				t.Errorf("it caught up with %d messages in a row", got)
			}
		})
	}
}

func TestWarmUpPlan(t *testing.T) {
	almaty, err := time.LoadLocation("Asia/Almaty")
	if err != nil {
		t.Fatal(err)
	}
	w := WarmUp{Start: time.Date(2026, 12, 1, 0, 0, 0, 0, almaty), First: 200, Factor: 1.5}
	for _, test := range []struct {
		at   time.Time
		want int
	}{
		{time.Date(2026, 11, 30, 23, 59, 0, 0, almaty), 0},
		{time.Date(2026, 12, 1, 0, 0, 0, 0, almaty), 200},
		{time.Date(2026, 11, 30, 19, 30, 0, 0, time.UTC), 200}, // already the first in Almaty
		{time.Date(2026, 12, 2, 12, 0, 0, 0, almaty), 300},
		{time.Date(2026, 12, 4, 12, 0, 0, 0, almaty), 675},
		{time.Date(2036, 12, 4, 12, 0, 0, 0, almaty), 1<<31 - 1},
	} {
		if got := w.Cap(test.at); got != test.want {
			t.Errorf("at %s the cap is %d, not %d", test.at, got, test.want)
		}
	}
	// The day on which the clocks go forward has 23 hours.
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	w = WarmUp{Start: time.Date(2026, 3, 28, 0, 0, 0, 0, berlin), First: 100, Factor: 2}
	if got := w.Cap(time.Date(2026, 3, 30, 0, 30, 0, 0, berlin)); got != 400 {
		t.Errorf("two days later, over the change of clocks, the cap is %d", got)
	}
	if day, next := w.day(time.Date(2026, 3, 29, 12, 0, 0, 0, berlin)); day != "2026-03-29" || !next.Equal(time.Date(2026, 3, 30, 0, 0, 0, 0, berlin)) {
		t.Errorf("the day is %s, the next begins %s", day, next)
	}
}

// What was charged while a storm left little is not waited for once it is over.
func TestChargesAreRepaced(t *testing.T) {
	now := noon
	var p pacer
	for range 100 {
		p.charge(now, 0.2)
	}
	if wait := p.wait(now); wait < 400*time.Second {
		t.Fatalf("a hundred messages at one in five seconds last %v", wait)
	}
	p.repace(now, 20)
	if wait := p.wait(now); wait < 4*time.Second || wait > 6*time.Second {
		t.Errorf("at twenty a second they last %v", wait)
	}
	p.repace(now, 0)
	if wait := p.wait(now); wait != 0 {
		t.Errorf("without a limit they last %v", wait)
	}
}
