package schedule_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/schedule"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// A skipped week is told of, and its items stand in the window of the next;
// below the minimum they do or do not, as the policy is.
func TestSkippedWeeksRoll(t *testing.T) {
	skip := func(span string) schedule.Skip {
		s, err := schedule.ParseSkip(newsletter.Skip{Span: span})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	empty := map[string]bool{}
	for _, c := range []struct {
		name   string
		set    func(*schedule.Options)
		stored string
		from   time.Time // where the window of 2024-W44 begins
	}{
		{"none", nil, "", friday.AddDate(0, 0, 7)},
		{"a week of the configuration", func(o *schedule.Options) { o.Skips = []schedule.Skip{skip("2024-W43")} }, "", friday},
		{"a stored day", nil, "2024-10-25", friday},
		{"two weeks", func(o *schedule.Options) { o.Skips = []schedule.Skip{skip("2024-10-14..2024-10-26")} }, "", friday.AddDate(0, 0, -7)},
		{"nothing in it", func(*schedule.Options) { empty["2024-W43"] = true }, "", friday},
		{"nothing in it, and dropped", func(o *schedule.Options) { empty["2024-W43"], o.NoIssue = true, newsletter.Drop }, "", friday.AddDate(0, 0, 7)},
	} {
		t.Run(c.name, func(t *testing.T) {
			databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
				ctx := context.Background()
				clear(empty)
				o := newOffice(t, db, newClock(monday), func(opt *schedule.Options) {
					if c.set != nil {
						c.set(opt)
					}
					compose := opt.Compose
					opt.Compose = func(ctx context.Context, w newsletter.Window, l string) (newsletter.Issue, error) {
						if empty[w.Name] {
							return newsletter.Issue{}, fmt.Errorf("%s: %w", w.Name, assemble.ErrEmpty)
						}
						return compose(ctx, w, l)
					}
				})
				if c.stored != "" {
					if err := o.store.AddSkip(ctx, "weekly", newsletter.Skip{Span: c.stored, Why: "holiday"}); err != nil {
						t.Fatal(err)
					}
				}
				o.minute(t, monday)
				planned, err := o.Calendar(ctx, monday, 3)
				if err != nil {
					t.Fatal(err)
				}
				for week := range 3 {
					o.minute(t, friday.AddDate(0, 0, 7*week))
				}
				if i := o.issue(t, "2024-W44"); !i.From.Equal(c.from) || !i.To.Equal(friday.AddDate(0, 0, 14)) {
					t.Errorf("its window is %s to %s, want from %s", i.From, i.To, c.from)
				}
				if len(empty) == 0 && !planned[2].Window.From.Equal(c.from) {
					t.Errorf("the calendar has it from %s, want %s", planned[2].Window.From, c.from)
				}
				gone := 0
				for _, d := range planned {
					if d.Skipped {
						gone++
					}
				}
				skipped := 0
				for _, kind := range told(t, db) {
					if kind == "skipped" {
						skipped++
					}
				}
				if skipped != gone+len(empty) {
					t.Errorf("the editors were told of %d skipped weeks, there are %d", skipped, gone+len(empty))
				}
				dropped, err := o.Dropped(ctx, monday)
				if err != nil || (len(dropped) == 1) != strings.Contains(c.name, "dropped") {
					t.Errorf("dropped are %v (%v)", dropped, err)
				}
			})
		})
	}
}

func TestParseSkip(t *testing.T) {
	for span, ok := range map[string]bool{"2026-W52": true, "2026-12-25": true, "2026-12-24..2027-01-05": true, "2026-W53": true,
		"2025-W53": false, "": false, "christmas": false, "2026-12-25..2026-12-24": false, "2026-02-30": false, "2026-12-24..": false, "W52": false} {
		if _, err := schedule.ParseSkip(newsletter.Skip{Span: span}); (err == nil) != ok {
			t.Errorf("%q: %v", span, err)
		}
	}
}
