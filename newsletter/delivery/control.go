package delivery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"apta/subscribers/database"
)

// ErrState marks an action that a send's state does not allow.
var ErrState = errors.New("its state does not allow it")

// Pause stops a running send within a second: messages on their way arrive, no
// further ones are begun. why is shown to whoever asks.
func (l *Ledger) Pause(ctx context.Context, issue database.ID, why string) error {
	return l.moveSend(ctx, issue, Paused, why, Running)
}

// Resume lets a paused send go on. Its age is counted from now.
func (l *Ledger) Resume(ctx context.Context, issue database.ID) error {
	if err := l.moveSend(ctx, issue, Running, "", Paused); err != nil {
		return err
	}
	_, err := l.db.Exec(ctx, `UPDATE sends SET started = $1 WHERE issue_id = $2`, database.Millis(l.now()), issue)
	if err != nil {
		return fmt.Errorf("delivery: resume: %w", err)
	}
	return nil
}

// Cancel ends a send for good: within a second no further message is begun, and
// Sweep marks the readers who have none as skipped.
func (l *Ledger) Cancel(ctx context.Context, issue database.ID) error {
	return l.moveSend(ctx, issue, Cancelled, "", Running, Paused)
}

func (l *Ledger) moveSend(ctx context.Context, issue database.ID, to SendState, why string, from ...SendState) error {
	for _, f := range from {
		res, err := l.db.Exec(ctx, `UPDATE sends SET state = $1, why = $2 WHERE issue_id = $3 AND state = $4`, string(to), why, issue, string(f))
		if err != nil {
			return fmt.Errorf("delivery: %s: %w", to, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
	}
	s, err := l.Send(ctx, issue)
	if err != nil {
		return err
	}
	return fmt.Errorf("delivery: the send is %s: %w", s.State, ErrState)
}

// Sweep finishes a cancelled send: deliveries that wait become skipped, and
// those that were interrupted after they were offered doubtful. ended is false
// while somebody still works on a chunk.
func (l *Ledger) Sweep(ctx context.Context, issue database.ID) (ended bool, err error) {
	now := database.Millis(l.now())
	err = l.db.InTx(ctx, func(tx *sql.Tx) error {
		ended = false
		var busy int
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM chunks WHERE issue_id = $1 AND done = 0 AND owner <> '' AND ready_at > $2`, issue, now).Scan(&busy)
		if err != nil || busy > 0 {
			return err
		}
		if err := l.foldAll(ctx, tx, issue); err != nil {
			return err
		}
		for _, step := range []struct {
			query string
			args  []any
		}{
			{`UPDATE deliveries SET state = 6, until = 0, at = $1, why = 'cancelled' WHERE issue_id = $2 AND state IN (0, 3)`, []any{now, issue}},
			{`UPDATE deliveries SET state = 5, until = 0, at = $1, why = 'interrupted, then cancelled' WHERE issue_id = $2 AND (state = 1 OR state = 5 AND until > 0)`, []any{now, issue}},
			{`UPDATE chunks SET done = 1, owner = '' WHERE issue_id = $1`, []any{issue}},
			{`UPDATE sends SET ended = $1 WHERE issue_id = $2`, []any{now, issue}},
		} {
			if _, err := tx.ExecContext(ctx, step.query, step.args...); err != nil {
				return err
			}
		}
		ended = true
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("delivery: sweep: %w", err)
	}
	return ended, nil
}

// Cancelled gives the cancelled sends that are not swept yet.
func (l *Ledger) Cancelled(ctx context.Context) ([]Send, error) {
	return l.sends(ctx, `WHERE state = 'cancelled' AND ended = 0 ORDER BY started, issue_id`)
}

// RetryFailed queues the refused and the doubtful deliveries of an ended send
// once more and sets it running. It reports how many there are.
func (l *Ledger) RetryFailed(ctx context.Context, issue database.ID) (queued int, err error) {
	now := database.Millis(l.now())
	err = l.db.InTx(ctx, func(tx *sql.Tx) error {
		queued = 0
		var state string
		if err := tx.QueryRowContext(ctx, `UPDATE sends SET state = state WHERE issue_id = $1 RETURNING state`, issue).Scan(&state); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				return ErrNoSend
			}
			return err
		}
		if SendState(state) != Done {
			return fmt.Errorf("the send is %s: %w", state, ErrState)
		}
		_, err := tx.ExecContext(ctx, `UPDATE chunks SET done = 0, owner = '', ready_at = 0 WHERE issue_id = $1 AND EXISTS (
	SELECT 1 FROM deliveries d WHERE d.issue_id = $1 AND d.subscriber_id >= first_id AND d.subscriber_id <= last_id AND d.state IN (4, 5))`, issue)
		if err != nil {
			return err
		}
		// A second doubt would be the end of it again: the person who retries takes that upon them.
		res, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = 0, attempts = 0, doubts = 0, until = 0, at = $1, why = '' WHERE issue_id = $2 AND state IN (4, 5)`, now, issue)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if queued = int(n); err != nil || n == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE sends SET state = 'running', started = $1, ended = 0 WHERE issue_id = $2`, now, issue)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delivery: retry: %w", err)
	}
	return queued, nil
}
