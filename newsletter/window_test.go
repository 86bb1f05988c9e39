package newsletter_test

import (
	"fmt"
	"testing"
	"time"

	"apta/newsletter"
)

// Thirty years of weeks in zones with all kinds of clocks: each begins where the
// one before ended, has its beginning and not its end, and is named as an
// independent reckoning names it.
func TestWeeksTile(t *testing.T) {
	for _, name := range []string{"UTC", "Asia/Almaty", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Cairo"} {
		t.Run(name, func(t *testing.T) {
			zone := zoneOf(t, name)
			w := newsletter.Week(time.Date(2000, 1, 3, 12, 0, 0, 0, zone))
			long := 0
			for w.From.Year() < 2030 {
				if h, m, _ := w.From.Clock(); w.From.Weekday() != time.Monday || h+m != 0 {
					t.Fatalf("%s begins at %s", w.Name, w.From)
				}
				y, m, d := w.From.Date()
				if want := isoWeek(y, int(m), d); w.Name != want {
					t.Fatalf("the week of %s is %s, not %s", w.From, w.Name, want)
				}
				if w.Name[5:] == "W53" {
					long++
				}
				last := w.To.Add(-time.Nanosecond)
				if !w.Contains(w.From) || !w.Contains(last) || w.Contains(w.To) || newsletter.Week(last).Name != w.Name {
					t.Fatalf("%s has [%s, %s)", w.Name, w.From, w.To)
				}
				next := newsletter.Week(w.To)
				if !next.From.Equal(w.To) {
					t.Fatalf("%s ends at %s, the next begins at %s", w.Name, w.To, next.From)
				}
				w = next
			}
			if long != 5 { // 2004, 2009, 2015, 2020, 2026
				t.Errorf("%d years have a week 53", long)
			}
		})
	}
}

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// isoWeek reckons with nothing but days: the week is that of its Thursday, which
// is the third day after this Monday.
func isoWeek(y, m, d int) string {
	month := []int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	leap := func(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }
	ordinal := d + 3
	for i := range m - 1 {
		ordinal += month[i]
	}
	if leap(y) && m > 2 {
		ordinal++
	}
	year := 365
	if leap(y) {
		year++
	}
	if ordinal > year {
		y, ordinal = y+1, ordinal-year
	}
	return fmt.Sprintf("%04d-W%02d", y, (ordinal-1)/7+1)
}

// Where the clocks jump over midnight, or over a whole day, a window begins with
// the day's first moment, and two windows that share a day's name share an instant.
func TestDatesWhereMidnightIsMissing(t *testing.T) {
	for _, c := range []struct{ zone, from, to, begins, ends string }{
		{"America/Sao_Paulo", "2018-11-04", "2018-11-11", "2018-11-04T01:00:00-02:00", "2018-11-11T00:00:00-02:00"},
		{"America/Sao_Paulo", "2018-10-28", "2018-11-04", "2018-10-28T00:00:00-03:00", "2018-11-04T01:00:00-02:00"},
		{"Africa/Cairo", "2024-04-26", "2024-05-03", "2024-04-26T01:00:00+03:00", "2024-05-03T00:00:00+03:00"},
		{"Europe/Berlin", "2024-10-27", "2024-10-28", "2024-10-27T00:00:00+02:00", "2024-10-28T00:00:00+01:00"},
	} {
		w, err := newsletter.Dates(c.from, c.to, zoneOf(t, c.zone))
		if err != nil || w.From.Format(time.RFC3339) != c.begins || w.To.Format(time.RFC3339) != c.ends {
			t.Errorf("%s to %s in %s is [%s, %s) (%v)", c.from, c.to, c.zone, w.From.Format(time.RFC3339), w.To.Format(time.RFC3339), err)
		}
	}
}
