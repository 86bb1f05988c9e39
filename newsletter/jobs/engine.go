// Package jobs does work in the background: at once, again after a failure, or
// every so often, once over all processes that share a database. The queue is
// River's (riverqueue.com), on SQLite and on PostgreSQL.
//
// A job may run twice: when its process died, or seemed to, another takes it
// up. So a handler looks at what is there before it does anything, and the
// tables it works on have the keys that keep two from doing the same.
package jobs

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"apta/subscribers/database"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"
)

// Args says what one job is to do. It is a small struct, stored as JSON; Kind
// names its handler and never changes once jobs of it are stored.
type Args interface{ Kind() string }

// How long things take. A job whose process was killed is found by the leader,
// which looks every 30 s and when it begins to lead; where the leader itself was
// killed another leads within 22 s, and no sooner than rescueAfter. So a job is
// taken up again within 50 s.
const (
	poll        = time.Second      // between two looks for new jobs
	timeout     = 8 * time.Second  // then a job's context ends
	rescueAfter = 10 * time.Second // then its process is taken for dead
	soft        = 5 * time.Second  // what running jobs have left when Run ends
	hard        = 3 * time.Second  // and what they have left to heed the end of their context
	workers     = 4                // jobs that one process does at once
	attempts    = 12               // with growing pauses, half a day in all
)

// Engine is the queue of jobs in one database. Handlers and periodic jobs are
// made known to it before the first job is inserted or done.
type Engine struct {
	Poll time.Duration // how often Run looks for new jobs; a second where zero

	db       *database.DB
	log      *slog.Logger
	workers  *river.Workers
	periodic []*river.PeriodicJob
	client   func() (*river.Client[*sql.Tx], error)
}

// New makes an engine over a database that has the tables of Schema. It asks
// nothing of the database until it is used.
func New(db *database.DB, log *slog.Logger) *Engine {
	e := &Engine{db: db, log: log, workers: river.NewWorkers()}
	e.client = sync.OnceValues(e.newClient)
	return e
}

// Handle says what does the jobs of a kind. A job whose handler gives an error
// is tried again, a second later and then at growing intervals, twelve times in
// all. The context ends after 8 s: longer work is cut into more jobs.
func Handle[A Args](e *Engine, do func(context.Context, A) error) {
	river.AddWorker(e.workers, &worker[A]{do: do})
}

type worker[A Args] struct {
	river.WorkerDefaults[A]
	do func(context.Context, A) error
}

func (w *worker[A]) Work(ctx context.Context, job *river.Job[A]) error { return w.do(ctx, job.Args) }

// Again is what a handler gives back when it is too early: the job is done once
// more after a while, and nothing has failed.
func Again(after time.Duration) error { return river.JobSnooze(after) }

// Every has a job done when Run begins and at every whole period of the clock,
// such as each minute at its beginning, by one process of all that run. A run
// that fails is not repeated before the next.
func (e *Engine) Every(period time.Duration, args Args) {
	opts := &river.InsertOpts{MaxAttempts: 1, UniqueOpts: unique(alive...)}
	e.periodic = append(e.periodic, river.NewPeriodicJob(periods(period),
		func() (river.JobArgs, *river.InsertOpts) { return args, opts }, &river.PeriodicJobOpts{RunOnStart: true}))
}

// periods is a schedule of whole periods.
type periods time.Duration

// Next looks at the clock anew, and what it gives keeps the monotonic reading:
// a clock that is set forward or back neither holds up the next run nor makes
// up for runs that never were.
func (p periods) Next(time.Time) time.Time {
	now, period := time.Now(), time.Duration(p)
	return now.Add(now.Truncate(period).Add(period).Sub(now.Round(0)))
}

// Option says how a job is inserted.
type Option func(*river.InsertOpts)

// Once inserts nothing where the same kind with the same args waits, is being
// done, or was given up and waits for a person.
func Once(o *river.InsertOpts) {
	o.UniqueOpts = unique(append(alive, rivertype.JobStateDiscarded)...)
}

// alive are the states of jobs that are not over.
var alive = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

func unique(states ...rivertype.JobState) river.UniqueOpts {
	return river.UniqueOpts{ByArgs: true, ByState: states}
}

// Insert puts a job into the queue.
func (e *Engine) Insert(ctx context.Context, args Args, opts ...Option) error {
	return e.db.InTx(ctx, func(tx *sql.Tx) error { return e.InsertTx(ctx, tx, args, opts...) })
}

// InsertTx puts a job into the queue together with what else a transaction
// writes: either both are there or neither.
func (e *Engine) InsertTx(ctx context.Context, tx *sql.Tx, args Args, opts ...Option) error {
	client, err := e.client()
	if err != nil {
		return err
	}
	var how river.InsertOpts
	for _, o := range opts {
		o(&how)
	}
	if _, err := client.InsertTx(ctx, tx, args, &how); err != nil {
		return fmt.Errorf("jobs: insert %s: %w", args.Kind(), err)
	}
	return nil
}

// Run does jobs until ctx ends. Those that are being done then have eight
// seconds to end, and are done again elsewhere where they do not.
func (e *Engine) Run(ctx context.Context) error {
	client, err := e.client()
	if err != nil {
		return err
	}
	if err := client.Start(ctx); err != nil {
		return fmt.Errorf("jobs: start: %w", err)
	}
	<-ctx.Done()
	select {
	case <-client.Stopped():
	case <-time.After(soft + hard):
		e.log.Warn("a job does not heed that it is to end")
	}
	return ctx.Err()
}

func (e *Engine) newClient() (*river.Client[*sql.Tx], error) {
	host, _ := os.Hostname() // only to be read by people
	config := &river.Config{
		ID:       fmt.Sprintf("%.40s-%d-%s", host, os.Getpid(), rand.Text()),
		Workers:  e.workers,
		Queues:   map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}},
		PollOnly: true, // on SQLite River's listening is polling too, twenty times a second
		Logger:   slog.New(warnings{e.log.Handler()}),

		FetchPollInterval: poll, FetchCooldown: poll / 10,
		JobTimeout: timeout, RescueStuckJobsAfter: rescueAfter, SoftStopTimeout: soft, MaxAttempts: attempts,
		CompletedJobRetentionPeriod: time.Hour, // a job a minute is no history worth keeping
		ErrorHandler:                failures{e.log},
		PeriodicJobs:                e.periodic,
		SkipUnknownJobCheck:         true, // a verb inserts what apta serve does
	}
	if e.Poll > 0 {
		config.FetchPollInterval, config.FetchCooldown = e.Poll, e.Poll
	}
	var driver riverdriver.Driver[*sql.Tx] = riversqlite.New(e.db.Writer())
	if e.db.Kind() == database.PostgreSQL {
		driver = riverdatabasesql.New(e.db.Writer())
	}
	client, err := river.NewClient(driver, config)
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return client, nil
}

// warnings is a log without River's own chatter.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

// failures says in the log which jobs failed, and why.
type failures struct{ log *slog.Logger }

func (f failures) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	if ctx.Err() == nil { // one that was stopped is done again and has not failed
		f.log.Error("a job failed", "job", job.Kind, "id", job.ID, "args", string(job.EncodedArgs), "attempt", job.Attempt, "of", job.MaxAttempts, "err", err)
	}
	return nil
}

func (f failures) HandlePanic(_ context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	f.log.Error("a job panicked", "job", job.Kind, "id", job.ID, "args", string(job.EncodedArgs), "panic", value, "trace", trace)
	return nil
}
