package subscribers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// Leave ends a subscription at the reader's own wish and has a letter sent that
// says so, with the way back. changed is false where they had left before: then
// there is no letter either. Where too many letters went to the address, they
// leave without one. ErrNotFound where there is no such subscriber.
func (s *Store) Leave(ctx context.Context, id database.ID, c Consent) (changed bool, err error) {
	err = s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
		if changed, err = s.change(ctx, tx, id, Unsubscribed, time.Time{}, c); err != nil || !changed {
			return err
		}
		var email, newsletter string
		if err := tx.QueryRowContext(ctx, `SELECT email, newsletter FROM subscribers WHERE id = $1`, id).Scan(&email, &newsletter); err != nil {
			return err
		}
		// By address only: after an issue many leave from the network of one mail
		// provider, and that is to keep nobody from coming.
		err = s.spendOne(ctx, tx, "address", s.keys.limitKey(email), s.rules.PerAddress)
		var limit *LimitError
		if errors.As(err, &limit) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.For(newsletter).putLetter(ctx, tx, string(LetterLeft), email, id, "")
	})
	if err != nil {
		return false, fmt.Errorf("subscribers: %s leaves: %w", id, err)
	}
	return changed, nil
}

// writeLeft makes the letter to one who left, unless they are back or erased.
func (s *Store) writeLeft(ctx context.Context, tx *sql.Tx, l *Letter, id database.ID) error {
	sub, err := scanSubscriber(tx.QueryRowContext(ctx, selectSubscriber+`WHERE id = $1`, id))
	if errors.Is(err, ErrNotFound) || err == nil && sub.Status != Unsubscribed {
		return nil
	}
	l.Kind, l.Language, l.Token = LetterLeft, sub.Language, s.keys.Token(PurposeUnsubscribe, sub.ID, sub.Generation)
	return err
}

// OpenApplication finds who a confirmation letter was sent to and changes
// nothing. One who has confirmed already is given too; ErrToken and ErrExpired
// say what is wrong with the link.
func (s *Store) OpenApplication(ctx context.Context, token string) (Subscriber, error) {
	sub, err := s.Reader(ctx, PurposeConfirm, token)
	switch {
	case err != nil:
		return Subscriber{}, err
	case sub.Status == Active || sub.Status == Paused:
		return sub, nil
	case sub.Status == Erased:
		return Subscriber{}, ErrExpired
	}
	var language string
	var at int64
	err = s.db.QueryRow(ctx, `SELECT at, language FROM applications WHERE subscriber_id = $1`, sub.ID).Scan(&at, &language)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !database.FromMillis(at).Add(s.rules.Open).After(s.now()) {
		return Subscriber{}, ErrExpired
	}
	if err != nil {
		return Subscriber{}, fmt.Errorf("subscribers: application: %w", err)
	}
	if language != "" {
		sub.Language = language
	}
	return sub, nil
}
