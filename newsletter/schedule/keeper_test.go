package schedule_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/newsletter/jobs"
	"apta/newsletter/notice"
	"apta/newsletter/schedule"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestMain(m *testing.M) { databasetest.Run(m) }

// office is a keeper, its jobs, and a clock of the test's own.
type office struct {
	*schedule.Keeper
	store   *newsletter.Store
	notices *notice.Store
	jobs    *jobs.Engine
	clock   *atomic.Pointer[time.Time]
	starts  atomic.Int32
}

var zone = time.FixedZone("+05", 5*3600)

// newOffice opens an office over a database; several may share one, and a clock.
func newOffice(t *testing.T, db *database.DB, clock *atomic.Pointer[time.Time], set func(*schedule.Options)) *office {
	t.Helper()
	weekly, err := schedule.Parse("0 9 * * FRI", zone)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	now := func() time.Time { return *clock.Load() }
	ids := database.NewIDs(nil, nil)
	o := &office{store: newsletter.NewStore(db, ids, now), notices: notice.NewStore(db, ids, now), jobs: jobs.New(db, log), clock: clock}
	o.jobs.Poll = 10 * time.Millisecond
	opt := schedule.Options{
		FlowOptions: schedule.FlowOptions{
			Newsletter: "weekly", Schedule: weekly, Window: weekly.Rolling, Now: now, Editors: []string{"desk@news.example"}, Desk: "https://news.example/desk",
			Freeze: func(context.Context, newsletter.Issue) (map[string][]byte, error) {
				return map[string][]byte{"": []byte("frozen")}, nil
			},
		},
		Auto: true, Lateness: time.Hour, NoIssue: newsletter.Roll, Log: log,
		Compose: func(_ context.Context, w newsletter.Window, _ string) (newsletter.Issue, error) {
			return newsletter.Issue{Newsletter: "weekly", Week: w.Name, Language: "en", Title: "The Week", From: w.From, To: w.To}, nil
		},
		Counts: func(context.Context, database.ID) (delivery.Counts, error) {
			return delivery.Counts{Total: 100, Accepted: 95, Refused: 2, Doubtful: 1, Skipped: 2}, nil
		},
		Start: func(ctx context.Context, i newsletter.Issue) error {
			if i.Status == newsletter.Sending {
				return nil
			}
			err := o.store.Turn(ctx, i, newsletter.Sending, "")
			if err == nil {
				o.starts.Add(1)
			}
			return err
		},
	}
	if set != nil {
		set(&opt)
	}
	o.Keeper = schedule.NewKeeper(o.store, o.jobs, o.notices, opt)
	jobs.Handle(o.jobs, o.Assemble)
	jobs.Handle(o.jobs, o.CutOff)
	jobs.Handle(o.jobs, o.Send)
	return o
}

// run does the office's jobs until the test ends.
func (o *office) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.jobs.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
}

// settle waits until there is no job left.
func (o *office) settle(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		open, err := o.jobs.List(context.Background(), 10, jobs.Open...)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("there are still %+v (%v)", open, err)
		}
		if len(open) == 0 {
			return
		}
	}
}

func newClock(at time.Time) *atomic.Pointer[time.Time] {
	var clock atomic.Pointer[time.Time]
	clock.Store(&at)
	return &clock
}

var (
	tables = []database.Schema{newsletter.Schema(), jobs.Schema(), notice.Schema()}
	monday = time.Date(2024, 10, 14, 12, 0, 0, 0, zone)
	friday = time.Date(2024, 10, 18, 9, 0, 0, 0, zone)
)

