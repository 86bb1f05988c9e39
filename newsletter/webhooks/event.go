package webhooks

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"apta/newsletter"
	"apta/subscribers"
	"apta/subscribers/database"
)

// Subscriber writes down what happened to a subscriber, in the transaction in
// which it happens. It is what subscribers.Store.Telling wants.
func (h *Hooks) Subscriber(ctx context.Context, tx *sql.Tx, e subscribers.Event) error {
	kind := map[subscribers.EventKind]string{
		subscribers.EventConfirmed: Confirmed, subscribers.EventUnsubscribed: Unsubscribed, subscribers.EventBounced: Bounced,
	}[e.Kind]
	if kind == "" {
		return fmt.Errorf("webhooks: an event %q is not known here", e.Kind)
	}
	return h.record(ctx, tx, kind, e.At, e.Subscriber, map[string]any{"subscriber": e.Subscriber, "newsletter": e.Newsletter, "status": e.Status, "source": e.Source})
}

// Sent writes down that an issue's send has ended. It is what
// newsletter.Store.TellingSent wants.
func (h *Hooks) Sent(ctx context.Context, tx *sql.Tx, i newsletter.Issue) error {
	return h.record(ctx, tx, IssueSent, h.Now(), 0, map[string]any{
		"issue": i.ID, "newsletter": i.Newsletter, "week": i.Week, "language": i.Language, "title": i.Title, "revision": i.Revision,
		"cancelled": i.Note == "cancelled", "url": h.IssueURL(i),
	})
}

// record writes an event down for each webhook that wants it.
func (h *Hooks) record(ctx context.Context, tx *sql.Tx, kind string, at time.Time, subscriber database.ID, data map[string]any) error {
	rows, err := tx.QueryContext(ctx, selectWebhook+`WHERE disabled = 0 ORDER BY id`)
	if err != nil {
		return fmt.Errorf("webhooks: record: %w", err)
	}
	list, err := scanAll(rows)
	for _, w := range list {
		if err == nil && slices.Contains(w.Events, kind) {
			err = h.put(ctx, tx, w.ID, kind, at, subscriber, data)
		}
	}
	if err != nil {
		return fmt.Errorf("webhooks: record: %w", err)
	}
	return nil
}

func (h *Hooks) put(ctx context.Context, tx *sql.Tx, webhook database.ID, kind string, at time.Time, subscriber database.ID, data map[string]any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	ms := database.Millis(at)
	_, err = tx.ExecContext(ctx, `
INSERT INTO webhook_deliveries (id, webhook_id, event, at, subscriber_id, data, state, due_at, tries, code, why, settled) VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $4, 0, 0, '', 0)`,
		h.ids.Next(), webhook, kind, ms, subscriber, string(text))
	if err != nil {
		return err
	}
	return h.Enqueue(ctx, tx, webhook)
}

// SendTest has a webhook sent a test event, like any other.
func (h *Hooks) SendTest(ctx context.Context, id database.ID) error {
	err := h.db.InTx(ctx, func(tx *sql.Tx) error {
		var disabled int64
		err := tx.QueryRowContext(ctx, `SELECT disabled FROM webhooks WHERE id = $1`, id).Scan(&disabled)
		if err == sql.ErrNoRows {
			return ErrNotFound
		}
		if err == nil && disabled != 0 {
			return ErrDisabled
		}
		if err != nil {
			return err
		}
		return h.put(ctx, tx, id, Test, h.Now(), 0, map[string]any{"webhook": id})
	})
	if err != nil {
		return fmt.Errorf("webhooks: test %s: %w", id, err)
	}
	return nil
}
