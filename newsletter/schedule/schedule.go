// Package schedule reckons when issues are due. A cron expression is read as the
// time on a wall clock in a named zone, so a change of the clocks neither loses
// a week nor gives it twice.
package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"apta/newsletter"

	"github.com/robfig/cron/v3"
)

// Schedule is a cron expression in a zone.
type Schedule struct {
	cron cron.Schedule
	zone *time.Location
	expr string
}

// Parse reads a cron expression of five fields, or a word such as @weekly, in a
// zone. What robfig/cron would take and then do something surprising with is
// refused: its own TZ= prefix, @every, and dates that never come.
func Parse(expr string, zone *time.Location) (Schedule, error) {
	fields := strings.Fields(expr)
	switch {
	case len(fields) == 0:
		return Schedule{}, errors.New(`it is empty: write something like "0 9 * * FRI"`)
	case strings.Contains(expr, "TZ="):
		return Schedule{}, errors.New("the zone is a key of its own, not a part of the cron expression")
	case strings.HasPrefix(fields[0], "@every"):
		return Schedule{}, errors.New("@every has no fixed hour: write something like \"0 9 * * FRI\"")
	case fields[0][0] != '@' && len(fields) != 5:
		return Schedule{}, fmt.Errorf("%q has %d fields, a cron expression has five: minute, hour, day of month, month, day of week", expr, len(fields))
	}
	parsed, err := cron.ParseStandard(expr)
	if err != nil {
		return Schedule{}, fmt.Errorf("%q is no cron expression: %w", expr, err)
	}
	s := Schedule{cron: parsed, zone: zone, expr: expr}
	// robfig/cron looks five years ahead; a leap year may be eight away.
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	if parsed.Next(start).IsZero() {
		return Schedule{}, fmt.Errorf("%q never comes", expr)
	}
	return s, nil
}

// Zone is where the schedule's clock hangs.
func (s Schedule) Zone() *time.Location { return s.zone }

func (s Schedule) String() string { return s.expr + " " + s.zone.String() }

// Next gives the first slot after t; the zero time where none comes within five years.
func (s Schedule) Next(t time.Time) time.Time {
	// A day and an hour back: no change of the clocks is larger.
	wall := onWall(t.In(s.zone)).Add(-25 * time.Hour)
	for {
		wall = s.cron.Next(wall)
		if wall.IsZero() {
			return time.Time{}
		}
		if at := s.instant(wall); at.After(t) {
			return at
		}
	}
}

// Between gives the slots in (after, until], in order.
func (s Schedule) Between(after, until time.Time) []time.Time {
	var slots []time.Time
	for t := s.Next(after); !t.IsZero() && !t.After(until); t = s.Next(t) {
		slots = append(slots, t)
	}
	return slots
}

// Previous gives the last slot before t; the zero time where none came in the
// five years before.
func (s Schedule) Previous(t time.Time) time.Time {
	for _, days := range []int{8, 32, 400, 5 * 366} {
		slots := s.Between(t.AddDate(0, 0, -days), t.Add(-time.Nanosecond))
		if len(slots) > 0 {
			return slots[len(slots)-1]
		}
	}
	return time.Time{}
}

// onWall is the time that a wall clock shows, written as if it were UTC.
func onWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// instant is when the zone's clocks show the time: the first of two such
// moments in a fold, and for a time that a gap leaves out the gap's end.
func (s Schedule) instant(wall time.Time) time.Time {
	before := wall.Add(-offset(wall.Add(-24*time.Hour), s.zone))
	after := wall.Add(-offset(wall.Add(24*time.Hour), s.zone))
	early, late := before, after
	if late.Before(early) {
		early, late = late, early
	}
	for _, t := range []time.Time{early, late} {
		if onWall(t.In(s.zone)).Equal(wall) {
			return t.In(s.zone)
		}
	}
	// A gap: the clocks change between the two candidates.
	changed := offset(late, s.zone)
	for late.Sub(early) > time.Second {
		middle := early.Add(late.Sub(early) / 2).Truncate(time.Second)
		if offset(middle, s.zone) == changed {
			late = middle
		} else {
			early = middle
		}
	}
	return late.In(s.zone)
}

func offset(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// Rolling gives the window of a slot: from the slot before it up to the slot
// itself, so that nothing falls between two issues. It is named after the ISO
// week in which the slot lies.
func (s Schedule) Rolling(slot time.Time) newsletter.Window {
	from := s.Previous(slot)
	if from.IsZero() {
		from = slot.AddDate(0, 0, -7)
	}
	return newsletter.Window{Name: newsletter.Week(slot.In(s.zone)).Name, From: from, To: slot}
}

// LastWeek gives the last ISO week that was over when the slot came.
func (s Schedule) LastWeek(slot time.Time) newsletter.Window {
	this := newsletter.Week(slot.In(s.zone))
	return newsletter.Week(this.From.AddDate(0, 0, -1))
}

// Due gives the slots in (last, now] of which an issue is to be made, and those
// that are passed over because they were missed: all but the latest, unless all
// are wanted.
func (s Schedule) Due(last, now time.Time, all bool) (due, missed []time.Time) {
	slots := s.Between(last, now)
	if all || len(slots) < 2 {
		return slots, nil
	}
	return slots[len(slots)-1:], slots[:len(slots)-1]
}
