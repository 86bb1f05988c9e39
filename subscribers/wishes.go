package subscribers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"apta/subscribers/database"

	"golang.org/x/text/language"
)

// Limits of what a reader may choose.
const (
	maxName   = 200 // octets
	maxTopic  = 100
	maxTopics = 100
	maxWeeks  = 52
)

// WishError says which wish cannot be granted, by the name of its field.
type WishError struct {
	Field  string // name, language, format, topics or every_weeks
	Reason string
}

func (e *WishError) Error() string { return e.Field + ": " + e.Reason }

// check also brings languages and topics into their one form.
func (w *Wishes) check() error {
	if len(w.Name) > maxName || strings.ContainsFunc(w.Name, unprintable) {
		return &WishError{"name", "it has control characters or more than 200 octets"}
	}
	if w.Language != "" {
		tag, err := language.Parse(w.Language)
		if err != nil {
			return &WishError{"language", fmt.Sprintf("%q is not a language tag such as en or kk-KZ", w.Language)}
		}
		w.Language = tag.String()
	}
	if w.Format != "" && w.Format != "html" && w.Format != "text" {
		return &WishError{"format", fmt.Sprintf("%q is neither html nor text", w.Format)}
	}
	if w.Every < 0 || w.Every > maxWeeks {
		return &WishError{"every_weeks", fmt.Sprintf("%d is not between 1 and %d", w.Every, maxWeeks)}
	}
	if len(w.Topics) > maxTopics {
		return &WishError{"topics", fmt.Sprintf("there are more than %d", maxTopics)}
	}
	for _, t := range w.Topics {
		if t == "" || len(t) > maxTopic || strings.ContainsFunc(t, unicode.IsControl) {
			return &WishError{"topics", fmt.Sprintf("%.100q is not the name of a theme", t)}
		}
	}
	w.Topics = slices.Clone(w.Topics)
	slices.Sort(w.Topics)
	w.Topics = slices.Compact(w.Topics)
	return nil
}

// over writes the wishes that were made over what is stored.
func (w Wishes) over(sub *Subscriber) {
	if w.Name != "" {
		sub.Name = w.Name
	}
	if w.Language != "" {
		sub.Language = w.Language
	}
	if w.Format != "" {
		sub.Format = w.Format
	}
	if len(w.Topics) > 0 {
		sub.Topics = w.Topics
	}
	if w.Every > 0 {
		sub.Every = w.Every
	}
}

// joinTopics is how topics are stored; equal wishes give equal texts.
func joinTopics(topics []string) string { return strings.Join(topics, "\n") }

func splitTopics(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// Week numbers the weeks from Monday to Sunday, in UTC. A reader who wants an
// issue every n weeks gets those of every nth from the one in which they chose it.
func Week(t time.Time) int64 {
	days := t.UTC().Unix() / (24 * 60 * 60)
	return (days + 3) / 7 // 1970-01-01 was a Thursday
}

// store writes what a reader has chosen, and their status with it.
func (s *Store) store(ctx context.Context, tx *sql.Tx, sub *Subscriber) error {
	now := s.now()
	_, err := tx.ExecContext(ctx, `
UPDATE subscribers SET name = $1, language = $2, format = $3, topics = $4, updated = $5,
	from_week = CASE WHEN every_weeks = $6 THEN from_week ELSE $7 END, every_weeks = $6, status = $8, paused_until = $9
WHERE id = $10`, sub.Name, sub.Language, sub.Format, joinTopics(sub.Topics), database.Millis(now), max(sub.Every, 1), Week(now),
		string(sub.Status), untilMillis(sub.PausedUntil), sub.ID)
	return err
}

// Choose sets all that a reader may choose, as it stands on their page: here an
// empty name, language or topics is a choice too. A *WishError names the field
// that is wrong.
func (s *Store) Choose(ctx context.Context, id database.ID, w Wishes, c Consent) error {
	if err := w.check(); err != nil {
		return err
	}
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		sub, err := scanSubscriber(tx.QueryRowContext(ctx, `UPDATE subscribers SET updated = $1 WHERE id = $2 RETURNING `+subscriberColumns, database.Millis(s.now()), id))
		if err != nil {
			return err
		}
		before := sub
		sub.Name, sub.Language, sub.Topics = w.Name, w.Language, w.Topics
		if w.Format != "" {
			sub.Format = w.Format
		}
		sub.Every = max(w.Every, 1)
		if sub.Name == before.Name && sub.Language == before.Language && sub.Format == before.Format && sub.Every == before.Every && slices.Equal(sub.Topics, before.Topics) {
			return nil
		}
		if err := s.store(ctx, tx, &sub); err != nil {
			return err
		}
		return s.log(ctx, tx, id, "preferences", c)
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("subscribers: choose: %w", err)
	}
	return err
}
