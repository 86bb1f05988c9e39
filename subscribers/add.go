package subscribers

import (
	"context"
	"database/sql"
	"fmt"

	"apta/subscribers/database"
)

// Outcome says what adding a subscriber did.
type Outcome int

// What adding a subscriber may do.
const (
	Added   Outcome = iota
	Present         // stored already
	Left            // stored, and not to be mailed: they left, or their address bounces
)

// Add stores a subscriber, active from now on. source says where the consent
// came from. One who is stored already stays as they are, but for one who is
// added as having left: they are sent nothing more.
func (s *Store) Add(ctx context.Context, sub Subscriber, source string) (out Outcome, err error) {
	outcomes, err := s.AddAll(ctx, []Subscriber{sub}, source)
	if err != nil {
		return 0, err
	}
	return outcomes[0], nil
}

const insertSubscriber = `INSERT INTO subscribers (id, email, name, language, format, status, generation, created, updated)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7) ON CONFLICT (email) DO NOTHING`

// AddAll is Add for many in one transaction. The outcomes are in the order of subs.
func (s *Store) AddAll(ctx context.Context, subs []Subscriber, source string) (outcomes []Outcome, err error) {
	now := database.Millis(s.now())
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		outcomes = make([]Outcome, len(subs))
		put, err := tx.PrepareContext(ctx, insertSubscriber)
		if err != nil {
			return err
		}
		defer put.Close()
		agree, err := tx.PrepareContext(ctx, insertConsent)
		if err != nil {
			return err
		}
		defer agree.Close()
		for i, sub := range subs {
			if sub.Format == "" {
				sub.Format = "html"
			}
			if sub.Status == "" {
				sub.Status = Active
			}
			id := s.ids.Next()
			res, err := put.ExecContext(ctx, id, sub.Email, sub.Name, sub.Language, sub.Format, string(sub.Status), now)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil {
				return err
			} else if n == 0 {
				if outcomes[i], err = s.present(ctx, tx, sub, source); err != nil {
					return err
				}
				continue
			}
			if _, err := agree.ExecContext(ctx, s.ids.Next(), id, now, string(sub.Status), source, "", ""); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("subscribers: add: %w", err)
	}
	return outcomes, nil
}

// present says how one who is stored already stands, after heeding that sub
// has left: a list of those who left elsewhere must not be read in vain.
func (s *Store) present(ctx context.Context, tx *sql.Tx, sub Subscriber, source string) (Outcome, error) {
	var id database.ID
	var status Status
	if err := tx.QueryRowContext(ctx, `SELECT id, status FROM subscribers WHERE email = $1`, sub.Email).Scan(&id, &status); err != nil {
		return 0, err
	}
	if status.gone() {
		return Left, nil
	}
	if !sub.Status.gone() {
		return Present, nil
	}
	_, err := s.change(ctx, tx, id, sub.Status, Consent{Source: source})
	return Left, err
}
