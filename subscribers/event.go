package subscribers

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// EventKind is what other programs may want to hear about a subscriber.
type EventKind string

// The events.
const (
	EventConfirmed    EventKind = "confirmed"    // they confirmed, came back, or were enrolled; not: were imported
	EventUnsubscribed EventKind = "unsubscribed" // they are sent nothing more, for whatever reason but a bounce; Status says which
	EventBounced      EventKind = "bounced"
)

// Event is something that happened to a subscriber. It does not name them.
type Event struct {
	Kind       EventKind
	Subscriber database.ID
	Newsletter string // the slug of the one they read
	Status     Status // what they are now; Erased where nothing is stored any more
	Source     string // by which way it came
	At         time.Time
}

// Telling is the same store that tells somebody of every event, in the transaction
// in which it happens: an error undoes it.
func (s *Store) Telling(tell func(context.Context, *sql.Tx, Event) error) *Store {
	other := *s
	other.tell = tell
	return &other
}

// told tells of what has become of a subscriber.
func (s *Store) told(ctx context.Context, tx *sql.Tx, id database.ID, to Status, source string) error {
	kind := EventUnsubscribed
	switch to {
	case Active:
		kind = EventConfirmed
	case Bounced:
		kind = EventBounced
	case Pending, Paused:
		return nil
	}
	if s.tell == nil {
		return nil
	}
	var slug string // the store may be another newsletter's: what befalls an address befalls all its readers
	if err := tx.QueryRowContext(ctx, `SELECT newsletter FROM subscribers WHERE id = $1`, id).Scan(&slug); err != nil {
		return fmt.Errorf("subscribers: event: %w", err)
	}
	return s.tell(ctx, tx, Event{Kind: kind, Subscriber: id, Newsletter: slug, Status: to, Source: source, At: s.now()})
}
