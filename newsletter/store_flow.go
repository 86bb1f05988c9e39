package newsletter

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// Approval is what approving leaves with an issue.
type Approval struct {
	Editions map[string][]byte // the frozen messages, one a variant
	By       string            // who approved it, as people know them
	SendsAt  time.Time         // when it goes out by itself; zero where a person is to send it
}

// Approve freezes an issue as it was seen and moves it from Draft or Held to
// Approved, in one transaction. Where somebody has saved other words in the
// meantime, ErrStatus comes back: nobody approves what they have not seen. also
// is done in the same transaction.
func (s *Store) Approve(ctx context.Context, seen Issue, a Approval, also ...func(*sql.Tx) error) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		err := changeOne(ctx, tx, seen.ID, []Status{Draft, Held}, `
UPDATE issues SET status = 'approved', note = '', approved_by = $1, sends_at = $2, cut_off = 0
WHERE id = $3 AND revision = $4 AND status IN ('draft', 'held')`, a.By, millis(a.SendsAt), seen.ID, seen.Revision)
		if err != nil {
			return err
		}
		// Those of an approval before would be of other words.
		if _, err := tx.ExecContext(ctx, `DELETE FROM editions WHERE issue_id = $1`, seen.ID); err != nil {
			return err
		}
		for variant, message := range a.Editions {
			_, err := tx.ExecContext(ctx, `INSERT INTO editions (issue_id, variant, created, message) VALUES ($1, $2, $3, $4)`,
				seen.ID, variant, database.Millis(s.now()), message)
			if err != nil {
				return err
			}
		}
		return inTurn(tx, also)
	})
	if err != nil {
		return fmt.Errorf("newsletter: approve issue %s: %w", seen.ID, err)
	}
	return nil
}

// Turn moves an issue that stands exactly as it was seen: in the same status, by
// the same approval, before the same cut-off. Of two who saw the same, one wins;
// the other gets ErrStatus. An issue that turns back to Draft or Held forgets its
// approval and its cut-off, and has no edition. also is done in the same transaction.
func (s *Store) Turn(ctx context.Context, seen Issue, to Status, note string, also ...func(*sql.Tx) error) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		err := changeOne(ctx, tx, seen.ID, []Status{seen.Status}, `
UPDATE issues SET status = $1, note = $2 WHERE id = $3 AND status = $4 AND sends_at = $5 AND cut_off = $6`,
			string(to), note, seen.ID, string(seen.Status), millis(seen.SendsAt), millis(seen.CutOff))
		if err == nil && (to == Draft || to == Held) {
			err = forgetApproval(ctx, tx, seen.ID)
		}
		if err != nil {
			return err
		}
		return inTurn(tx, also)
	})
	if err != nil {
		return fmt.Errorf("newsletter: issue %s: %w", seen.ID, err)
	}
	return nil
}

func forgetApproval(ctx context.Context, tx *sql.Tx, id database.ID) error {
	if _, err := tx.ExecContext(ctx, `UPDATE issues SET approved_by = '', sends_at = 0, cut_off = 0 WHERE id = $1`, id); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM editions WHERE issue_id = $1`, id)
	return err
}

// changeOne carries out an update of one issue; where it changed none, the error
// says how the issue stands.
func changeOne(ctx context.Context, tx *sql.Tx, id database.ID, from []Status, update string, args ...any) error {
	res, err := tx.ExecContext(ctx, update, args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	var now string
	err = tx.QueryRowContext(ctx, `SELECT status FROM issues WHERE id = $1`, id).Scan(&now)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	return notFrom(Status(now), from)
}

// DraftCutOff gives a draft the moment at which the policy decides, unless it has
// one or is no draft any more; set says whether it did.
func (s *Store) DraftCutOff(ctx context.Context, tx *sql.Tx, id database.ID, at time.Time) (set bool, err error) {
	res, err := tx.ExecContext(ctx, `UPDATE issues SET cut_off = $1 WHERE id = $2 AND status = 'draft' AND cut_off = 0`, millis(at), id)
	if err != nil {
		return false, fmt.Errorf("newsletter: cut-off of issue %s: %w", id, err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// Unreported gives the sent issues whose report the editors do not have yet.
func (s *Store) Unreported(ctx context.Context, newsletter string) ([]Issue, error) {
	return s.issues(ctx, selectIssue+`WHERE newsletter = $1 AND status = 'sent' AND reported = 0 ORDER BY id`, newsletter)
}

// Reported notes that the editors have an issue's report; also is done in the
// same transaction, by the first of several who find it missing.
func (s *Store) Reported(ctx context.Context, id database.ID, also ...func(*sql.Tx) error) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE issues SET reported = 1 WHERE id = $1 AND reported = 0`, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return inTurn(tx, also)
	})
	if err != nil {
		return fmt.Errorf("newsletter: report of issue %s: %w", id, err)
	}
	return nil
}

// Skip is a week or a span of days on which there is to be no issue.
type Skip struct {
	Span string // 2026-W52, 2026-12-25 or 2026-12-24..2027-01-05
	Why  string
}

// Skips gives the skips stored for a newsletter, in the order of their spans.
func (s *Store) Skips(ctx context.Context, newsletter string) (list []Skip, err error) {
	rows, err := s.db.Query(ctx, `SELECT span, why FROM skips WHERE newsletter = $1 ORDER BY span`, newsletter)
	if err != nil {
		return nil, fmt.Errorf("newsletter: skips: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var skip Skip
		if err := rows.Scan(&skip.Span, &skip.Why); err != nil {
			return nil, fmt.Errorf("newsletter: skips: %w", err)
		}
		list = append(list, skip)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("newsletter: skips: %w", err)
	}
	return list, nil
}

// AddSkip stores a skip; one that is there gets the new reason.
func (s *Store) AddSkip(ctx context.Context, newsletter string, skip Skip) error {
	_, err := s.db.Exec(ctx, `INSERT INTO skips (newsletter, span, why, at) VALUES ($1, $2, $3, $4) ON CONFLICT (newsletter, span) DO UPDATE SET why = excluded.why`,
		newsletter, skip.Span, skip.Why, database.Millis(s.now()))
	if err != nil {
		return fmt.Errorf("newsletter: skip %s: %w", skip.Span, err)
	}
	return nil
}

// RemoveSkip takes a stored skip back, or gives ErrNotFound.
func (s *Store) RemoveSkip(ctx context.Context, newsletter, span string) error {
	res, err := s.db.Exec(ctx, `DELETE FROM skips WHERE newsletter = $1 AND span = $2`, newsletter, span)
	if err == nil {
		var n int64
		if n, err = res.RowsAffected(); err == nil && n == 0 {
			err = ErrNotFound
		}
	}
	if err != nil {
		return fmt.Errorf("newsletter: unskip %s: %w", span, err)
	}
	return nil
}

// millis is database.Millis with 0 for no time at all.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return database.Millis(t)
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return database.FromMillis(ms)
}
