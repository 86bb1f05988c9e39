package jobs_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter/jobs"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

var tables = []database.Schema{jobs.Schema()}

// greet is a job of these tests.
type greet struct {
	Name string `json:"name"`
}

func (greet) Kind() string { return "greet" }

func quickly(db *database.DB, log io.Writer) *jobs.Engine {
	e := jobs.New(db, slog.New(slog.NewTextHandler(log, nil)))
	e.Poll = 10 * time.Millisecond
	return e
}

// run runs an engine until the test ends or stop is called.
func run(t *testing.T, e *jobs.Engine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the engine ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in a minute there was no %s", what)
		}
	}
}

func list(t *testing.T, e *jobs.Engine, states ...jobs.State) []jobs.Job {
	t.Helper()
	l, err := e.List(context.Background(), 100, states...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAJobIsDone(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		e := quickly(db, io.Discard)
		done := make(chan string, 10)
		jobs.Handle(e, func(_ context.Context, g greet) error { done <- g.Name; return nil })
		run(t, e)
		if err := e.Insert(ctx, greet{"Aigerim"}); err != nil {
			t.Fatal(err)
		}
		if got := <-done; got != "Aigerim" {
			t.Errorf("greeted %s", got)
		}
		// What is rolled back takes its job with it.
		stop := errors.New("stop")
		err := db.InTx(ctx, func(tx *sql.Tx) error {
			if err := e.InsertTx(ctx, tx, greet{"nobody"}); err != nil {
				t.Fatal(err)
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		if err := db.InTx(ctx, func(tx *sql.Tx) error { return e.InsertTx(ctx, tx, greet{"Dana"}) }); err != nil {
			t.Fatal(err)
		}
		if got := <-done; got != "Dana" {
			t.Errorf("greeted %s", got)
		}
		await(t, "end of the jobs", func() bool { return len(list(t, e, jobs.Open...)) == 0 })
	})
}

func TestOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		e := quickly(db, io.Discard)
		for _, name := range []string{"Aigerim", "Aigerim", "Dana", "Aigerim"} {
			if err := e.Insert(context.Background(), greet{name}, jobs.Once); err != nil {
				t.Fatal(err)
			}
		}
		if got := list(t, e, jobs.Open...); len(got) != 2 || got[0].State != jobs.Available || string(got[0].Args) != `{"name":"Dana"}` && string(got[0].Args) != `{"name": "Dana"}` {
			t.Errorf("there are %+v", got)
		}
	})
}

// A job that fails is tried again, with its error for all to see.
func TestAFailureIsSeenAndTriedAgain(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		var log lockedBuffer
		e := quickly(db, &log)
		var tries atomic.Int32
		seen := make(chan struct{})
		jobs.Handle(e, func(context.Context, greet) error {
			if tries.Add(1) == 1 {
				return errors.New("no voice")
			}
			<-seen
			return nil
		})
		run(t, e)
		if err := e.Insert(context.Background(), greet{"Dana"}); err != nil {
			t.Fatal(err)
		}
		await(t, "failed job", func() bool {
			l := list(t, e, jobs.Open...)
			return len(l) == 1 && l[0].Error == "no voice" && l[0].Attempt > 0
		})
		close(seen)
		await(t, "end of the jobs", func() bool { return len(list(t, e, jobs.Open...)) == 0 })
		if n := tries.Load(); n != 2 || !strings.Contains(log.String(), `err="no voice"`) {
			t.Errorf("after %d tries the log says %s", n, log.String())
		}
	})
}

// A job that failed for the last time waits for a person, and Once does not
// put another beside it.
func TestGivenUpAndRetried(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		var log lockedBuffer
		e := quickly(db, &log)
		var broken atomic.Bool
		broken.Store(true)
		jobs.Handle(e, func(context.Context, greet) error {
			if broken.Load() {
				panic("no voice")
			}
			return nil
		})
		if err := e.Insert(ctx, greet{"Dana"}, jobs.Once); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(ctx, `UPDATE river_job SET max_attempts = 1`); err != nil {
			t.Fatal(err)
		}
		run(t, e)
		await(t, "discarded job", func() bool { return len(list(t, e, jobs.Discarded)) == 1 })
		if err := e.Insert(ctx, greet{"Dana"}, jobs.Once); err != nil {
			t.Fatal(err)
		}
		given := list(t, e, jobs.Open...)
		if len(given) != 1 || !strings.Contains(given[0].Error, "no voice") {
			t.Fatalf("there are %+v", given)
		}
		broken.Store(false)
		if _, err := e.Retry(ctx, given[0].ID); err != nil {
			t.Fatal(err)
		}
		await(t, "end of the jobs", func() bool { return len(list(t, e, jobs.Open...)) == 0 })
		if _, err := e.Retry(ctx, 1_000_000); !errors.Is(err, jobs.ErrNotFound) {
			t.Errorf("a job that is not there: %v", err)
		}
	})
}

