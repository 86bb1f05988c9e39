package subscribers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"apta/subscribers/database"
)

// Suppression is an address that is never mailed, known by its keyed hash only.
type Suppression struct {
	Hash   string    `json:"hash"`   // made with this installation's secret
	Reason string    `json:"reason"` // such as "erased" or "complaint"
	Source string    `json:"source"`
	At     time.Time `json:"at"`
}

// HashOf gives the hash by which an address, as ParseAddress gives it, is suppressed.
func (s *Store) HashOf(address string) string { return s.keys.addressHash(address) }

const insertSuppression = `INSERT INTO suppressions (hash, reason, source, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

// Suppress sees to it that an address, as ParseAddress gives it, is never
// mailed. Its subscriber, if there is one, becomes Suppressed, so that a mail of
// a running send is skipped too. added is false where it was suppressed already.
func (s *Store) Suppress(ctx context.Context, address, reason, source string) (added bool, err error) {
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, insertSuppression, s.HashOf(address), reason, source, database.Millis(s.now()))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		added = n > 0
		if err != nil {
			return err
		}
		return s.suppressSubscribers(ctx, tx, address, Consent{Source: source})
	})
	if err != nil {
		return false, fmt.Errorf("subscribers: suppress: %w", err)
	}
	return added, nil
}

// suppressSubscribers does to the subscribers of a suppressed address what is
// due. It reads the whole table: capitals make no difference to the list, and an
// index for so rare a thing would slow every import down.
func (s *Store) suppressSubscribers(ctx context.Context, tx *sql.Tx, address string, c Consent) error {
	ids, err := sameMailbox(ctx, tx, address)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := s.change(ctx, tx, id, Suppressed, time.Time{}, c); err != nil {
			return err
		}
	}
	return nil
}

// sameMailbox gives the subscribers whose addresses differ in capitals at most.
func sameMailbox(ctx context.Context, tx *sql.Tx, address string) ([]database.ID, error) {
	return idsOf(ctx, tx, `SELECT id FROM subscribers WHERE email = $1 OR lower(email) = $2`, address, strings.ToLower(address))
}

// SuppressHashes puts the hashes of an exported list on this one. It works only
// with lists made with the same secret. Subscribers are held against it, all of
// them, so it takes a few seconds for each million.
func (s *Store) SuppressHashes(ctx context.Context, list []Suppression) (added int, err error) {
	wanted := make(map[string]bool, len(list))
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		added = 0
		for _, e := range list {
			res, err := tx.ExecContext(ctx, insertSuppression, e.Hash, e.Reason, e.Source, database.Millis(e.At))
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil {
				return err
			} else if n > 0 {
				added++
			}
			wanted[e.Hash] = true
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("subscribers: suppress: %w", err)
	}
	err = s.each(ctx, ``, nil, func(sub Subscriber) error {
		if sub.Status == Suppressed || !wanted[s.HashOf(sub.Email)] {
			return nil
		}
		return s.db.InTx(ctx, func(tx *sql.Tx) error {
			_, err := s.change(ctx, tx, sub.ID, Suppressed, time.Time{}, Consent{Source: "suppression list"})
			return err
		})
	})
	return added, err
}

// EachSuppression gives every entry of the suppression list to do, in the order
// of their hashes.
func (s *Store) EachSuppression(ctx context.Context, do func(Suppression) error) error {
	for after, more := "", true; more; {
		list, err := s.Suppressions(ctx, after, page)
		if err != nil {
			return err
		}
		for _, e := range list {
			if err := do(e); err != nil {
				return err
			}
			after = e.Hash
		}
		more = len(list) == page
	}
	return nil
}

// Suppressions gives at most limit entries of the suppression list, in the order
// of their hashes, beginning behind the hash after.
func (s *Store) Suppressions(ctx context.Context, after string, limit int) (list []Suppression, err error) {
	rows, err := s.db.Query(ctx, `SELECT hash, reason, source, at FROM suppressions WHERE hash > $1 ORDER BY hash LIMIT $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("subscribers: suppressions: %w", err)
	}
	for rows.Next() {
		var e Suppression
		var at int64
		if err = rows.Scan(&e.Hash, &e.Reason, &e.Source, &at); err != nil {
			break
		}
		e.At = database.FromMillis(at)
		list = append(list, e)
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("subscribers: suppressions: %w", err)
	}
	return list, nil
}

// holdSuppressions keeps addresses from being put on the list until the
// transaction ends, so that what it stores on the ground of suppressed holds.
func (s *Store) holdSuppressions(ctx context.Context, tx *sql.Tx) error {
	if s.db.Kind() != database.PostgreSQL {
		return nil // the transaction is alone
	}
	_, err := tx.ExecContext(ctx, `LOCK TABLE suppressions IN SHARE MODE`)
	return err
}

// anySuppressed reports whether the list has an entry: most are empty or short.
func anySuppressed(ctx context.Context, q querier) (bool, error) {
	err := q.QueryRowContext(ctx, `SELECT 1 FROM suppressions LIMIT 1`).Scan(new(int))
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// suppressed gives those of the hashes that are on the list.
func suppressed(ctx context.Context, q querier, hashes []string) (map[string]bool, error) {
	if some, err := anySuppressed(ctx, q); err != nil || !some {
		return nil, err
	}
	args := make([]any, len(hashes))
	for i := range hashes {
		args[i] = hashes[i]
	}
	rows, err := q.QueryContext(ctx, `SELECT hash FROM suppressions WHERE hash IN (`+placeholders(len(args))+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make(map[string]bool)
	for rows.Next() {
		var hash string
		if err := rows.Scan(&hash); err != nil {
			return nil, err
		}
		found[hash] = true
	}
	return found, rows.Err()
}

func (s *Store) isSuppressed(ctx context.Context, tx *sql.Tx, address string) (bool, error) {
	if err := s.holdSuppressions(ctx, tx); err != nil {
		return false, err
	}
	hash := s.HashOf(address)
	found, err := suppressed(ctx, tx, []string{hash})
	return found[hash], err
}

// Unsuppress takes an address off the list. Its subscribers, if there are any,
// have left from then on: only they can subscribe again.
func (s *Store) Unsuppress(ctx context.Context, address, source string) (removed bool, err error) {
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM suppressions WHERE hash = $1`, s.HashOf(address))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if removed = n > 0; err != nil || n == 0 {
			return err
		}
		ids, err := lockAddress(ctx, tx, address)
		if err != nil {
			return err
		}
		for _, id := range ids {
			ended, err := tx.ExecContext(ctx, `UPDATE subscribers SET status = 'unsubscribed', updated = $1 WHERE id = $2 AND status = 'suppressed'`, database.Millis(s.now()), id)
			if err != nil {
				return err
			}
			if n, err := ended.RowsAffected(); err != nil {
				return err
			} else if n == 0 {
				continue
			}
			if err := s.log(ctx, tx, id, string(Unsubscribed), Consent{Source: source}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("subscribers: unsuppress: %w", err)
	}
	return removed, nil
}
