package delivery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"apta/subscribers/database"
)

// errLeaseLost tells a worker that its chunk belongs to somebody else by now.
var errLeaseLost = errors.New("delivery: the lease was taken over")

// entry is what is to be written down about one delivery.
type entry struct {
	lease *lease
	mark
	plan *plan // whose count an offer adds to; nil without a warm-up
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
	ledger  *Ledger
	log     *slog.Logger
	notes   chan *note
	journal *sql.Stmt
}

// holdLease says for how long a chunk is held, by its owner only.
const holdLease = `UPDATE chunks SET ready_at = $1 WHERE issue_id = $2 AND first_id = $3 AND owner = $4`

// addJournal adds a row to the journal of a chunk, if the chunk is still held: it
// inserts nothing for one that another process has taken. A commit whose answer
// was lost with the database's connection is written again under the same number.
const addJournal = `INSERT INTO journal (issue_id, first_id, seq, entries)
SELECT issue_id, first_id, $3, $4 FROM chunks WHERE issue_id = $1 AND first_id = $2 AND owner = $5
ON CONFLICT (issue_id, first_id, seq) DO UPDATE SET entries = excluded.entries`

// addJournalShared is the same for PostgreSQL, where whoever takes the chunk over
// waits for those who write in its journal.
const addJournalShared = `INSERT INTO journal (issue_id, first_id, seq, entries)
SELECT issue_id, first_id, $3::bigint, $4::bytea FROM chunks WHERE issue_id = $1 AND first_id = $2 AND owner = $5 FOR SHARE
ON CONFLICT (issue_id, first_id, seq) DO UPDATE SET entries = excluded.entries`

// newRecorder prepares its statement up front: inside a transaction SQLite's
// only writing connection is taken.
func newRecorder(l *Ledger, connections int, log *slog.Logger) (*recorder, error) {
	query := addJournal
	if l.db.Kind() == database.PostgreSQL {
		query = addJournalShared
	}
	s, err := l.db.Writer().Prepare(query)
	if err != nil {
		return nil, fmt.Errorf("delivery: prepare: %w", err)
	}
	return &recorder{ledger: l, log: log, notes: make(chan *note, connections), journal: s}, nil
}

// commit writes the note down and returns once it is safe on disk.
func (r *recorder) commit(n *note) error {
	r.notes <- n
	return <-n.done
}

// sharedCommits is how many commits PostgreSQL has under way at once. SQLite has
// one writer.
const sharedCommits = 3

// run works until notes is closed. While the database cannot be written it
// waits, and with it every connection: no body leaves that is not written down,
// and what a relay has answered is not forgotten. Only the end of ctx, after a
// last grace, makes it give up.
func (r *recorder) run(ctx context.Context) {
	defer r.journal.Close()
	commits := 1
	if r.ledger.db.Kind() == database.PostgreSQL {
		commits = sharedCommits
	}
	var all sync.WaitGroup
	for range commits {
		all.Go(func() { r.gather(ctx) })
	}
	all.Wait()
}

// gather commits whatever notes there are, again and again.
func (r *recorder) gather(ctx context.Context) {
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
	rows := r.rows(batch)
	lost = make(map[*lease]bool, len(rows))
	var giveUp <-chan time.Time
	stopped := ctx.Done()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		began := time.Now()
		if err = r.commitRows(rows, batch, lost); err == nil {
			r.ledger.tally.wrote(batch, time.Since(began))
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

// journalRow is what one batch adds to the journal of one chunk.
type journalRow struct {
	lease   *lease
	seq     int64
	entries []byte
}

// rows makes the journal's rows of a batch.
func (r *recorder) rows(batch []*note) []journalRow {
	marks := map[*lease][]mark{}
	for _, n := range batch {
		for i := range n.entries {
			c := n.entries[i].lease
			marks[c] = append(marks[c], n.entries[i].mark)
		}
	}
	rows := make([]journalRow, 0, len(marks))
	now := database.Millis(r.ledger.now())
	for c, m := range marks {
		rows = append(rows, journalRow{c, c.seq.Add(1), appendMarks(nil, c.first, now, m)})
	}
	return rows
}

// commitRows writes the rows in one transaction and finds the chunks that were lost.
func (r *recorder) commitRows(rows []journalRow, batch []*note, lost map[*lease]bool) error {
	clear(lost)
	if len(rows) == 1 && !planned(batch) {
		return r.add(r.journal, &rows[0], lost) // a transaction by itself
	}
	return r.ledger.db.InTx(context.Background(), func(tx *sql.Tx) error {
		clear(lost)
		for i := range rows {
			if err := r.add(tx.Stmt(r.journal), &rows[i], lost); err != nil {
				return err
			}
		}
		return r.countOffers(tx, batch, lost)
	})
}

func (r *recorder) add(journal *sql.Stmt, row *journalRow, lost map[*lease]bool) error {
	c := row.lease
	held, err := exactlyOne(journal.Exec(int64(c.issue), c.first, row.seq, row.entries, c.owner))
	lost[c] = !held
	return err
}
