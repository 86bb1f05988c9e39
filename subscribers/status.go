package subscribers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// Status says whether a subscriber is sent anything.
type Status string

// Only active subscribers are sent issues.
const (
	Pending      Status = "pending" // asked for it, not confirmed yet
	Active       Status = "active"
	Paused       Status = "paused" // wants nothing for a while
	Unsubscribed Status = "unsubscribed"
	Bounced      Status = "bounced"    // the address takes no mail
	Complained   Status = "complained" // called a mail spam
	Suppressed   Status = "suppressed" // on the list of addresses never to be mailed
	Erased       Status = "erased"     // had everything about them deleted; never stored
)

// Statuses are those that a subscriber may have.
func Statuses() []Status {
	return []Status{Pending, Active, Paused, Unsubscribed, Bounced, Complained, Suppressed}
}

// gone reports whether nobody but the subscriber may bring them back.
func (s Status) gone() bool {
	return s == Unsubscribed || s == Bounced || s == Complained || s == Suppressed || s == Erased
}

// SetStatus changes a subscriber's status and writes down why. It reports
// whether anything changed: who is suppressed stays so, who complained is not
// made one who merely left, nor who left one whose address merely bounced.
// ErrNotFound where there is no such subscriber. Those to be Erased or
// Suppressed are so by Erase and Suppress.
func (s *Store) SetStatus(ctx context.Context, id database.ID, to Status, c Consent) (changed bool, err error) {
	if to == Erased || to == Suppressed {
		return false, fmt.Errorf("subscribers: %s is not a status to be set", to)
	}
	err = s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
		if changed, err = s.change(ctx, tx, id, to, time.Time{}, c); err == nil && changed && to == Active {
			err = s.told(ctx, tx, id, to, c.Source)
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("subscribers: make %s %s: %w", id, to, err)
	}
	return changed, nil
}

// change is SetStatus inside a transaction, to any status; until is when one who
// is paused comes back by themselves. What they asked for before is settled by it.
func (s *Store) change(ctx context.Context, tx *sql.Tx, id database.ID, to Status, until time.Time, c Consent) (bool, error) {
	res, err := tx.ExecContext(ctx, `
UPDATE subscribers SET status = $1, updated = $2, paused_until = $4
WHERE id = $3 AND (status <> $1 OR paused_until <> $4) AND status <> 'suppressed'
	AND NOT (status = 'complained' AND $1 IN ('unsubscribed', 'bounced'))
	AND NOT (status = 'unsubscribed' AND $1 = 'bounced')`, string(to), database.Millis(s.now()), id, untilMillis(until))
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, err
	}
	if n == 0 {
		if err := tx.QueryRowContext(ctx, `SELECT 1 FROM subscribers WHERE id = $1`, id).Scan(new(int)); errors.Is(err, sql.ErrNoRows) {
			return false, ErrNotFound
		} else if err != nil {
			return false, err
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM applications WHERE subscriber_id = $1`, id); err != nil || n == 0 {
		return false, err
	}
	if err := s.log(ctx, tx, id, string(to), c); err != nil || to == Active { // who ends a pause is no newcomer
		return true, err
	}
	return true, s.told(ctx, tx, id, to, c.Source)
}

// untilMillis stores the end of a pause; 0 is none.
func untilMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return database.Millis(t)
}

// Unsubscribe takes a subscriber off every further issue and writes down that
// they left. Doing it twice changes nothing.
func (s *Store) Unsubscribe(ctx context.Context, id database.ID, source string) error {
	_, err := s.SetStatus(ctx, id, Unsubscribed, Consent{Source: source})
	return err
}

// Resubscribe brings back a subscriber who asked for it themselves.
func (s *Store) Resubscribe(ctx context.Context, id database.ID, source string) error {
	_, err := s.SetStatus(ctx, id, Active, Consent{Source: source})
	return err
}

// ErrNotActive marks a pause of one who is sent nothing anyhow.
var ErrNotActive = errors.New("only who is subscribed can pause")

// Pause sends a subscriber nothing until a moment, or until they Resume where it
// is zero. ErrNotActive where they are neither active nor paused already.
func (s *Store) Pause(ctx context.Context, id database.ID, until time.Time, c Consent) error {
	return s.whileSubscribed(ctx, "pause", id, Paused, until, c)
}

// Resume ends a pause. ErrNotActive where the subscriber has left.
func (s *Store) Resume(ctx context.Context, id database.ID, c Consent) error {
	return s.whileSubscribed(ctx, "resume", id, Active, time.Time{}, c)
}

func (s *Store) whileSubscribed(ctx context.Context, what string, id database.ID, to Status, until time.Time, c Consent) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		// The no-op update locks the row, so that nobody leaves in between.
		var status Status
		err := tx.QueryRowContext(ctx, `UPDATE subscribers SET status = status WHERE id = $1 RETURNING status`, id).Scan(&status)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		if status != Active && status != Paused {
			return ErrNotActive
		}
		_, err = s.change(ctx, tx, id, to, until, c)
		return err
	})
	if err != nil {
		return fmt.Errorf("subscribers: %s %s: %w", what, id, err)
	}
	return nil
}

// RevokeLinks makes every link that was ever sent to a subscriber invalid.
// Mails sent from now on carry new ones.
func (s *Store) RevokeLinks(ctx context.Context, id database.ID) error {
	_, err := s.db.Exec(ctx, `UPDATE subscribers SET generation = generation + 1, updated = $1 WHERE id = $2`, database.Millis(s.now()), id)
	if err != nil {
		return fmt.Errorf("subscribers: revoke links of %s: %w", id, err)
	}
	return nil
}
