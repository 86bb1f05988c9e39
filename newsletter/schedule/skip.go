package schedule

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"apta/newsletter"
)

// Skip is a week or a span of days on which the schedule makes no issue.
type Skip struct {
	newsletter.Skip
	week     string
	from, to string // days, both included
}

// ParseSkip reads a week (2026-W52: the issue of that name), a day (2026-12-25)
// or days (2026-12-24..2027-01-05, both included: the slots on them, in the
// schedule's zone).
func ParseSkip(s newsletter.Skip) (Skip, error) {
	if _, err := newsletter.ParseWeek(s.Span, time.UTC); err == nil {
		return Skip{Skip: s, week: s.Span}, nil
	}
	from, to, days := strings.Cut(s.Span, "..")
	if !days {
		to = from
	}
	for _, day := range []string{from, to} {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return Skip{}, fmt.Errorf("%q is no week such as 2026-W52, day such as 2026-12-25, or days such as 2026-12-24..2027-01-05", s.Span)
		}
	}
	if to < from {
		return Skip{}, fmt.Errorf("%q ends before it begins", s.Span)
	}
	return Skip{Skip: s, from: from, to: to}, nil
}

// covers reports whether a slot, at a time of the schedule's zone, is skipped.
func (s Skip) covers(week string, slot time.Time) bool {
	day := slot.Format(time.DateOnly)
	return s.week != "" && s.week == week || s.from != "" && s.from <= day && day <= s.to
}

// reason is how a skipped slot says why.
func (s Skip) reason() string {
	if s.Why == "" {
		return "skipped: " + s.Span
	}
	return "skipped: " + s.Why + " (" + s.Span + ")"
}

// skips are those of the configuration and the stored ones.
func (f *Flow) skips(ctx context.Context) ([]Skip, error) {
	stored, err := f.store.Skips(ctx, f.opt.Newsletter)
	if err != nil {
		return nil, err
	}
	all := f.opt.Skips[:len(f.opt.Skips):len(f.opt.Skips)]
	for _, s := range stored {
		skip, err := ParseSkip(s)
		if err != nil {
			return nil, fmt.Errorf("schedule: %w", err)
		}
		all = append(all, skip)
	}
	return all, nil
}

func (f *Flow) skipped(skips []Skip, slot time.Time) (Skip, bool) {
	slot = slot.In(f.opt.Schedule.Zone())
	week := f.opt.Window(slot).Name
	for _, s := range skips {
		if s.covers(week, slot) {
			return s, true
		}
	}
	return Skip{}, false
}

// mostRolled is how many slots back items roll at most.
const mostRolled = 60

// WindowOf is the window of a slot: its own, and before it those of the slots whose
// items roll into it. It is reckoned from what the slots' rows say became of them;
// of a slot that has no row yet, the skips say it.
func (f *Flow) WindowOf(ctx context.Context, slot time.Time) (newsletter.Window, error) {
	w := f.opt.Window(slot)
	skips, err := f.skips(ctx)
	if err != nil {
		return w, err
	}
	for range mostRolled {
		slot = f.opt.Schedule.Previous(slot)
		if slot.IsZero() {
			break
		}
		before := f.opt.Window(slot)
		row, err := f.store.Slot(ctx, f.opt.Newsletter, before.Name)
		rolls := err == nil && row.State == newsletter.SlotSkipped && row.Items == newsletter.Roll
		if errors.Is(err, newsletter.ErrNotFound) {
			_, rolls = f.skipped(skips, slot)
			err = nil
		}
		if err != nil {
			return w, err
		}
		if !rolls {
			break
		}
		w.From = before.From
	}
	return w, nil
}

// Dropped are the windows after a moment whose items do not roll on, each ending
// when its slot came: what was stored later than that comes late.
func (f *Flow) Dropped(ctx context.Context, after time.Time) (list []newsletter.Window, err error) {
	slots, err := f.store.SkippedSlots(ctx, f.opt.Newsletter, after)
	if err != nil {
		return nil, err
	}
	for _, d := range slots {
		if d.Items != newsletter.Drop {
			continue
		}
		w, err := f.WindowOf(ctx, d.At)
		if err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, nil
}

// Day is one slot of the calendar.
type Day struct {
	Slot    time.Time // in the schedule's zone
	Window  newsletter.Window
	Skipped bool
	Why     string
	Span    string // of the skip, as it was written
	Stored  bool   // by a person, not by the configuration
}

// Calendar gives the next slots after a moment, the skipped ones among them.
func (f *Flow) Calendar(ctx context.Context, after time.Time, count int) (days []Day, err error) {
	skips, err := f.skips(ctx)
	if err != nil {
		return nil, err
	}
	for t := f.opt.Schedule.Next(after); len(days) < count && !t.IsZero(); t = f.opt.Schedule.Next(t) {
		d := Day{Slot: t}
		if d.Window, err = f.WindowOf(ctx, t); err != nil {
			return nil, err
		}
		var skip Skip
		if skip, d.Skipped = f.skipped(skips, t); d.Skipped {
			d.Why, d.Span, d.Stored = skip.reason(), skip.Span, f.isStored(skip)
		}
		days = append(days, d)
	}
	return days, nil
}

func (f *Flow) isStored(s Skip) bool {
	for _, own := range f.opt.Skips {
		if own.Span == s.Span {
			return false
		}
	}
	return true
}
