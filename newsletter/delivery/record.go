package delivery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"apta/subscribers/database"
)

// errLeaseLost tells a worker that its chunk belongs to somebody else by now.
var errLeaseLost = errors.New("delivery: the lease was taken over")

// entry is what is to be written down about one delivery.
type entry struct {
	lease    *lease
	id       int64
	state    State
	attempts int
	doubts   int
	until    int64 // Unix milliseconds; 0 is never again by itself
	code     int
	why      string
	plan     *plan // whose count an offer adds to; nil without a warm-up
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
}

const (
	holdLease   = `UPDATE chunks SET ready_at = $1 WHERE issue_id = $2 AND first_id = $3 AND owner = $4`
	updateWhole = `UPDATE deliveries SET state = $1, attempts = $2, doubts = $3, until = $4, at = $5, code = $6, why = $7 WHERE issue_id = $8 AND subscriber_id = $9`
)

// newRecorder prepares its statements up front: inside a transaction SQLite's
// only writing connection is taken.
func newRecorder(l *Ledger, hold time.Duration, connections int, log *slog.Logger) (*recorder, error) {
	r := &recorder{ledger: l, hold: hold, log: log, notes: make(chan *note, connections), stmts: map[string]*sql.Stmt{}}
	queries := []string{holdLease, updateWhole}
	for size := 1; size <= bulk; size *= 2 {
		queries = append(queries, plainUpdate(size))
	}
	for _, q := range queries {
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
			if err := r.writeEntries(tx, batch, lost); err != nil {
				return err
			}
			return r.countOffers(tx, batch, lost)
		})
		if err == nil {
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

// writeEntries sets the states. Nearly all entries are of two plain kinds,
// offered and accepted at the first attempt: those go many to a statement.
func (r *recorder) writeEntries(tx *sql.Tx, batch []*note, lost map[*lease]bool) error {
	plain := map[plainKey][]int64{}
	now := database.Millis(r.ledger.now())
	for _, n := range batch {
		for i := range n.entries {
			e := &n.entries[i]
			if lost[e.lease] {
				continue
			}
			if e.why == "" && e.until == 0 {
				k := plainKey{e.lease.issue, e.state, e.attempts, e.doubts, e.code}
				plain[k] = append(plain[k], e.id)
				continue
			}
			_, err := r.exec(tx, updateWhole,
				int(e.state), e.attempts, e.doubts, e.until, now, e.code, e.why, int64(e.lease.issue), e.id)
			if err != nil {
				return err
			}
		}
	}
	for k, ids := range plain {
		if err := r.writePlain(tx, k, ids, now); err != nil {
			return err
		}
	}
	return nil
}

// plainKey is what deliveries have in common that one statement updates.
type plainKey struct {
	issue    database.ID
	state    State
	attempts int
	doubts   int
	code     int
}

// bulk is how many deliveries the largest statement updates. Smaller sets are
// padded to the next power of two with their last ID, so that only a few
// statements are ever prepared.
const bulk = 64

func (r *recorder) writePlain(tx *sql.Tx, k plainKey, ids []int64, now int64) error {
	for len(ids) > 0 {
		n := min(len(ids), bulk)
		size := 1
		for size < n {
			size *= 2
		}
		args := make([]any, 0, 6+size)
		args = append(args, int(k.state), k.attempts, k.doubts, now, k.code, int64(k.issue))
		for i := range size {
			args = append(args, ids[min(i, n-1)])
		}
		if _, err := r.exec(tx, plainUpdate(size), args...); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

func plainUpdate(size int) string {
	var b strings.Builder
	b.WriteString(`UPDATE deliveries SET state = $1, attempts = $2, doubts = $3, until = 0, at = $4, code = $5, why = '' WHERE issue_id = $6 AND subscriber_id IN ($7`)
	for i := 1; i < size; i++ {
		fmt.Fprintf(&b, ", $%d", 7+i)
	}
	b.WriteByte(')')
	return b.String()
}

func (r *recorder) exec(tx *sql.Tx, query string, args ...any) (sql.Result, error) {
	return tx.Stmt(r.stmts[query]).Exec(args...)
}
