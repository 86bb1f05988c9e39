package delivery

import (
	"context"
	"sync/atomic"
	"time"
)

// States are all states of a delivery, in their order.
func States() []State {
	list := make([]State, len(stateNames))
	for i := range list {
		list[i] = State(i)
	}
	return list
}

// progress counts what this process has written into ledgers since it began.
type progress struct {
	settled [len(stateNames)]atomic.Int64
	batches atomic.Int64
	nanos   atomic.Int64
}

func (t *progress) wrote(batch []*note, took time.Duration) {
	t.batches.Add(1)
	t.nanos.Add(int64(took))
	var n [len(stateNames)]int64
	for _, note := range batch {
		for i := range note.entries {
			n[note.entries[i].state]++
		}
	}
	for s, count := range n {
		if count > 0 {
			t.settled[s].Add(count)
		}
	}
}

// Written says how many deliveries this process has brought to a state since it
// began.
func (l *Ledger) Written(s State) int64 { return l.tally.settled[s].Load() }

// Commits is the number of commits of the ledger by this process, and the time
// that they took.
func (l *Ledger) Commits() (n int64, took time.Duration) {
	return l.tally.batches.Load(), time.Duration(l.tally.nanos.Load())
}

// Sends gives the newest sends, whatever their state, at most limit of them.
func (l *Ledger) Sends(ctx context.Context, limit int) ([]Send, error) {
	list, err := l.sends(ctx, `ORDER BY started DESC, issue_id DESC`)
	return list[:min(limit, len(list))], err
}

// ByState gives the counts by state.
func (c Counts) ByState() map[State]int {
	return map[State]int{Queued: c.Queued, Offered: c.Offered, Accepted: c.Accepted, Deferred: c.Deferred, Refused: c.Refused, Doubtful: c.Doubtful, Skipped: c.Skipped}
}
