package subscribers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// Dossier is all that this package stores about a subscriber.
type Dossier struct {
	Subscriber  Subscriber     `json:"subscriber"`
	Updated     time.Time      `json:"updated"`
	Consents    []Entry        `json:"consents"`
	Application *OpenRequest   `json:"application,omitempty"`
	Change      *PendingChange `json:"address_change,omitempty"`
	Letters     []OpenLetter   `json:"letters,omitempty"`
}

// OpenRequest is an application that was not confirmed.
type OpenRequest struct {
	At time.Time `json:"at"`
	Wishes
	Source  string `json:"source"`
	Wording string `json:"wording"`
	Network string `json:"network,omitempty"`
}

// OpenLetter is a letter that is still to be sent.
type OpenLetter struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
}

// Export gives all that is stored about a subscriber here. What was sent to them
// is in the ledger, which whoever exports adds.
func (s *Store) Export(ctx context.Context, id database.ID) (d Dossier, err error) {
	if d.Subscriber, err = s.ByID(ctx, id); err != nil {
		return d, err
	}
	if d.Consents, err = s.Consents(ctx, id); err != nil {
		return d, err
	}
	var updated, at int64
	if err = s.db.QueryRow(ctx, `SELECT updated FROM subscribers WHERE id = $1`, id).Scan(&updated); err != nil {
		return d, fmt.Errorf("subscribers: export: %w", err)
	}
	d.Updated = database.FromMillis(updated)
	var r OpenRequest
	var topics string
	err = s.db.QueryRow(ctx, `SELECT at, name, language, format, topics, every_weeks, source, wording, network FROM applications WHERE subscriber_id = $1`, id).
		Scan(&at, &r.Name, &r.Language, &r.Format, &topics, &r.Every, &r.Source, &r.Wording, &r.Network)
	if err == nil {
		r.At, r.Topics = database.FromMillis(at), splitTopics(topics)
		d.Application = &r
	} else if !errors.Is(err, sql.ErrNoRows) {
		return d, fmt.Errorf("subscribers: export: %w", err)
	}
	c, err := s.scanChange(s.db.QueryRow(ctx, selectChanges+`WHERE subscriber_id = $1`, id))
	if err == nil {
		d.Change = &c
	} else if !errors.Is(err, ErrExpired) {
		return d, fmt.Errorf("subscribers: export: %w", err)
	}
	d.Letters, err = s.openLetters(ctx, d.Subscriber)
	return d, err
}

func (s *Store) openLetters(ctx context.Context, sub Subscriber) (list []OpenLetter, err error) {
	rows, err := s.db.Query(ctx, `SELECT at, kind FROM letters WHERE email = $1 AND newsletter = $2 ORDER BY id`, sub.Email, sub.Newsletter)
	if err != nil {
		return nil, fmt.Errorf("subscribers: export: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l OpenLetter
		var at int64
		if err := rows.Scan(&at, &l.Kind); err != nil {
			return nil, fmt.Errorf("subscribers: export: %w", err)
		}
		l.At = database.FromMillis(at)
		list = append(list, l)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("subscribers: export: %w", err)
	}
	return list, nil
}

// Erase deletes all that is stored about a subscriber, with what they read of
// other newsletters, and keeps their address from ever being mailed again by its
// keyed hash alone. The consent log stays
// as the proof of what was sent, and so does the ledger, under an ID that names
// nobody any more. ErrNotFound where there is no such subscriber.
func (s *Store) Erase(ctx context.Context, id database.ID, source string) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		var email string
		err := tx.QueryRowContext(ctx, `UPDATE subscribers SET status = status WHERE id = $1 RETURNING email`, id).Scan(&email)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, insertSuppression, s.HashOf(email), string(Erased), source, database.Millis(s.now())); err != nil {
			return err
		}
		ids, err := lockAddress(ctx, tx, email)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.log(ctx, tx, id, string(Erased), Consent{Source: source}); err != nil {
				return err
			}
			if err := s.told(ctx, tx, id, Erased, source); err != nil {
				return err
			}
			if err := s.forget(ctx, tx, id, email); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM letters WHERE email = $1`, email); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM address_changes WHERE email = $1`, email); err != nil {
			return err
		}
		// The same mailbox in other capitals is not mailed either.
		return s.suppressSubscribers(ctx, tx, email, Consent{Source: source})
	})
	if err != nil {
		return fmt.Errorf("subscribers: erase %s: %w", id, err)
	}
	return nil
}

// forget deletes a subscriber, and what is stored under their address for the
// newsletter they read.
func (s *Store) forget(ctx context.Context, tx *sql.Tx, id database.ID, email string) error {
	var newsletter string
	if err := tx.QueryRowContext(ctx, `SELECT newsletter FROM subscribers WHERE id = $1`, id).Scan(&newsletter); err != nil {
		return err
	}
	for _, step := range []struct {
		query string
		args  []any
	}{
		{`DELETE FROM letters WHERE email = $1 AND newsletter = $2`, []any{email, newsletter}},
		{`DELETE FROM letters WHERE subject_id IN (SELECT id FROM address_changes WHERE subscriber_id = $1)`, []any{id}},
		{`DELETE FROM address_changes WHERE subscriber_id = $1`, []any{id}},
		{`DELETE FROM address_changes WHERE email = $1 AND subscriber_id IN (SELECT id FROM subscribers WHERE newsletter = $2)`, []any{email, newsletter}},
		{`DELETE FROM applications WHERE subscriber_id = $1`, []any{id}},
		{`DELETE FROM subscribers WHERE id = $1`, []any{id}},
		// Last: while there is a reader the database keeps them.
		{`DELETE FROM consent_networks WHERE subscriber_id = $1`, []any{id}},
	} {
		if _, err := tx.ExecContext(ctx, step.query, step.args...); err != nil {
			return err
		}
	}
	return nil
}
