package delivery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
)

// lease is a chunk while this process works on it.
type lease struct {
	issue       database.ID
	first, last int64
	owner       string // differs with every claim, so a lease lost and taken again is not mistaken for the old one

	seq  atomic.Int64 // of the last journal row
	open atomic.Int64 // deliveries handed out and not settled, plus one while more are being read
}

// due is one delivery to be made now, with what is known of the reader at this
// moment: someone who left since the send began gets nothing.
type due struct {
	lease      *lease
	id         int64
	state      State
	attempts   int
	doubts     int
	email      string
	name       string
	status     string
	generation int
	variant    string // of the issue that the reader wants

	read   time.Time // when the reader was looked up
	handed int       // how often a connection gave it back
}

// claim takes the next chunk of an issue that nobody works on. found is false
// where there is none at this moment.
func (l *Ledger) claim(ctx context.Context, issue database.ID, owner string, hold time.Duration) (c *lease, found bool, err error) {
	now := l.now()
	c = &lease{issue: issue, owner: owner}
	err = l.db.InTx(ctx, func(tx *sql.Tx) error {
		// What makes a chunk free is said twice: on PostgreSQL the inner query may
		// have seen it before another process took it.
		err := tx.QueryRowContext(ctx, `
UPDATE chunks SET owner = $1, ready_at = $2
WHERE issue_id = $3 AND done = 0 AND ready_at <= $4 AND first_id =
	(SELECT first_id FROM chunks WHERE issue_id = $3 AND done = 0 AND ready_at <= $4 ORDER BY first_id LIMIT 1)
RETURNING first_id, last_id`, owner, database.Millis(now.Add(hold)), issue, database.Millis(now)).Scan(&c.first, &c.last)
		if err != nil {
			return err
		}
		// What the owner before was doing when it ended is in the journal.
		return l.fold(ctx, tx, issue, c.first, c.last)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("delivery: claim: %w", err)
	}
	c.open.Store(1)
	return c, true, nil
}

// load reads the deliveries of a chunk that are to be made now, after an ID, at
// most limit of them.
func (l *Ledger) load(ctx context.Context, c *lease, after int64, limit int) ([]due, error) {
	rows, err := l.db.Query(ctx, `
SELECT d.subscriber_id, d.state, d.attempts, d.doubts, coalesce(s.email, ''), coalesce(s.name, ''), coalesce(s.status, 'erased'), coalesce(s.generation, 0),
	coalesce(s.format, ''), coalesce(s.topics, '')
FROM deliveries d LEFT JOIN subscribers s ON s.id = d.subscriber_id
WHERE d.issue_id = $1 AND d.subscriber_id > $2 AND d.subscriber_id <= $3
	AND (d.state IN (0, 1) OR d.state IN (3, 5) AND d.until > 0 AND d.until <= $4)
ORDER BY d.subscriber_id LIMIT $5`, c.issue, after, c.last, database.Millis(l.now()), limit)
	if err != nil {
		return nil, fmt.Errorf("delivery: load: %w", err)
	}
	defer rows.Close()
	list := make([]due, 0, limit)
	for rows.Next() {
		d := due{lease: c}
		var format, topics string
		if err := rows.Scan(&d.id, &d.state, &d.attempts, &d.doubts, &d.email, &d.name, &d.status, &d.generation, &format, &topics); err != nil {
			return nil, fmt.Errorf("delivery: load: %w", err)
		}
		d.variant = subscribers.VariantKey(format, topics)
		list = append(list, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("delivery: load: %w", err)
	}
	return list, nil
}

// release gives a chunk back: as done, as waiting for its first deferred
// delivery, or, when work on it was broken off, as free at once.
func (l *Ledger) release(ctx context.Context, c *lease) error {
	err := l.db.InTx(ctx, func(tx *sql.Tx) error {
		held, err := exactlyOne(tx.ExecContext(ctx, `UPDATE chunks SET owner = '' WHERE issue_id = $1 AND first_id = $2 AND owner = $3`, c.issue, c.first, c.owner))
		if err != nil || !held {
			return err // taken over: its journal is another's by now
		}
		if err := l.fold(ctx, tx, c.issue, c.first, c.last); err != nil {
			return err
		}
		var now, waiting, until int64
		err = tx.QueryRowContext(ctx, `
SELECT coalesce(sum(CASE WHEN state IN (0, 1) THEN 1 ELSE 0 END), 0),
	coalesce(sum(CASE WHEN state IN (3, 5) AND until > 0 THEN 1 ELSE 0 END), 0),
	coalesce(min(CASE WHEN state IN (3, 5) AND until > 0 THEN until END), 0)
FROM deliveries WHERE issue_id = $1 AND subscriber_id >= $2 AND subscriber_id <= $3`, c.issue, c.first, c.last).Scan(&now, &waiting, &until)
		if err != nil {
			return err
		}
		done := 0
		switch {
		case now > 0:
			until = 0
		case waiting == 0:
			done = 1
		}
		_, err = tx.ExecContext(ctx, `UPDATE chunks SET ready_at = $1, done = $2 WHERE issue_id = $3 AND first_id = $4`, until, done, c.issue, c.first)
		return err
	})
	if err != nil {
		return fmt.Errorf("delivery: release: %w", err)
	}
	return nil
}

// extend holds on to a chunk for longer; held is false where it was lost.
func (l *Ledger) extend(ctx context.Context, c *lease, hold time.Duration) (held bool, err error) {
	held, err = exactlyOne(l.db.Exec(ctx, holdLease, database.Millis(l.now().Add(hold)), c.issue, c.first, c.owner))
	if err != nil {
		return false, fmt.Errorf("delivery: extend: %w", err)
	}
	return held, nil
}

// exactlyOne reports whether a statement changed one row.
func exactlyOne(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

const allDone = `enqueued_to = $1 AND NOT EXISTS (SELECT 1 FROM chunks WHERE chunks.issue_id = sends.issue_id AND done = 0)`

// complete reports whether every delivery of a running send is settled.
func (l *Ledger) complete(ctx context.Context, issue database.ID) (bool, error) {
	var n int
	err := l.db.QueryRow(ctx, `SELECT count(*) FROM sends WHERE issue_id = $2 AND state = 'running' AND `+allDone, int64(enqueued), issue).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("delivery: complete: %w", err)
	}
	return n == 1, nil
}

// finish ends a complete send.
func (l *Ledger) finish(ctx context.Context, issue database.ID) error {
	_, err := l.db.Exec(ctx, `UPDATE sends SET state = 'done', ended = $2 WHERE issue_id = $3 AND state = 'running' AND `+allDone,
		int64(enqueued), database.Millis(l.now()), issue)
	if err != nil {
		return fmt.Errorf("delivery: finish: %w", err)
	}
	return nil
}
