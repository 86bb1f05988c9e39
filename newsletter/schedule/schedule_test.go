package schedule

import (
	"strings"
	"testing"
	"time"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func parse(t *testing.T, expr, zoneName string) Schedule {
	t.Helper()
	s, err := Parse(expr, zone(t, zoneName))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestParseRefuses(t *testing.T) {
	for expr, want := range map[string]string{
		"":                       "empty",
		"0 9 * *":                "4 fields",
		"0 0 9 * * FRI":          "6 fields",
		"TZ=UTC 0 9 * * FRI":     "key of its own",
		"CRON_TZ=UTC 0 9 * * *":  "key of its own",
		"TZ=":                    "key of its own",
		"@every 1h":              "no fixed hour",
		"0 9 30 2 *":             "never comes",
		"0 25 * * *":             "no cron expression",
		"0 9 * * NOVEMBER":       "no cron expression",
		"@sometimes":             "no cron expression",
		"\x000 9 * * FRI\x00 \n": "no cron expression",
	} {
		if _, err := Parse(expr, time.UTC); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", expr, err, want)
		}
	}
}

// Ten years in five zones, with the hour of sending inside gaps and folds,
// against a reckoning that knows nothing of cron: it walks every minute and looks
// at the clock.
func TestFault_T1_ClockChanges(t *testing.T) {
	for _, c := range []struct {
		zone, expr   string
		day          time.Weekday
		hour, minute int
	}{
		{"Asia/Almaty", "30 23 * * THU", time.Thursday, 23, 30}, // 2024-02-29: one hour less, for good
		{"Europe/Berlin", "30 2 * * SUN", time.Sunday, 2, 30},
		{"America/New_York", "30 1 * * SUN", time.Sunday, 1, 30},
		{"Australia/Lord_Howe", "15 2 * * SUN", time.Sunday, 2, 15}, // half an hour
		{"Africa/Casablanca", "30 2 * * SUN", time.Sunday, 2, 30},   // clocks go by Ramadan
	} {
		t.Run(c.zone, func(t *testing.T) {
			t.Parallel()
			s := parse(t, c.expr, c.zone)
			from, until := at(t, "2020-01-01T00:00:00Z"), at(t, "2030-01-01T00:00:00Z")
			got := s.Between(from, until)
			want := walk(from, until, s.zone, c.day, c.hour*60+c.minute)
			if len(got) != len(want) {
				t.Fatalf("%d slots, the clock shows %d", len(got), len(want))
			}
			for i := range got {
				if !got[i].Equal(want[i]) {
					t.Fatalf("slot %d is %s, the clock says %s", i, got[i], want[i])
				}
			}
		})
	}
}

// walk finds, once for every day of that name, the first minute at which the
// clock has reached the minute of the day.
func walk(from, until time.Time, z *time.Location, day time.Weekday, minute int) (slots []time.Time) {
	done := ""
	for t := from; t.Before(until); t = t.Add(time.Minute) {
		l := t.In(z)
		if l.Weekday() != day || l.Hour()*60+l.Minute() < minute {
			continue
		}
		if d := l.Format(time.DateOnly); d != done {
			done = d
			slots = append(slots, t)
		}
	}
	return slots
}

func TestFault_T2_DownOverSlots(t *testing.T) {
	s := parse(t, "0 9 * * FRI", "Asia/Almaty")
	last := at(t, "2024-01-05T09:00:00+06:00")
	for _, missed := range []int{0, 1, 3, 60} {
		now := last.AddDate(0, 0, 7*missed).Add(3 * time.Hour)
		due, over := s.Due(last, now, false)
		if len(due) != min(1, missed) || len(due)+len(over) != missed {
			t.Errorf("down over %d slots: %d due and %d passed over", missed, len(due), len(over))
		}
		if all, over := s.Due(last, now, true); len(all) != missed || len(over) != 0 {
			t.Errorf("down over %d slots, all wanted: %d due and %d passed over", missed, len(all), len(over))
		}
	}
}

// A clock that jumps gives the same slots as one that does not, once history
// keeps each only once.
func TestFault_T3_ClockJumps(t *testing.T) {
	s := parse(t, "0 9 * * FRI", "Europe/Berlin")
	start := at(t, "2024-03-01T12:00:00Z")
	taken := map[int64]bool{}
	last, now := start, start
	for step := range 400 {
		switch step % 9 {
		case 3:
			now = now.Add(-time.Hour)
		case 5:
			now = now.Add(time.Hour)
		case 6:
			now = now.AddDate(0, 0, -8)
		case 8:
			now = now.AddDate(0, 0, 8)
		default:
			now = now.Add(7 * time.Hour)
		}
		due, _ := s.Due(last, now, true)
		for _, d := range due {
			if taken[d.Unix()] {
				t.Fatalf("%s came twice", d)
			}
			taken[d.Unix()] = true
			last = d
		}
	}
	if want := s.Between(start, last); len(want) != len(taken) || len(want) < 5 {
		t.Errorf("%d slots taken, %d due", len(taken), len(want))
	}
}

func TestWindows(t *testing.T) {
	s := parse(t, "0 9 * * FRI", "Asia/Almaty")
	slot := s.Next(at(t, "2024-10-16T00:00:00Z"))
	if got := slot.Format(time.RFC3339); got != "2024-10-18T09:00:00+05:00" {
		t.Fatalf("next slot %s", got)
	}
	w := s.Rolling(slot)
	if w.Name != "2024-W42" || w.From.Format(time.RFC3339) != "2024-10-11T09:00:00+05:00" || !w.To.Equal(slot) {
		t.Errorf("rolling window %+v", w)
	}
	if next := s.Rolling(s.Next(slot)); !next.From.Equal(w.To) {
		t.Errorf("the next window begins at %s, this one ends at %s", next.From, w.To)
	}
	if w := s.LastWeek(slot); w.Name != "2024-W41" || w.From.Format(time.RFC3339) != "2024-10-07T00:00:00+05:00" {
		t.Errorf("last week %+v", w)
	}
}
