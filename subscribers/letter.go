package subscribers

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// Kind is what a letter about a subscription says.
type Kind string

// The letters. The token of each is for a page of its purpose.
const (
	LetterConfirm   Kind = "confirm"    // press here to subscribe (PurposeConfirm)
	LetterKnown     Kind = "known"      // you are subscribed already (PurposePreferences)
	LetterLink      Kind = "link"       // the link to your page (PurposePreferences)
	LetterChangeOld Kind = "change-old" // press here to leave this address (PurposeChangeOld)
	LetterChangeNew Kind = "change-new" // press here to use this address (PurposeChangeNew)
	LetterLeft      Kind = "left"       // you have left (PurposeUnsubscribe, whose page has the way back)
)

// Letter is one mail about a subscription, ready to be written.
type Letter struct {
	ID         database.ID
	Newsletter string // the slug of the one it is about
	Kind       Kind
	To         string
	Language   string // the reader's; empty is the newsletter's
	Token      string
	Expires    time.Time // when the token does; zero is never
	Tries      int       // this one counted
}

// What waits in the table letters: requests, of which apply and lost become
// letters of one kind or another or none.
const (
	letterApply = "apply"
	letterLost  = "lost"
)

func (s *Store) putLetter(ctx context.Context, tx *sql.Tx, kind, email string, subject database.ID, application string) error {
	now := database.Millis(s.now())
	_, err := tx.ExecContext(ctx, `INSERT INTO letters (id, kind, email, subject_id, application, at, due_at, tries, newsletter) VALUES ($1, $2, $3, $4, $5, $6, $6, 0, $7)`,
		s.ids.Next(), kind, email, subject, application, now, s.newsletter)
	return err
}

// NextLetter gives the newsletter's letter that is due longest, and holds it back from others
// for a while: whoever sent it calls LetterSent, whoever could not LetterFailed,
// and that of a process which died is given again. found is false where there
// is none. Several processes may work on the letters.
func (s *Store) NextLetter(ctx context.Context, hold time.Duration) (l Letter, found bool, err error) {
	for !found {
		var settled bool
		err = s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
			l, settled, err = s.takeLetter(ctx, tx, hold)
			return err
		})
		if errors.Is(err, sql.ErrNoRows) {
			return Letter{}, false, nil
		}
		if err != nil {
			return Letter{}, false, fmt.Errorf("subscribers: letter: %w", err)
		}
		found = !settled
	}
	return l, true, nil
}

// takeLetter takes one; settled says that nothing is to be sent.
func (s *Store) takeLetter(ctx context.Context, tx *sql.Tx, hold time.Duration) (l Letter, settled bool, err error) {
	now := s.now()
	var kind, application string
	var subject database.ID
	var at int64
	// What makes a letter due is said twice: on PostgreSQL the inner query may have
	// seen it before another process took it.
	err = tx.QueryRowContext(ctx, `
UPDATE letters SET due_at = $1, tries = tries + 1
WHERE due_at <= $2 AND id = (SELECT id FROM letters WHERE due_at <= $2 AND newsletter = $3 ORDER BY due_at, id LIMIT 1)
RETURNING id, newsletter, kind, email, subject_id, application, at, tries`, database.Millis(now.Add(hold)), database.Millis(now), s.newsletter).
		Scan(&l.ID, &l.Newsletter, &kind, &l.To, &subject, &application, &at, &l.Tries)
	if err != nil {
		return l, false, err
	}
	switch kind {
	case letterApply:
		err = s.writeApplied(ctx, tx, &l, at, application)
	case letterLost:
		err = s.writeLost(ctx, tx, &l)
	case string(LetterLeft):
		err = s.writeLeft(ctx, tx, &l, subject)
	default:
		err = s.writeChange(ctx, tx, &l, Kind(kind), subject)
	}
	if err == nil && l.Kind == "" {
		_, err = tx.ExecContext(ctx, `DELETE FROM letters WHERE id = $1`, l.ID)
		settled = true
	}
	return l, settled, err
}

