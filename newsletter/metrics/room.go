package metrics

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"apta/newsletter/delivery"
	"apta/newsletter/intake/feeds"
	"apta/newsletter/jobs"
	"apta/newsletter/notice"
	"apta/subscribers"
	"apta/subscribers/database"

	"github.com/prometheus/client_golang/prometheus"
)

// Sources are the rooms that are asked.
type Sources struct {
	Database    *database.DB
	Ledger      *delivery.Ledger
	Jobs        *jobs.Engine
	Subscribers *subscribers.Store
	Notices     *notice.Store
	Feeds       *feeds.Store
	Relays      []string // their names
	// Backup is when the newest copy of the database was made; false where there is none.
	Backup func() (time.Time, bool)
	// NextSlot is when the schedule comes next.
	NextSlot func() time.Time
	Now      func() time.Time
}

const (
	fresh  = 15 * time.Second // what was asked is good for so long
	asking = 5 * time.Second  // and is asked for no longer
	sends  = 3                // of the newest issues the deliveries are counted
)

// room collects what the database knows.
type room struct {
	Sources
	log *slog.Logger

	mu      sync.Mutex
	asked   time.Time
	figures []prometheus.Metric
	ended   map[database.ID]delivery.Counts // of sends that change no more
	failed  map[string]float64
}

func newRoom(s Sources, log *slog.Logger) *room {
	return &room{Sources: s, log: log, ended: map[database.ID]delivery.Counts{}, failed: map[string]float64{}}
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("apta_"+name, help, labels, nil)
}

var (
	descDeliveries  = desc("deliveries", "Deliveries of the newest issues by state.", "issue", "state")
	descSending     = desc("sends", "Sends by state.", "state")
	descWritten     = desc("deliveries_written_total", "Deliveries that this process has brought to a state.", "state")
	descCommits     = desc("ledger_commits_total", "Commits of the ledger by this process.")
	descCommitTime  = desc("ledger_commit_seconds_total", "Time that these commits took.")
	descRelay       = desc("relay_ok", "1 where a relay works as usual, 0 where it rests, is slowed or has its day's mail; state says which.", "relay", "state")
	descQueue       = desc("queue_waiting", "Mails to single people that wait: letters to readers, notices to editors.", "queue")
	descQueueAge    = desc("queue_oldest_seconds", "For how long the oldest of them has waited.", "queue")
	descJobs        = desc("jobs", "Jobs in the background by state.", "state")
	descFeeds       = desc("feeds", "Feeds that answer and feeds that fail.", "state")
	descFeedAge     = desc("feed_oldest_poll_seconds", "For how long the feed that was asked longest ago was not asked.")
	descSubscribers = desc("subscribers", "Subscribers by status.", "status")
	descSize        = desc("database_bytes", "Size of the database on its disk.")
	descTx          = desc("database_commits_total", "Transactions of this process, those of its jobs' engine not counted.")
	descBackup      = desc("backup_age_seconds", "Age of the newest copy in backup.folder.")
	descSlot        = desc("schedule_next_seconds", "When the schedule comes next, as a Unix time.")
	descFailed      = desc("metrics_errors_total", "Figures that could not be got.", "what")
)

func (r *room) Describe(into chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descDeliveries, descSending, descWritten, descCommits, descCommitTime, descRelay, descQueue, descQueueAge, descJobs,
		descFeeds, descFeedAge, descSubscribers, descSize, descTx, descBackup, descSlot, descFailed} {
		into <- d
	}
}

// Collect gives what was asked lately, and asks anew where that is old. One
// question that fails leaves its figures out and no others.
func (r *room) Collect(into chan<- prometheus.Metric) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.asked) > fresh {
		r.asked, r.figures = now, nil
		r.ask()
	}
	for _, m := range r.figures {
		into <- m
	}
	for what, n := range r.failed {
		into <- prometheus.MustNewConstMetric(descFailed, prometheus.CounterValue, n, what)
	}
	r.counted(into)
}

// ask gets every figure anew.
func (r *room) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), asking)
	defer cancel()
	for what, ask := range map[string]func(context.Context) error{"sends": r.askSends, "relays": r.askRelays, "queues": r.askQueues, "jobs": r.askJobs,
		"feeds": r.askFeeds, "subscribers": r.askSubscribers, "database": r.askDatabase} {
		err := ask(ctx)
		if err != nil {
			r.log.Warn("a figure cannot be got", "what", what, "err", err)
			r.failed[what]++
		} else {
			r.failed[what] += 0 // there from the beginning, so that a first failure is a rise
		}
	}
}

// counted is what this process counts along.
func (r *room) counted(into chan<- prometheus.Metric) {
	for _, s := range delivery.States() {
		into <- prometheus.MustNewConstMetric(descWritten, prometheus.CounterValue, float64(r.Ledger.Written(s)), s.String())
	}
	n, took := r.Ledger.Commits()
	into <- prometheus.MustNewConstMetric(descCommits, prometheus.CounterValue, float64(n))
	into <- prometheus.MustNewConstMetric(descCommitTime, prometheus.CounterValue, took.Seconds())
	into <- prometheus.MustNewConstMetric(descTx, prometheus.CounterValue, float64(r.Database.Commits()))
	into <- prometheus.MustNewConstMetric(descSlot, prometheus.GaugeValue, float64(r.NextSlot().Unix()))
	if at, ok := r.Backup(); ok {
		into <- prometheus.MustNewConstMetric(descBackup, prometheus.GaugeValue, r.Now().Sub(at).Seconds())
	}
}

func (r *room) gauge(d *prometheus.Desc, value float64, labels ...string) {
	r.figures = append(r.figures, prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...))
}
