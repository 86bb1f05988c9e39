// Package webhooks tells other programs of what happens: that somebody subscribed
// or left, that an address bounces, that an issue was sent. An event is written
// down for each webhook that wants it in the transaction in which it happens, so
// none is lost and none is told that did not happen; a job sends it and tries
// again for three days.
//
// What is sent is in the form of standardwebhooks.com, signed. An event may
// arrive twice, and after a failure in another order: its webhook-id says which
// it is, its timestamp when it happened.
package webhooks

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"apta/newsletter"
	"apta/newsletter/intake/fetch"
	"apta/subscribers/database"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// Schema is the tables of this package.
func Schema() database.Schema { return database.SchemaIn(schemaFiles, "webhooks") }

// The events that a webhook may want. Test is sent to those who ask for one.
const (
	Confirmed    = "subscriber.confirmed"
	Unsubscribed = "subscriber.unsubscribed"
	Bounced      = "subscriber.bounced"
	IssueSent    = "issue.sent"
	Test         = "webhook.test"
)

// Events lists those that a webhook may want.
var Events = [...]string{Confirmed, Unsubscribed, Bounced, IssueSent}

// Webhook is one address that is told of events.
type Webhook struct {
	ID           database.ID `json:"id"`
	URL          string      `json:"url"`
	Events       []string    `json:"events"`
	WithAddress  bool        `json:"with_address"` // events about a reader carry their address
	Created      time.Time   `json:"created"`
	Failures     int         `json:"failures"` // since the last success
	FailingSince time.Time   `json:"failing_since,omitzero"`
	Disabled     time.Time   `json:"disabled,omitzero"` // given up
	Why          string      `json:"why,omitempty"`     // what the last failure said

	rest time.Time
}

// ErrNotFound marks a webhook that is not stored.
var ErrNotFound = errors.New("no such webhook")

// Options are what the room works with.
type Options struct {
	// Secret gives the 32 bytes that sign what a webhook is sent.
	Secret func(webhook database.ID) []byte
	// Enqueue has Deliver called for a webhook once the transaction is committed.
	Enqueue func(ctx context.Context, tx *sql.Tx, webhook database.ID) error
	// Address gives a reader's address, or "" of one who is erased.
	Address  func(ctx context.Context, subscriber database.ID) (string, error)
	IssueURL func(newsletter.Issue) string // of its public page
	Post     Poster
	Now      func() time.Time
	Log      *slog.Logger
}

// Poster sends a body to an address; fetch.Fetcher does.
type Poster interface {
	Post(ctx context.Context, address string, header http.Header, body []byte) error
}

// Hooks keeps webhooks and sends to them. Its methods are safe for concurrent use.
type Hooks struct {
	db  *database.DB
	ids *database.IDs
	Options
}

// New makes the room over a migrated database.
func New(db *database.DB, ids *database.IDs, o Options) *Hooks {
	return &Hooks{db: db, ids: ids, Options: o}
}

// maxURL bounds an address, in octets.
const maxURL = 2000

// Check says what is wrong with a webhook that is to be added.
func (w *Webhook) Check() error {
	if len(w.URL) > maxURL || strings.ContainsRune(w.URL, 0) {
		return fmt.Errorf("webhooks: the address has a NUL in it or is longer than %d characters", maxURL)
	}
	if err := fetch.CheckAddress(w.URL); err != nil {
		return fmt.Errorf("webhooks: %q: %w", w.URL, err)
	}
	if len(w.Events) == 0 {
		return fmt.Errorf("webhooks: no event is named: there are %s", strings.Join(Events[:], ", "))
	}
	for _, e := range w.Events {
		if !slices.Contains(Events[:], e) {
			return fmt.Errorf("webhooks: %q is no event: there are %s", e, strings.Join(Events[:], ", "))
		}
	}
	return nil
}

// Add stores a webhook and gives it with its ID. Nobody is asked for the address yet.
func (h *Hooks) Add(ctx context.Context, w Webhook) (Webhook, error) {
	if err := w.Check(); err != nil {
		return w, err
	}
	slices.Sort(w.Events)
	w.Events = slices.Compact(w.Events)
	w.ID, w.Created = h.ids.Next(), h.Now().UTC().Truncate(time.Millisecond)
	address := 0
	if w.WithAddress {
		address = 1
	}
	_, err := h.db.Exec(ctx, `
INSERT INTO webhooks (id, url, events, with_address, created, failures, failing_since, rest_until, disabled, why) VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, '')`,
		w.ID, w.URL, strings.Join(w.Events, " "), address, database.Millis(w.Created))
	if err != nil {
		return w, fmt.Errorf("webhooks: add: %w", err)
	}
	return w, nil
}

const selectWebhook = `SELECT id, url, events, with_address, created, failures, failing_since, rest_until, disabled, why FROM webhooks `

func scanWebhook(row interface{ Scan(...any) error }) (w Webhook, err error) {
	var events string
	var address, created, failing, rest, disabled int64
	err = row.Scan(&w.ID, &w.URL, &events, &address, &created, &w.Failures, &failing, &rest, &disabled, &w.Why)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	w.Events, w.WithAddress, w.Created = strings.Fields(events), address != 0, database.FromMillis(created)
	for _, t := range []struct {
		ms int64
		to *time.Time
	}{{failing, &w.FailingSince}, {rest, &w.rest}, {disabled, &w.Disabled}} {
		if t.ms != 0 {
			*t.to = database.FromMillis(t.ms)
		}
	}
	return w, err
}

// Find gives one webhook; ErrNotFound where there is none.
func (h *Hooks) Find(ctx context.Context, id database.ID) (Webhook, error) {
	w, err := scanWebhook(h.db.QueryRow(ctx, selectWebhook+`WHERE id = $1`, id))
	if err != nil {
		err = fmt.Errorf("webhooks: find %s: %w", id, err)
	}
	return w, err
}

// List gives every webhook, the oldest first.
func (h *Hooks) List(ctx context.Context) ([]Webhook, error) {
	rows, err := h.db.Query(ctx, selectWebhook+`ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("webhooks: list: %w", err)
	}
	list, err := scanAll(rows)
	if err != nil {
		return nil, fmt.Errorf("webhooks: list: %w", err)
	}
	return list, nil
}

func scanAll(rows *sql.Rows) (list []Webhook, err error) {
	defer rows.Close()
	for rows.Next() {
		w, err := scanWebhook(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, rows.Err()
}

// Remove deletes a webhook, with what it was still to be told.
func (h *Hooks) Remove(ctx context.Context, id database.ID) error {
	err := h.db.InTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM webhook_deliveries WHERE webhook_id = $1`, id); err != nil {
			return err
		}
		return one(tx.ExecContext(ctx, `DELETE FROM webhooks WHERE id = $1`, id))
	})
	if err != nil {
		return fmt.Errorf("webhooks: remove %s: %w", id, err)
	}
	return nil
}

// Enable lets a webhook that was given up be told again, first of what waits.
func (h *Hooks) Enable(ctx context.Context, id database.ID) error {
	err := h.db.InTx(ctx, func(tx *sql.Tx) error {
		if err := one(tx.ExecContext(ctx, `UPDATE webhooks SET disabled = 0, failures = 0, failing_since = 0, rest_until = 0, why = '' WHERE id = $1`, id)); err != nil {
			return err
		}
		return h.Enqueue(ctx, tx, id)
	})
	if err != nil {
		return fmt.Errorf("webhooks: enable %s: %w", id, err)
	}
	return nil
}

// one is ErrNotFound where a statement found no row.
func one(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(ErrNotFound, err)
	}
	return nil
}