func (s *Store) writeApplied(ctx context.Context, tx *sql.Tx, l *Letter, at int64, application string) error {
	var r request
	if err := json.Unmarshal([]byte(application), &r); err != nil {
		return err
	}
	kind, sub, err := s.apply(ctx, tx, l.To, at, r)
	l.Kind, l.Language = kind, sub.Language
	switch kind {
	case LetterConfirm:
		l.Token, l.Expires = s.keys.Token(PurposeConfirm, sub.ID, sub.Generation), database.FromMillis(at).Add(s.rules.Open)
	case LetterKnown:
		l.Token = s.keys.Token(PurposePreferences, sub.ID, sub.Generation)
	}
	return err
}

func (s *Store) writeLost(ctx context.Context, tx *sql.Tx, l *Letter) error {
	sub, err := scanSubscriber(tx.QueryRowContext(ctx, selectSubscriber+`WHERE email = $1 AND newsletter = $2`, l.To, s.newsletter))
	if errors.Is(err, ErrNotFound) || err == nil && (sub.Status == Suppressed || sub.Status == Pending) {
		return nil
	}
	l.Kind, l.Language, l.Token = LetterLink, sub.Language, s.keys.Token(PurposePreferences, sub.ID, sub.Generation)
	return err
}

// LetterSent settles a letter that a relay has taken.
func (s *Store) LetterSent(ctx context.Context, id database.ID) error {
	if _, err := s.db.Exec(ctx, `DELETE FROM letters WHERE id = $1`, id); err != nil {
		return fmt.Errorf("subscribers: letter: %w", err)
	}
	return nil
}

// LetterFailed has a letter tried again at a moment, or given up where it is zero.
func (s *Store) LetterFailed(ctx context.Context, id database.ID, again time.Time) error {
	if again.IsZero() {
		return s.LetterSent(ctx, id)
	}
	if _, err := s.db.Exec(ctx, `UPDATE letters SET due_at = $1 WHERE id = $2`, database.Millis(again), id); err != nil {
		return fmt.Errorf("subscribers: letter: %w", err)
	}
	return nil
}

// Tend does what time makes due: pauses end, and applications, changes of
// address and letters that nobody confirmed or could send for so long are
// deleted, with the subscribers who never became any. It is called every minute
// or so, and before an issue is sent.
func (s *Store) Tend(ctx context.Context) error {
	now := s.now()
	old := database.Millis(now.Add(-s.rules.Open))
	err := s.wake(ctx)
	for _, step := range []struct {
		query string
		args  []any
	}{
		{`DELETE FROM letters WHERE at <= $1`, []any{old}},
		{`DELETE FROM address_changes WHERE at <= $1`, []any{old}},
		{`DELETE FROM applications WHERE at <= $1`, []any{old}},
		{`DELETE FROM subscribers WHERE status = 'pending' AND updated <= $1 AND NOT EXISTS (SELECT 1 FROM applications a WHERE a.subscriber_id = subscribers.id)`, []any{old}},
		{`DELETE FROM limits WHERE since <= $1`, []any{database.Millis(now.Add(-max(s.rules.PerAddress.Per, s.rules.PerNetwork.Per, s.rules.PerNewsletter.Per)))}},
	} {
		if err == nil {
			_, err = s.db.Exec(ctx, step.query, step.args...)
		}
	}
	if err != nil {
		return fmt.Errorf("subscribers: tend: %w", err)
	}
	return nil
}

// wake ends the pauses that were to end by now.
func (s *Store) wake(ctx context.Context) error {
	for {
		list, err := s.list(ctx, selectSubscriber+`WHERE status = 'paused' AND paused_until > 0 AND paused_until <= $1 ORDER BY id LIMIT $2`, database.Millis(s.now()), page)
		if err != nil || len(list) == 0 {
			return err
		}
		err = s.db.InTx(ctx, func(tx *sql.Tx) error {
			for _, sub := range list {
				var until int64
				err := tx.QueryRowContext(ctx, `UPDATE subscribers SET updated = updated WHERE id = $1 AND status = 'paused' AND paused_until = $2 RETURNING paused_until`,
					sub.ID, untilMillis(sub.PausedUntil)).Scan(&until)
				if errors.Is(err, sql.ErrNoRows) {
					continue // they chose otherwise in the meantime
				}
				if err == nil {
					_, err = s.change(ctx, tx, sub.ID, Active, time.Time{}, Consent{Source: "end of pause"})
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}
