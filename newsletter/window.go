package newsletter

import (
	"errors"
	"fmt"
	"time"
)

// Window is a half-open span of time [From, To), named after its ISO week
// (2024-W42) or, when it is not a whole week, after its dates.
type Window struct {
	Name     string
	From, To time.Time
}

// Contains reports whether t falls into the window.
func (w Window) Contains(t time.Time) bool { return !t.Before(w.From) && t.Before(w.To) }

// Week gives the ISO 8601 week that holds t, from Monday 00:00 to the next
// Monday 00:00 in t's zone. Across a change of the clocks it has 167 or 169 hours.
func Week(t time.Time) Window {
	back := (int(t.Weekday()) + 6) % 7
	from := midnight(t.Year(), t.Month(), t.Day()-back, t.Location())
	to := midnight(from.Year(), from.Month(), from.Day()+7, t.Location())
	// The ISO year is that of the week's Thursday; noon is never in a gap.
	y, w := time.Date(from.Year(), from.Month(), from.Day()+3, 12, 0, 0, 0, t.Location()).ISOWeek()
	return Window{Name: fmt.Sprintf("%04d-W%02d", y, w), From: from, To: to}
}

// midnight is a day's first moment, which is not 00:00 where the clocks jump over that.
func midnight(y int, m time.Month, d int, zone *time.Location) time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if noon := time.Date(y, m, d, 12, 0, 0, 0, zone); t.Day() != noon.Day() {
		_, t = t.ZoneBounds() // the gap's end
	}
	return t
}

// ErrWeek marks a name that is not a week.
var ErrWeek = errors.New("not a week")

// ParseWeek reads a name such as 2024-W42 in the given zone.
func ParseWeek(name string, zone *time.Location) (Window, error) {
	var y, n int
	if c, err := fmt.Sscanf(name, "%4d-W%2d", &y, &n); c != 2 || err != nil || fmt.Sprintf("%04d-W%02d", y, n) != name {
		return Window{}, fmt.Errorf("newsletter: %q: %w (a week is written like 2024-W42)", name, ErrWeek)
	}
	// The fourth of January is always in week 1.
	w := Week(time.Date(y, 1, 4+7*(n-1), 12, 0, 0, 0, zone))
	if w.Name != name {
		return Window{}, fmt.Errorf("newsletter: %q: %w (that year has no week %d)", name, ErrWeek, n)
	}
	return w, nil
}

// Dates gives the window [from, to) of two days, each from its first moment in
// the given zone; to itself is left out. A span that is a whole ISO week gets
// that week's name.
func Dates(from, to string, zone *time.Location) (Window, error) {
	f, err := day(from, zone)
	if err != nil {
		return Window{}, fmt.Errorf("newsletter: from %q is not a date: write it like 2024-10-14", from)
	}
	t, err := day(to, zone)
	if err != nil {
		return Window{}, fmt.Errorf("newsletter: to %q is not a date: write it like 2024-10-21", to)
	}
	if !t.After(f) {
		return Window{}, fmt.Errorf("newsletter: the window from %s to %s is empty: to is left out of it, so it must be the later day", from, to)
	}
	if w := Week(f); w.From.Equal(f) && w.To.Equal(t) {
		return w, nil
	}
	return Window{Name: from + "_" + to, From: f, To: t}, nil
}

func day(date string, zone *time.Location) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return t, err
	}
	return midnight(t.Year(), t.Month(), t.Day(), zone), nil
}
