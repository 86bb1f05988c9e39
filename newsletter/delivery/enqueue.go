package delivery

import (
	"context"
	"database/sql"
	"fmt"

	"apta/subscribers"
	"apta/subscribers/database"
)

// enqueueBatch is how many readers one transaction enqueues. Others can write
// between two batches, and a crash loses at most one.
const enqueueBatch = 20_000

// chunkSize is how many deliveries one lease covers: large enough that taking a
// chunk costs nothing per reader, small enough that several processes share the
// end of a send evenly.
const chunkSize = 1_000

// enqueued is the value of enqueued_to once every reader has a row. IDs are
// positive, so no reader comes after it.
const enqueued = 1<<63 - 1

// Enqueue gives every active reader of the newsletter a queued delivery of the
// issue, or of the one in their language where the week's readers are shared out,
// but for those whose turn is in another week: they asked for every nth. It may be
// stopped at any moment and called again: a reader is enqueued once, for one
// issue. progress is told the number enqueued so far by this call.
func (l *Ledger) Enqueue(ctx context.Context, issue database.ID, progress func(int)) error {
	total := 0
	for {
		n, more, err := l.enqueueSome(ctx, issue)
		if err != nil {
			return fmt.Errorf("delivery: enqueue: %w", err)
		}
		total += n
		if progress != nil {
			progress(total)
		}
		if !more {
			return nil
		}
	}
}

func (l *Ledger) enqueueSome(ctx context.Context, issue database.ID) (n int, more bool, err error) {
	err = l.db.InTx(ctx, func(tx *sql.Tx) error {
		n, more = 0, false
		sh, err := sharingOf(ctx, tx, issue)
		if err != nil || sh.after == enqueued {
			return err
		}
		week := subscribers.Week(database.FromMillis(sh.started)) // the same however long enqueuing takes
		chunks, last, count, err := sh.chunks(ctx, tx, week)
		if err != nil {
			return err
		}
		// One statement for all languages, so that it sees each reader once, whatever
		// they are choosing at this moment.
		whose, args := sh.issueOf([]any{database.Millis(l.now()), sh.after, last, week, sh.newsletter})
		_, err = tx.ExecContext(ctx, `
INSERT INTO deliveries (issue_id, subscriber_id, state, attempts, doubts, until, at, code, why)
SELECT `+whose+`, id, 0, 0, 0, 0, $1, 0, '' FROM subscribers
WHERE id > $2 AND id <= $3 AND newsletter = $5 AND status = 'active' AND (every_weeks = 1 OR ($4 - from_week) % every_weeks = 0) ORDER BY id
ON CONFLICT DO NOTHING`, args...)
		if err != nil {
			return err
		}
		for _, c := range chunks {
			_, err := tx.ExecContext(ctx, `INSERT INTO chunks (issue_id, first_id, last_id, owner, ready_at, done) VALUES ($1, $2, $3, '', 0, 0) ON CONFLICT DO NOTHING`,
				c.issue, c.first, c.last)
			if err != nil {
				return err
			}
		}
		n, more = count, count == enqueueBatch
		if !more {
			last = enqueued
		}
		_, err = tx.ExecContext(ctx, `UPDATE sends SET enqueued_to = $1 WHERE lead = $2`, last, sh.group[0].id)
		return err
	})
	return n, more, err
}

// span is a chunk to be: the readers between two IDs, both included.
type span struct {
	issue       database.ID
	first, last int64
}

// chunks cuts the next batch of readers into chunks, those of each issue by
// themselves. They leave no gap, so that who comes back, or chooses another
// language, while this is done is in one of them too.
func (sh *sharing) chunks(ctx context.Context, tx *sql.Tx, week int64) (all []span, last int64, count int, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, language FROM subscribers
WHERE id > $1 AND newsletter = $4 AND status = 'active' AND (every_weeks = 1 OR ($3 - from_week) % every_weeks = 0) ORDER BY id LIMIT $2`, sh.after, enqueueBatch, week, sh.newsletter)
	if err != nil {
		return nil, 0, 0, err
	}
	defer rows.Close()
	open := make([]span, len(sh.group)) // the one that each issue's readers go into
	for i, s := range sh.group {
		open[i] = span{s.id, sh.after + 1, sh.after}
	}
	readers := make([]int, len(open))
	last = sh.after
	var language string
	for rows.Next() {
		if err := rows.Scan(&last, &language); err != nil {
			return nil, 0, 0, err
		}
		i := 0
		if len(sh.group) > 1 {
			i = sh.of(language)
		}
		if readers[i] == chunkSize {
			open[i].last = last - 1
			all, open[i].first, readers[i] = append(all, open[i]), last, 0
		}
		readers[i]++
		count++
	}
	for i := range open {
		if open[i].last = last; count > 0 {
			all = append(all, open[i])
		}
	}
	return all, last, count, rows.Err()
}