func TestAgainIsNoFailure(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		var log lockedBuffer
		e := quickly(db, &log)
		var tries atomic.Int32
		jobs.Handle(e, func(context.Context, greet) error {
			if tries.Add(1) < 4 {
				return jobs.Again(20 * time.Millisecond)
			}
			return nil
		})
		run(t, e)
		if err := e.Insert(context.Background(), greet{"Dana"}); err != nil {
			t.Fatal(err)
		}
		await(t, "fourth try", func() bool { return tries.Load() == 4 })
		if log.String() != "" {
			t.Errorf("the log says %s", log.String())
		}
	})
}

// Of three engines on one database one alone does what is to be done every
// second; when it is stopped another takes its place.
func TestEveryRunsOnceOverAll(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		runs := make(chan struct{}, 100)
		var stops []func()
		for range 3 {
			e := quickly(db, io.Discard)
			e.Every(time.Second, greet{"all"})
			jobs.Handle(e, func(context.Context, greet) error { runs <- struct{}{}; return nil })
			stops = append(stops, run(t, e))
			if len(stops) == 1 {
				<-runs // the run at the start: this one leads
			}
		}
		from := time.Now()
		for range 3 {
			<-runs
		}
		if took := time.Since(from); took < 2*time.Second {
			t.Errorf("three more runs took %s", took)
		}
		stops[0]()
		for len(runs) > 0 {
			<-runs
		}
		<-runs
	})
}

// A job that is being done when Run ends has its context ended, and is there for
// another to do.
func TestStopLeavesTheJobToOthers(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		e := quickly(db, io.Discard)
		begun := make(chan struct{})
		jobs.Handle(e, func(ctx context.Context, _ greet) error { close(begun); <-ctx.Done(); return ctx.Err() })
		stop := run(t, e)
		if err := e.Insert(context.Background(), greet{"Dana"}); err != nil {
			t.Fatal(err)
		}
		<-begun
		from := time.Now()
		stop()
		if took := time.Since(from); took > 10*time.Second {
			t.Errorf("stopping took %s", took)
		}
		if left := list(t, e, jobs.Available, jobs.Retryable); len(left) != 1 {
			t.Errorf("left is %+v, of %+v", left, list(t, e, jobs.Open...))
		}
	})
}

// River's own tools find its tables as they should be.
func TestRiverKnowsItsTables(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		var driver riverdriver.Driver[*sql.Tx] = riversqlite.New(db.Writer())
		if db.Kind() == database.PostgreSQL {
			driver = riverdatabasesql.New(db.Writer())
		}
		migrator, err := rivermigrate.New(driver, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := migrator.Validate(context.Background(), nil)
		if err != nil || !res.OK {
			t.Errorf("River finds %+v (%v)", res, err)
		}
	})
}

func TestNewerTablesAreNotTouched(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		if _, err := db.Exec(context.Background(), `UPDATE schema_version SET version = version + 1 WHERE owner = 'jobs'`); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(context.Background(), tables...); !errors.Is(err, database.ErrNewer) {
			t.Errorf("error %v, want ErrNewer", err)
		}
	})
}

// Eight programs that start at once make River's tables once.
func TestSchemaAtOnce(t *testing.T) {
	t.Parallel()
	each := func(t *testing.T, url string) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				db, err := database.Open(context.Background(), url)
				if err != nil {
					t.Error(err)
					return
				}
				defer db.Close()
				if err := db.Migrate(context.Background(), tables...); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	t.Run("sqlite", func(t *testing.T) { each(t, filepath.Join(t.TempDir(), "apta.db")) })
	t.Run("postgres", func(t *testing.T) { each(t, databasetest.PostgreSQL(t)) })
}

// lockedBuffer is a log that several write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
