package subscribers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"apta/subscribers/database"
)

// ChangeAddress has both the old and the new address of a subscriber asked
// whether they agree to the change; it is made when both have (ConfirmChange).
// A second request takes the place of the first. A *LimitError says that nothing
// is sent. Whether the new address is known makes no difference here.
func (s *Store) ChangeAddress(ctx context.Context, id database.ID, email string, from netip.Addr, source string) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		sub, err := scanSubscriber(tx.QueryRowContext(ctx, `UPDATE subscribers SET updated = updated WHERE id = $1 RETURNING `+subscriberColumns, id))
		if err != nil || sub.Email == email {
			return err
		}
		for _, address := range []string{email, sub.Email} {
			if err := s.spend(ctx, tx, address, from); err != nil {
				return err
			}
		}
		change := s.ids.Next()
		_, err = tx.ExecContext(ctx, `
INSERT INTO address_changes (id, subscriber_id, email, at, old_confirmed, new_confirmed, source, network) VALUES ($1, $2, $3, $4, 0, 0, $5, $6)
ON CONFLICT (subscriber_id) DO UPDATE SET id = excluded.id, email = excluded.email, at = excluded.at, old_confirmed = 0, new_confirmed = 0,
	source = excluded.source, network = excluded.network`, change, id, email, database.Millis(s.now()), source, s.Network(from))
		if err != nil {
			return err
		}
		own := s.For(sub.Newsletter)
		if err := own.putLetter(ctx, tx, string(LetterChangeOld), sub.Email, change, ""); err != nil {
			return err
		}
		return own.putLetter(ctx, tx, string(LetterChangeNew), email, change, "")
	})
	var limit *LimitError
	if err != nil && !errors.As(err, &limit) {
		err = fmt.Errorf("subscribers: change address: %w", err)
	}
	return err
}

// writeChange makes one of the two letters of a change, unless it was given up.
func (s *Store) writeChange(ctx context.Context, tx *sql.Tx, l *Letter, kind Kind, change database.ID) error {
	var at int64
	var language string
	err := tx.QueryRowContext(ctx, `SELECT a.at, s.language FROM address_changes a JOIN subscribers s ON s.id = a.subscriber_id WHERE a.id = $1`, change).Scan(&at, &language)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if bad, err := s.isSuppressed(ctx, tx, l.To); err != nil || bad {
		return err
	}
	purpose := PurposeChangeOld
	if kind == LetterChangeNew {
		purpose = PurposeChangeNew
	}
	l.Kind, l.Language, l.Token, l.Expires = kind, language, s.keys.Token(purpose, change, 0), database.FromMillis(at).Add(s.rules.Open)
	return nil
}

// PendingChange is a change of address that one or both have still to confirm.
type PendingChange struct {
	Email        string    `json:"email"` // the new one
	At           time.Time `json:"at"`
	OldConfirmed bool      `json:"old_confirmed"`
	NewConfirmed bool      `json:"new_confirmed"`
	Done         bool      `json:"-"` // both have: the change is made
	Language     string    `json:"-"` // the reader's

	subscriber database.ID
	source     string
	network    string
}

// OpenChange reads a change by the token of one of its letters, and changes
// nothing. ErrToken and ErrExpired say what is wrong with the link.
func (s *Store) OpenChange(ctx context.Context, p Purpose, token string) (PendingChange, error) {
	claim, err := s.keys.Open(p, token)
	if err != nil {
		return PendingChange{}, err
	}
	if err := claim.Prove(0); err != nil {
		return PendingChange{}, err
	}
	return s.scanChange(s.db.QueryRow(ctx, selectChange, claim.ID))
}

const (
	selectChanges = `
SELECT subscriber_id, email, at, old_confirmed, new_confirmed, source, network, coalesce((SELECT language FROM subscribers s WHERE s.id = subscriber_id), '')
FROM address_changes `
	selectChange = selectChanges + `WHERE id = $1`
)

func (s *Store) scanChange(row *sql.Row) (c PendingChange, err error) {
	var at int64
	err = row.Scan(&c.subscriber, &c.Email, &at, &c.OldConfirmed, &c.NewConfirmed, &c.source, &c.network, &c.Language)
	if c.At = database.FromMillis(at); errors.Is(err, sql.ErrNoRows) || err == nil && !c.At.Add(s.rules.Open).After(s.now()) {
		return PendingChange{}, ErrExpired
	}
	return c, err
}

// ConfirmChange takes the consent of one of the two addresses, by the token of
// its letter; p says which. When both have agreed the change is made: should
// the new address be subscribed by itself, then the old subscription ends.
func (s *Store) ConfirmChange(ctx context.Context, p Purpose, token string) (c PendingChange, err error) {
	claim, err := s.keys.Open(p, token)
	if err != nil {
		return c, err
	}
	if err := claim.Prove(0); err != nil {
		return c, err
	}
	column := "old_confirmed"
	if p == PurposeChangeNew {
		column = "new_confirmed"
	}
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE address_changes SET `+column+` = 1 WHERE id = $1`, claim.ID); err != nil {
			return err
		}
		if c, err = s.scanChange(tx.QueryRowContext(ctx, selectChange, claim.ID)); err != nil || !c.OldConfirmed || !c.NewConfirmed {
			return err
		}
		c.Done = true
		if _, err := tx.ExecContext(ctx, `DELETE FROM address_changes WHERE id = $1`, claim.ID); err != nil {
			return err
		}
		return s.move(ctx, tx, c)
	})
	if err != nil && !errors.Is(err, ErrExpired) {
		err = fmt.Errorf("subscribers: change address: %w", err)
	}
	return c, err
}

// move gives a subscriber their new address. The consent log does not name it.
func (s *Store) move(ctx context.Context, tx *sql.Tx, c PendingChange) error {
	if bad, err := s.isSuppressed(ctx, tx, c.Email); err != nil {
		return err
	} else if bad {
		return ErrExpired
	}
	by := Consent{Source: c.source, Network: c.network, Agreed: c.At}
	var other struct {
		id     database.ID
		status Status
	}
	err := tx.QueryRowContext(ctx, `SELECT id, status FROM subscribers WHERE email = $1 AND newsletter = (SELECT newsletter FROM subscribers WHERE id = $2)`,
		c.Email, c.subscriber).Scan(&other.id, &other.status)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	case other.status == Active || other.status == Paused:
		_, err = s.change(ctx, tx, c.subscriber, Unsubscribed, time.Time{}, Consent{Source: "moved to a subscription of their own"})
		return err
	default:
		// They have just proved that the address is theirs: what was left of an
		// earlier subscription of it gives way.
		if err := s.forget(ctx, tx, other.id, c.Email); err != nil {
			return err
		}
	}
	if _, err = tx.ExecContext(ctx, `UPDATE subscribers SET email = $1, updated = $2 WHERE id = $3`, c.Email, database.Millis(s.now()), c.subscriber); err != nil {
		return err
	}
	return s.log(ctx, tx, c.subscriber, "address changed", by)
}
