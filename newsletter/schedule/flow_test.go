package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/schedule"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// desk is the policy of a newsroom that reads before it sends.
func desk(o *schedule.Options) {
	o.Auto = false
	o.CutOff, o.Reminder, o.CoolOff = 4*time.Hour, time.Hour, 15*time.Minute
}

// told gives the kinds of the notices written so far, in order.
func told(t *testing.T, db *database.DB) (kinds []string) {
	t.Helper()
	rows, err := db.Query(context.Background(), `SELECT kind FROM notices ORDER BY at, id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind string
		if err := rows.Scan(&kind); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, kind)
	}
	return kinds
}

// minute is what a minute of apta serve does, without the engine: everything that
// the rows make due, each job twice.
func (o *office) minute(t *testing.T, at time.Time) {
	t.Helper()
	ctx := context.Background()
	o.clock.Store(&at)
	for range 2 {
		if err := o.Reckon(ctx); err != nil {
			t.Fatal(err)
		}
		open, err := o.store.OpenSlots(ctx, "weekly")
		if err != nil {
			t.Fatal(err)
		}
		for _, slot := range open {
			for range 2 {
				if err := o.Assemble(ctx, schedule.Assemble{Week: slot.Week}); err != nil {
					t.Fatal(err)
				}
			}
		}
		issues, err := o.store.Issues(ctx, "weekly", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range issues {
			if err := errors.Join(o.CutOff(ctx, schedule.CutOff{Issue: i.ID}), o.Send(ctx, schedule.Send{Issue: i.ID})); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (o *office) issue(t *testing.T, week string) newsletter.Issue {
	t.Helper()
	i, err := o.store.Issue(context.Background(), "weekly", week)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// The whole way, minute by minute, with a clock that jumps: each step once.
func TestFault_T3_TheFlow(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   func(*schedule.Options)
		do    func(t *testing.T, o *office, minute int) // what people do
		told  string
		ends  newsletter.Status
		start int32
	}{
		{"nobody looks, and it is held", desk, nil, "assembled reminder held", newsletter.Held, 0},
		{"nobody looks, and it is sent", func(o *schedule.Options) { desk(o); o.SendAtCutOff = true }, nil, "assembled reminder approved sent", newsletter.Sent, 1},
		{"it is approved in time", desk, func(t *testing.T, o *office, minute int) {
			if minute == 60 {
				o.approve(t, "2024-W42")
			}
		}, "assembled approved sent", newsletter.Sent, 1},
		{"it is pulled back and approved anew", desk, func(t *testing.T, o *office, minute int) {
			switch minute {
			case 60, 300:
				o.approve(t, "2024-W42")
			case 74:
				if err := o.PullBack(context.Background(), o.issue(t, "2024-W42"), "Aigul", "a name is wrong"); err != nil {
					t.Fatal(err)
				}
			}
		}, "assembled approved pulled approved sent", newsletter.Sent, 1},
		{"no person is asked", func(o *schedule.Options) { o.CoolOff = 15 * time.Minute }, nil, "approved sent", newsletter.Sent, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
				o := newOffice(t, db, newClock(monday), c.set)
				o.minute(t, monday)
				for m := range 400 {
					at := friday.Add(time.Duration(m) * time.Minute)
					if m%60 == 40 { // the clock jumps back and forth
						o.minute(t, at.Add(-3*time.Hour))
					}
					if m%20 == 0 || m%60 > 12 && m%60 < 18 || c.do != nil {
						o.minute(t, at)
					}
					if c.do != nil {
						c.do(t, o, m)
					}
					if i, err := o.store.Issue(context.Background(), "weekly", "2024-W42"); err == nil && i.Status == newsletter.Sending {
						if err := o.store.Move(context.Background(), i.ID, newsletter.Sent, "", newsletter.Sending); err != nil {
							t.Fatal(err)
						}
					}
				}
				if all := strings.Join(told(t, db), " "); all != c.told {
					t.Errorf("the editors were told %s, want %s", all, c.told)
				}
				if i := o.issue(t, "2024-W42"); i.Status != c.ends || o.starts.Load() != c.start {
					t.Errorf("it is %s, %d sends were begun", i.Status, o.starts.Load())
				}
			})
		})
	}
}

func (o *office) approve(t *testing.T, week string) newsletter.Issue {
	t.Helper()
	i, err := o.Approve(context.Background(), o.issue(t, week), "Aigul")
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// In the last moment one pulls back while others begin the send: one of them
// wins, and the issue and its edition are what the winner made of them.
func TestPulledBackInTheLastMoment(t *testing.T) {
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		sent := 0
		for round := range 20 {
			at := friday.AddDate(0, 0, 7*round)
			o := newOffice(t, db, newClock(at.AddDate(0, 0, -1)), desk)
			o.minute(t, at.AddDate(0, 0, -1))
			o.minute(t, at)
			week := newsletter.Week(at).Name
			issue := o.approve(t, week)
			o.clock.Store(&issue.SendsAt)
			var both sync.WaitGroup
			var pulled error
			both.Go(func() { pulled = o.PullBack(ctx, issue, "Aigul", "wait") })
			for range 2 {
				both.Go(func() {
					if err := o.Send(ctx, schedule.Send{Issue: issue.ID}); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
			now := o.issue(t, week)
			_, edition := o.store.Edition(ctx, issue.ID, "")
			switch {
			case pulled == nil && now.Status == newsletter.Draft && now.SendsAt.IsZero() && errors.Is(edition, newsletter.ErrNotFound) && o.starts.Load() == 0:
			case errors.Is(pulled, newsletter.ErrStatus) && now.Status == newsletter.Sending && edition == nil && o.starts.Load() == 1:
				sent++
			default:
				t.Fatalf("round %d: pulled back %v, it is %s, its edition %v, %d sends", round, pulled, now.Status, edition, o.starts.Load())
			}
		}
		t.Logf("%d of 20 were sent, the others pulled back", sent)
	})
}

// Who saw an approval that was pulled back and given anew sends nothing by it.
func TestAnOldApprovalSendsNothing(t *testing.T) {
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		var old newsletter.Issue
		o := newOffice(t, db, newClock(monday), func(opt *schedule.Options) {
			desk(opt)
			start := opt.Start
			opt.Start = func(ctx context.Context, _ newsletter.Issue) error { return start(ctx, old) }
		})
		o.minute(t, monday)
		o.minute(t, friday)
		old = o.approve(t, "2024-W42")
		if err := o.PullBack(ctx, old, "Aigul", "wait"); err != nil {
			t.Fatal(err)
		}
		later := friday.Add(10 * time.Minute)
		o.clock.Store(&later)
		now := o.approve(t, "2024-W42")
		o.minute(t, now.SendsAt)
		if i := o.issue(t, "2024-W42"); i.Status != newsletter.Approved || o.starts.Load() != 0 {
			t.Errorf("it is %s, %d sends were begun", i.Status, o.starts.Load())
		}
	})
}

// Killed between any two commits, the flow goes on where it was: every failing
// transaction is one at which the process could have died.
func TestKilledBetweenAnyTwoSteps(t *testing.T) {
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		power := errors.New("power cut")
		for cut := range 6 {
			at := friday.AddDate(0, 0, 7*cut)
			steps := 0
			die := func() error {
				if steps++; steps == cut {
					return power
				}
				return nil
			}
			o := newOffice(t, db, newClock(at.AddDate(0, 0, -1)), func(opt *schedule.Options) {
				opt.CoolOff = time.Minute
				compose, freeze, start := opt.Compose, opt.Freeze, opt.Start
				opt.Compose = func(ctx context.Context, w newsletter.Window, l string) (newsletter.Issue, error) {
					if err := die(); err != nil {
						return newsletter.Issue{}, err
					}
					return compose(ctx, w, l)
				}
				opt.Freeze = func(ctx context.Context, i newsletter.Issue) (map[string][]byte, error) {
					if err := die(); err != nil {
						return nil, err
					}
					return freeze(ctx, i)
				}
				opt.Start = func(ctx context.Context, i newsletter.Issue) error {
					if err := die(); err != nil {
						return err
					}
					return errors.Join(start(ctx, i), die()) // moved, and died before the ledger knew
				}
			})
			week := newsletter.Week(at).Name
			for m := range 6 {
				now := at.Add(time.Duration(m-1) * time.Minute)
				o.clock.Store(&now)
				if err := o.Reckon(ctx); err != nil {
					t.Fatal(err)
				}
				if m == 0 {
					continue
				}
				if m == 1 && cut == 5 { // approved, and killed before the slot was closed
					made, err := o.store.AddIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: week, Language: "en", Title: "The Week", To: at})
					if err == nil {
						_, err = o.Approve(ctx, made, "the schedule")
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				for _, err := range []error{o.Assemble(ctx, schedule.Assemble{Week: week}), o.sendAll(ctx)} {
					if err != nil && !errors.Is(err, power) {
						t.Fatal(err)
					}
				}
			}
			i := o.issue(t, week)
			if i.Status != newsletter.Sending || i.Revision != 1 || o.starts.Load() != 1 {
				t.Errorf("killed at step %d: it is %s, revision %d, %d sends", cut, i.Status, i.Revision, o.starts.Load())
			}
			if err := o.store.Move(ctx, i.ID, newsletter.Sent, "", newsletter.Sending); err != nil {
				t.Fatal(err)
			}
			o.minute(t, at.Add(time.Hour))
		}
		all := told(t, db)
		if len(all) != 12 || slices.Contains(all, "assembled") {
			t.Errorf("of six issues the editors were told %s", all)
		}
	})
}

func (o *office) sendAll(ctx context.Context) error {
	issues, err := o.store.Issues(ctx, "weekly", 100)
	for _, i := range issues {
		err = errors.Join(err, o.Send(ctx, schedule.Send{Issue: i.ID}))
	}
	return err
}

// Hours between steps are hours, whatever the clocks show in the meantime: in
// the night they go forward and in the night they go back.
func TestFault_T1_TheFlowOverClockChanges(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	nightly, err := schedule.Parse("30 0 * * SUN", berlin)
	if err != nil {
		t.Fatal(err)
	}
	for day, cutOff := range map[string]string{"2024-03-31": "2024-03-31T05:30:00+02:00", "2024-10-27": "2024-10-27T03:30:00+01:00"} {
		databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
			slot, err := time.ParseInLocation("2006-01-02 15:04", day+" 00:30", berlin)
			if err != nil {
				t.Fatal(err)
			}
			o := newOffice(t, db, newClock(slot.Add(-time.Hour)), func(opt *schedule.Options) {
				desk(opt)
				opt.Schedule, opt.Window = nightly, nightly.Rolling
			})
			o.minute(t, slot.Add(-time.Hour))
			for m := range 6 * 60 {
				if at := slot.Add(time.Duration(m) * time.Minute); m%15 == 0 {
					o.minute(t, at)
				}
				if m == 200 {
					week := newsletter.Week(slot).Name
					if got := o.issue(t, week).CutOff.In(berlin).Format(time.RFC3339); got != cutOff {
						t.Errorf("%s: the cut-off is %s, want %s", day, got, cutOff)
					}
				}
			}
			if all := strings.Join(told(t, db), " "); all != "assembled reminder held" {
				t.Errorf("%s: the editors were told %s", day, all)
			}
		})
	}
}

// Where one of a newsletter's languages has too little, the editors are told
// which, and the others go their way.
func TestALanguageWithoutAnIssue(t *testing.T) {
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db, newClock(monday), func(opt *schedule.Options) {
			desk(opt)
			opt.Languages = []string{"en", "ru", "kk"}
			opt.Compose = func(_ context.Context, w newsletter.Window, language string) (newsletter.Issue, error) {
				if language == "kk" {
					return newsletter.Issue{}, fmt.Errorf("%s: %w", w.Name, assemble.ErrEmpty)
				}
				return newsletter.Issue{Newsletter: "weekly", Week: w.Name, Language: language, Title: language, From: w.From, To: w.To}, nil
			}
		})
		o.minute(t, monday)
		o.minute(t, friday)
		all := told(t, db)
		slices.Sort(all)
		if got := strings.Join(all, " "); got != "assembled assembled skipped" {
			t.Errorf("the editors were told %s", got)
		}
		var doc string
		if err := db.QueryRow(context.Background(), `SELECT document FROM notices WHERE kind = 'skipped'`).Scan(&doc); err != nil || !strings.Contains(doc, "2024-W42 (kk)") || !strings.Contains(doc, "none in kk") {
			t.Errorf("they were told %s (%v)", doc, err)
		}
	})
}
