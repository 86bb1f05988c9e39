package delivery

import (
	"context"
	"database/sql"
	"errors"
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

// Start begins the send of an issue, or finds it begun already.
func (l *Ledger) Start(ctx context.Context, issue database.ID) error {
	_, err := l.db.Exec(ctx, `INSERT INTO sends (issue_id, state, why, started, ended, enqueued_to) VALUES ($1, 'running', '', $2, 0, 0) ON CONFLICT DO NOTHING`,
		issue, database.Millis(l.now()))
	if err != nil {
		return fmt.Errorf("delivery: start: %w", err)
	}
	return nil
}

// enqueued is the value of enqueued_to once every reader has a row. IDs are
// positive, so no reader comes after it.
const enqueued = 1<<63 - 1

// Enqueue gives every active subscriber a queued delivery of the issue, but for
// those whose turn is in another week: they asked for every nth. It may be stopped at any moment and called again: a reader is enqueued once. progress
// is told the number enqueued so far by this call.
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
		var after, started int64
		// The no-op update locks the row on PostgreSQL, where two processes may
		// enqueue one issue; on SQLite the transaction is alone anyway.
		err := tx.QueryRowContext(ctx, `UPDATE sends SET state = state WHERE issue_id = $1 RETURNING enqueued_to, started`, issue).Scan(&after, &started)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoSend
		}
		if err != nil || after == enqueued {
			return err
		}
		week := subscribers.Week(database.FromMillis(started)) // the same however long enqueuing takes
		bounds, last, count, err := chunkBounds(ctx, tx, after, week)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
INSERT INTO deliveries (issue_id, subscriber_id, state, attempts, doubts, until, at, code, why)
SELECT $1, id, 0, 0, 0, 0, $2, 0, '' FROM subscribers WHERE id > $3 AND id <= $4 AND status = 'active' AND (every_weeks = 1 OR ($5 - from_week) % every_weeks = 0) ORDER BY id
ON CONFLICT DO NOTHING`, issue, database.Millis(l.now()), after, last, week)
		if err != nil {
			return err
		}
		for _, b := range bounds {
			_, err := tx.ExecContext(ctx, `INSERT INTO chunks (issue_id, first_id, last_id, owner, ready_at, done) VALUES ($1, $2, $3, '', 0, 0) ON CONFLICT DO NOTHING`,
				issue, b[0], b[1])
			if err != nil {
				return err
			}
		}
		n, more = count, count == enqueueBatch
		if !more {
			last = enqueued
		}
		_, err = tx.ExecContext(ctx, `UPDATE sends SET enqueued_to = $1 WHERE issue_id = $2`, last, issue)
		return err
	})
	return n, more, err
}

// chunkBounds cuts the next batch of readers after an ID into chunks.
func chunkBounds(ctx context.Context, tx *sql.Tx, after, week int64) (bounds [][2]int64, last int64, count int, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id FROM subscribers WHERE id > $1 AND status = 'active' AND (every_weeks = 1 OR ($3 - from_week) % every_weeks = 0) ORDER BY id LIMIT $2`, after, enqueueBatch, week)
	if err != nil {
		return nil, 0, 0, err
	}
	defer rows.Close()
	last = after
	for rows.Next() {
		if err := rows.Scan(&last); err != nil {
			return nil, 0, 0, err
		}
		if count%chunkSize == 0 {
			bounds = append(bounds, [2]int64{last, last})
		}
		bounds[len(bounds)-1][1] = last
		count++
	}
	return bounds, last, count, rows.Err()
}