// Two offices reckon the same slot at the same moment, and a job is done twice
// at once besides: every week has one issue, of one revision, sent once.
func TestFault_T4_TwoKeepersOneSlot(t *testing.T) {
	weeks := 8
	if os.Getenv("APTA_TORTURE") != "" {
		weeks = 200
	}
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		clock := newClock(monday)
		two := []*office{newOffice(t, db, clock, nil), newOffice(t, db, clock, nil)}
		for _, o := range two {
			if err := o.Reckon(ctx); err != nil { // history begins
				t.Fatal(err)
			}
			o.run(t)
		}
		for week := range weeks {
			at := friday.AddDate(0, 0, 7*week)
			clock.Store(&at)
			var both sync.WaitGroup
			for _, o := range two {
				both.Go(func() {
					if err := o.Reckon(ctx); err != nil {
						t.Error(err)
					}
				})
				// A twin may fail where the other was faster; a job is tried again then.
				both.Go(func() { _ = o.Assemble(ctx, schedule.Assemble{Week: newsletter.Week(at).Name}) })
			}
			both.Wait()
			two[0].settle(t)
		}
		issues, err := two[0].store.Issues(ctx, "weekly", 1000)
		if err != nil || len(issues) != weeks {
			t.Fatalf("%d issues of %d weeks (%v)", len(issues), weeks, err)
		}
		for _, i := range issues {
			if i.Status != newsletter.Sending || i.Revision != 1 {
				t.Errorf("%s is %s, revision %d", i.Week, i.Status, i.Revision)
			}
		}
		if n := two[0].starts.Load() + two[1].starts.Load(); int(n) != weeks {
			t.Errorf("%d sends were begun", n)
		}
	})
}

// An issue that cannot be made says why, and is made when it can be.
func TestAFailureOfAssemblyIsSeen(t *testing.T) {
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		var broken atomic.Bool
		broken.Store(true)
		o := newOffice(t, db, newClock(monday), func(opt *schedule.Options) {
			compose := opt.Compose
			opt.Compose = func(ctx context.Context, w newsletter.Window, _ string) (newsletter.Issue, error) {
				if broken.Load() {
					return newsletter.Issue{}, errors.New("the ink has run out")
				}
				return compose(ctx, w, "")
			}
		})
		if err := o.Reckon(ctx); err != nil {
			t.Fatal(err)
		}
		o.clock.Store(&friday)
		if err := o.Reckon(ctx); err != nil {
			t.Fatal(err)
		}
		o.run(t)
		var failed jobs.Job
		for deadline := time.Now().Add(time.Minute); failed.Error == ""; time.Sleep(5 * time.Millisecond) {
			open, err := o.jobs.List(ctx, 10, jobs.Open...)
			if err != nil || len(open) != 1 || time.Now().After(deadline) {
				t.Fatalf("there are %+v (%v)", open, err)
			}
			failed = open[0]
		}
		if err := o.Reckon(ctx); err != nil { // a minute later: no second job beside the first
			t.Fatal(err)
		}
		open, err := o.jobs.List(ctx, 10, jobs.Open...)
		if err != nil || len(open) != 1 || !strings.Contains(failed.Error, "the ink has run out") || failed.Kind != "assemble-issue" {
			t.Errorf("there are %+v (%v), the first failed with %+v", open, err, failed)
		}
		broken.Store(false)
		o.settle(t)
		if issue, err := o.store.Issue(ctx, "weekly", "2024-W42"); err != nil || issue.Status != newsletter.Sending {
			t.Errorf("the issue is %s (%v)", issue.Status, err)
		}
	})
}

// The jobs of an open slot and of an approved issue come back when they are lost.
func TestForgottenJobsComeBack(t *testing.T) {
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		o := newOffice(t, db, newClock(monday), nil)
		reckonWithout := func(kind string) {
			t.Helper()
			for range 2 {
				if err := o.Reckon(ctx); err != nil {
					t.Fatal(err)
				}
			}
			open, err := o.jobs.List(ctx, 10, jobs.Open...)
			if err != nil || kind == "" && len(open) != 0 || kind != "" && (len(open) != 1 || open[0].Kind != kind) {
				t.Fatalf("there are %+v (%v), want one %s", open, err, kind)
			}
			if _, err := db.Exec(ctx, `DELETE FROM river_job`); err != nil {
				t.Fatal(err)
			}
		}
		reckonWithout("")
		o.clock.Store(&friday)
		reckonWithout("assemble-issue")
		reckonWithout("assemble-issue")
		if err := o.Assemble(ctx, schedule.Assemble{Week: "2024-W42"}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(ctx, `DELETE FROM river_job`); err != nil {
			t.Fatal(err)
		}
		reckonWithout("send-issue")
		issue, err := o.store.Issue(ctx, "weekly", "2024-W42")
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Send(ctx, schedule.Send{Issue: issue.ID}); err != nil || o.starts.Load() != 1 {
			t.Errorf("%d sends were begun (%v)", o.starts.Load(), err)
		}
		reckonWithout("")
	})
}
