package webhooks

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"apta/newsletter/intake/fetch"
	"apta/subscribers/database"
)

// ErrDisabled marks a webhook that was given up.
var ErrDisabled = errors.New("the webhook was given up: enable it first")

// When an event that failed is tried again, each counted from the failure before;
// after the last it is given up, some three days later.
var again = [...]time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
	14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// What holds for a webhook as a whole.
const (
	firstRest = 5 * time.Second  // after a failure; twice as long after the next
	longRest  = 10 * time.Minute // and at most
	giveUp    = 5 * 24 * time.Hour
	hold      = time.Minute // after which what a process that died was sending is sent again
	keepFor   = 30 * 24 * time.Hour
)

// delivery is one event on its way.
type delivery struct {
	id, subscriber database.ID
	kind, data     string
	at             time.Time
	tries          int
}

// Deliver sends a webhook what is due, the oldest first, for as long as begin
// lasts. more says that something is due still. An answer that is not good is no
// error: it is written down, and the event waits for its next try.
func (h *Hooks) Deliver(ctx context.Context, id database.ID, begin time.Duration) (more bool, err error) {
	for from := time.Now(); ; {
		w, err := h.Find(ctx, id)
		if errors.Is(err, ErrNotFound) || err == nil && (!w.Disabled.IsZero() || w.rest.After(h.Now())) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if time.Since(from) >= begin {
			return true, nil
		}
		d, found, err := h.take(ctx, id)
		if err != nil || !found {
			return false, err
		}
		answer, err := h.send(ctx, w, d)
		if err != nil {
			return false, err
		}
		if ctx.Err() != nil {
			return false, ctx.Err() // broken off by us: it is sent again after hold
		}
		if err := h.settle(ctx, w, d, answer); err != nil {
			return false, err
		}
	}
}

