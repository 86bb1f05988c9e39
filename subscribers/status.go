package subscribers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

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
	Erased       Status = "erased"     // had everything about them deleted; final
)

// gone reports whether nobody but the subscriber may bring them back.
func (s Status) gone() bool {
	return s == Unsubscribed || s == Bounced || s == Complained || s == Erased
}

// Consent is the evidence for an entry of the consent log.
type Consent struct {
	Source  string // by which way it came, such as "one-click" or "import readers.csv"
	Network string // from which network, such as 192.0.2.0/24; empty where there is none
	Wording string // the words agreed to, as they were shown; empty where there were none
}

const insertConsent = `INSERT INTO consents (id, subscriber_id, at, what, source, network, wording) VALUES ($1, $2, $3, $4, $5, $6, $7)`

// SetStatus changes a subscriber's status and writes down why. It reports
// whether anything changed: who is erased stays so, who complained is not made
// one who merely left, nor who left one whose address merely bounced.
// ErrNotFound where there is no such subscriber.
func (s *Store) SetStatus(ctx context.Context, id database.ID, to Status, c Consent) (changed bool, err error) {
	err = s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
		changed, err = s.change(ctx, tx, id, to, c)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("subscribers: make %s %s: %w", id, to, err)
	}
	return changed, nil
}

func (s *Store) change(ctx context.Context, tx *sql.Tx, id database.ID, to Status, c Consent) (bool, error) {
	now := database.Millis(s.now())
	res, err := tx.ExecContext(ctx, `
UPDATE subscribers SET status = $1, updated = $2
WHERE id = $3 AND status <> $1 AND status <> 'erased'
	AND NOT (status = 'complained' AND $1 IN ('unsubscribed', 'bounced'))
	AND NOT (status = 'unsubscribed' AND $1 = 'bounced')`, string(to), now, id)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, err
	}
	if n == 0 {
		err := tx.QueryRowContext(ctx, `SELECT 1 FROM subscribers WHERE id = $1`, id).Scan(new(int))
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrNotFound
		}
		return false, err
	}
	_, err = tx.ExecContext(ctx, insertConsent, s.ids.Next(), id, now, string(to), c.Source, c.Network, c.Wording)
	return err == nil, err
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

// RevokeLinks makes every link that was ever sent to a subscriber invalid.
// Mails sent from now on carry new ones.
func (s *Store) RevokeLinks(ctx context.Context, id database.ID) error {
	_, err := s.db.Exec(ctx, `UPDATE subscribers SET generation = generation + 1, updated = $1 WHERE id = $2`, database.Millis(s.now()), id)
	if err != nil {
		return fmt.Errorf("subscribers: revoke links of %s: %w", id, err)
	}
	return nil
}
