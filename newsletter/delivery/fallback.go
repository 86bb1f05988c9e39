package delivery

import (
	"context"
	"database/sql"
	"fmt"

	"apta/subscribers/database"
)

// FallBack moves the readers of an issue whose send waits to the lead of their
// week, which must have been sent or wait too: while it is on its way its chunks
// are somebody's. The issue has no send afterwards and will have none.
func (l *Ledger) FallBack(ctx context.Context, issue database.ID) (readers int, lead database.ID, err error) {
	now := database.Millis(l.now())
	err = l.db.InTx(ctx, func(tx *sql.Tx) error {
		sh, err := sharingOf(ctx, tx, issue)
		if err != nil {
			return err
		}
		lead = sh.group[0].id
		was, err := fallible(ctx, tx, &sh, issue)
		if err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `
INSERT INTO deliveries (issue_id, subscriber_id, state, attempts, doubts, until, at, code, why)
SELECT $1, subscriber_id, 0, 0, 0, 0, $2, 0, '' FROM deliveries WHERE issue_id = $3 ON CONFLICT DO NOTHING`, lead, now, issue)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if readers = int(n); err != nil {
			return err
		}
		for _, step := range []struct {
			query string
			args  []any
		}{
			{`DELETE FROM deliveries WHERE issue_id = $1`, []any{issue}},
			{`DELETE FROM chunks WHERE issue_id = $1`, []any{issue}},
			{`DELETE FROM sends WHERE issue_id = $1`, []any{issue}},
			// The lead's chunks leave no gap, so each reader falls into one of them.
			{`UPDATE chunks SET done = 0, owner = '', ready_at = 0 WHERE issue_id = $1 AND EXISTS (
	SELECT 1 FROM deliveries d WHERE d.issue_id = $1 AND d.subscriber_id >= first_id AND d.subscriber_id <= last_id AND d.state = 0)`, []any{lead}},
		} {
			if _, err := tx.ExecContext(ctx, step.query, step.args...); err != nil {
				return err
			}
		}
		if was == Done && readers > 0 {
			_, err = tx.ExecContext(ctx, `UPDATE sends SET state = 'running', started = $1, ended = 0 WHERE issue_id = $2`, now, lead)
		}
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("delivery: fall back: %w", err)
	}
	return readers, lead, nil
}

// fallible gives the state of the lead's send where an issue's readers may be
// moved to it, and says why not otherwise.
func fallible(ctx context.Context, tx *sql.Tx, sh *sharing, issue database.ID) (lead SendState, err error) {
	var own SendState
	for id, into := range map[database.ID]*SendState{issue: &own, sh.group[0].id: &lead} {
		if err := tx.QueryRowContext(ctx, `SELECT state FROM sends WHERE issue_id = $1`, id).Scan(into); err != nil {
			return lead, err
		}
	}
	switch {
	case issue == sh.group[0].id:
		return lead, fmt.Errorf("it is the main issue of its week itself: %w", ErrState)
	case own != Waiting:
		return lead, fmt.Errorf("its send is %s: %w", own, ErrState)
	case sh.after != enqueued:
		return lead, fmt.Errorf("the week's readers are still being shared out; try again in a moment: %w", ErrState)
	case lead != Waiting && lead != Done:
		return lead, fmt.Errorf("the main issue's send is %s; wait until it is done: %w", lead, ErrState)
	}
	return lead, nil
}