// take takes the oldest event that is due, and keeps it from others for a while.
func (h *Hooks) take(ctx context.Context, webhook database.ID) (d delivery, found bool, err error) {
	now := h.Now()
	var at int64
	// What makes it due is said twice: on PostgreSQL the inner query may have seen it
	// before another process took it.
	err = h.db.InTx(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
UPDATE webhook_deliveries SET due_at = $1, tries = tries + 1
WHERE state = 'waiting' AND due_at <= $2 AND id = (
	SELECT id FROM webhook_deliveries WHERE webhook_id = $3 AND state = 'waiting' AND due_at <= $2 ORDER BY due_at, id LIMIT 1)
RETURNING id, event, at, subscriber_id, data, tries`, database.Millis(now.Add(hold)), database.Millis(now), webhook).
			Scan(&d.id, &d.kind, &at, &d.subscriber, &d.data, &d.tries)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return d, false, nil
	}
	if err != nil {
		return d, false, fmt.Errorf("webhooks: deliver: %w", err)
	}
	d.at = database.FromMillis(at)
	return d, true, nil
}

// send makes the message and posts it. The answer is nil where it was taken.
func (h *Hooks) send(ctx context.Context, w Webhook, d delivery) (answer, err error) {
	data := map[string]any{}
	if err := json.Unmarshal([]byte(d.data), &data); err != nil {
		return nil, fmt.Errorf("webhooks: event %s: %w", d.id, err)
	}
	if w.WithAddress && d.subscriber != 0 {
		email, err := h.Address(ctx, d.subscriber)
		if err != nil {
			return nil, fmt.Errorf("webhooks: event %s: %w", d.id, err)
		}
		if email != "" {
			data["email"] = email
		}
	}
	body, err := json.Marshal(map[string]any{"type": d.kind, "timestamp": d.at.UTC().Format(time.RFC3339Nano), "data": data})
	if err != nil {
		return nil, fmt.Errorf("webhooks: event %s: %w", d.id, err)
	}
	return h.Post.Post(ctx, w.URL, header(h.Options.Secret(w.ID), "msg_"+d.id.String(), h.Now(), body), body), nil
}

// settle writes down what came of an attempt.
func (h *Hooks) settle(ctx context.Context, w Webhook, d delivery, answer error) error {
	now := h.Now()
	err := h.db.InTx(ctx, func(tx *sql.Tx) error {
		if answer == nil {
			_, err := tx.ExecContext(ctx, `UPDATE webhook_deliveries SET state = 'delivered', settled = $1, code = 0, why = '' WHERE id = $2`, database.Millis(now), d.id)
			if err == nil && w.Failures > 0 {
				_, err = tx.ExecContext(ctx, `UPDATE webhooks SET failures = 0, failing_since = 0, rest_until = 0, why = '' WHERE id = $1`, w.ID)
			}
			return err
		}
		return h.failed(ctx, tx, w, d, answer, now)
	})
	if err != nil {
		return fmt.Errorf("webhooks: settle: %w", err)
	}
	return nil
}

func (h *Hooks) failed(ctx context.Context, tx *sql.Tx, w Webhook, d delivery, answer error, now time.Time) error {
	code, wait := 0, time.Duration(0)
	var status *fetch.StatusError
	if errors.As(answer, &status) {
		code, wait = status.Code, min(status.RetryAfter, 24*time.Hour)
	}
	log, why := h.Log.With("webhook", w.ID, "event", d.kind, "delivery", d.id, "try", d.tries), answer.Error()
	state, due, settled := "waiting", now, int64(0)
	if d.tries > len(again) {
		state, settled = "failed", database.Millis(now)
		log.Error("a webhook did not take an event, given up", "err", answer)
	} else {
		due = now.Add(max(again[d.tries-1], wait))
		log.Warn("a webhook did not take an event, trying again", "at", due, "err", answer)
	}
	_, err := tx.ExecContext(ctx, `UPDATE webhook_deliveries SET state = $1, due_at = $2, settled = $3, code = $4, why = $5 WHERE id = $6`,
		state, database.Millis(due), settled, code, why, d.id)
	if err != nil {
		return err
	}
	since, disabled := w.FailingSince, int64(0)
	if since.IsZero() {
		since = now
	}
	// 410 is how a receiver says that it wants no more.
	if code == http.StatusGone || now.Sub(since) >= giveUp {
		disabled = database.Millis(now)
		log.Error("a webhook was given up: apta webhook enable has it told again", "failing since", since, "err", answer)
	}
	rest := max(min(firstRest<<min(w.Failures, 16), longRest), min(wait, longRest))
	_, err = tx.ExecContext(ctx, `UPDATE webhooks SET failures = failures + 1, failing_since = $1, rest_until = $2, disabled = $3, why = $4 WHERE id = $5`,
		database.Millis(since), database.Millis(now.Add(rest)), disabled, why, w.ID)
	return err
}

// Tend has Deliver called for every webhook that has something due, and forgets
// what was settled a month ago. It is called every minute.
func (h *Hooks) Tend(ctx context.Context) error {
	now := h.Now()
	rows, err := h.db.Query(ctx, selectWebhook+`
WHERE disabled = 0 AND rest_until <= $1 AND EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = webhooks.id AND d.state = 'waiting' AND d.due_at <= $1) ORDER BY id`, database.Millis(now))
	if err != nil {
		return fmt.Errorf("webhooks: tend: %w", err)
	}
	list, err := scanAll(rows)
	for _, w := range list {
		if err == nil {
			err = h.db.InTx(ctx, func(tx *sql.Tx) error { return h.Enqueue(ctx, tx, w.ID) })
		}
	}
	if err == nil {
		_, err = h.db.Exec(ctx, `DELETE FROM webhook_deliveries WHERE state <> 'waiting' AND settled <= $1`, database.Millis(now.Add(-keepFor)))
	}
	if err != nil {
		return fmt.Errorf("webhooks: tend: %w", err)
	}
	return nil
}
