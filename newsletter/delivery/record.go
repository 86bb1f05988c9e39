package delivery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"apta/subscribers/database"
)

// errLeaseLost tells a worker that its chunk belongs to somebody else by now.
var errLeaseLost = errors.New("delivery: the lease was taken over")

// entry is what is to be written down about one delivery.
type entry struct {
	lease *lease
	mark
}

// note is what one connection wants written down at once: how its last message
// ended and which it is about to offer.
type note struct {
	entries []entry
	done    chan error
}

// recorder commits the notes of all connections together: while one commit
// waits for the disk, the next gathers.
type recorder struct {
	ledger *Ledger
	hold   time.Duration
	log    *slog.Logger
	notes  chan *note
	stmts  map[string]*sql.Stmt
	marks  []mark // of the chunk being written, kept for its memory
}

const (
	holdLease  = `UPDATE chunks SET ready_at = $1 WHERE issue_id = $2 AND first_id = $3 AND owner = $4`
	addJournal = `INSERT INTO journal (issue_id, first_id, seq, entries) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
)

// newRecorder prepares its statements up front: inside a transaction SQLite's
// only writing connection is taken.
func newRecorder(l *Ledger, hold time.Duration, connections int, log *slog.Logger) (*recorder, error) {
	r := &recorder{ledger: l, hold: hold, log: log, notes: make(chan *note, connections), stmts: map[string]*sql.Stmt{}}
	for _, q := range []string{holdLease, addJournal} {
		s, err := l.db.Writer().Prepare(q)
		if err != nil {
			r.close()
			return nil, fmt.Errorf("delivery: prepare: %w", err)
		}
		r.stmts[q] = s
	}
	return r, nil
}

func (r *recorder) close() {
	for _, s := range r.stmts {
		s.Close()
	}
}

// commit writes the note down and returns once it is safe on disk.
func (r *recorder) commit(n *note) error {
	r.notes <- n
	return <-n.done
}

// run works until notes is closed. While the database cannot be written it
// waits, and with it every connection: no body leaves that is not written down,
// and what a relay has answered is not forgotten. Only the end of ctx, after a
// last grace, makes it give up.
func (r *recorder) run(ctx context.Context) {
	defer r.close()
	batch := make([]*note, 0, cap(r.notes))
	for n := range r.notes {
		batch = append(batch[:0], n)
		// Let the connections that are about to speak do so: a commit costs the disk
		// as much for one note as for many.
		for range 4 {
			runtime.Gosched()
		}
	gather:
		for len(batch) < cap(batch) {
			select {
			case more, open := <-r.notes:
				if !open {
					break gather
				}
				batch = append(batch, more)
			default:
				break gather
			}
		}
		r.write(ctx, batch)
	}
}

// write commits a batch and answers every note in it.
func (r *recorder) write(ctx context.Context, batch []*note) {
	lost, err := r.persist(ctx, batch)
	for _, n := range batch {
		switch {
		case err != nil:
			n.done <- fmt.Errorf("delivery: record: %w", err)
		case anyLost(n, lost):
			n.done <- errLeaseLost
		default:
			n.done <- nil
		}
	}
}

// grace is how long a recorder goes on trying after it was told to stop.
const grace = 5 * time.Second

// persist commits a batch, however long that takes.
func (r *recorder) persist(ctx context.Context, batch []*note) (lost map[*lease]bool, err error) {
	lost = map[*lease]bool{}
	var giveUp <-chan time.Time
	stopped := ctx.Done()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err = r.ledger.db.InTx(context.Background(), func(tx *sql.Tx) error {
			clear(lost)
			if err := r.holdLeases(tx, batch, lost); err != nil {
				return err
			}
			return r.writeEntries(tx, batch, lost)
		})
		if err == nil {
			for c := range lost {
				c.seq++
			}
			return lost, nil
		}
		r.log.Error("the ledger cannot be written; sending waits until it can", "err", err)
		select {
		case <-time.After(wait):
		case <-stopped:
			stopped, giveUp = nil, time.After(grace)
		case <-giveUp:
			return nil, err
		}
	}
}

func anyLost(n *note, lost map[*lease]bool) bool {
	for i := range n.entries {
		if lost[n.entries[i].lease] {
			return true
		}
	}
	return false
}

// holdLeases extends every lease of the batch and finds those that were lost.
// It runs inside the commit, so nothing is written for a chunk that another
// process has taken.
func (r *recorder) holdLeases(tx *sql.Tx, batch []*note, lost map[*lease]bool) error {
	until := database.Millis(r.ledger.now().Add(r.hold))
	for _, n := range batch {
		for i := range n.entries {
			c := n.entries[i].lease
			if _, seen := lost[c]; seen {
				continue
			}
			res, err := r.exec(tx, holdLease, until, int64(c.issue), c.first, c.owner)
			if err != nil {
				return err
			}
			held, err := res.RowsAffected()
			if err != nil {
				return err
			}
			lost[c] = held == 0
		}
	}
	return nil
}

// writeEntries adds a row to the journal of each chunk that the batch is about.
// A commit whose answer was lost with the database's connection is written
// again under the same number, and is there once.
func (r *recorder) writeEntries(tx *sql.Tx, batch []*note, lost map[*lease]bool) error {
	now := database.Millis(r.ledger.now())
	for c, gone := range lost {
		if gone {
			continue
		}
		r.marks = r.marks[:0]
		for _, n := range batch {
			for i := range n.entries {
				if e := &n.entries[i]; e.lease == c {
					r.marks = append(r.marks, e.mark)
				}
			}
		}
		if _, err := r.exec(tx, addJournal, int64(c.issue), c.first, c.seq, appendMarks(nil, c.first, now, r.marks)); err != nil {
			return err
		}
	}
	return nil
}

func (r *recorder) exec(tx *sql.Tx, query string, args ...any) (sql.Result, error) {
	return tx.Stmt(r.stmts[query]).Exec(args...)
}
