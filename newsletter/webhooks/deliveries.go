package webhooks

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// Delivery is one event as it was sent to a webhook, or is to be.
type Delivery struct {
	ID      string          `json:"id"` // the webhook-id
	Event   string          `json:"event"`
	At      time.Time       `json:"at"`    // when it happened
	State   string          `json:"state"` // waiting, delivered or failed
	Tries   int             `json:"tries"`
	Next    time.Time       `json:"next,omitzero"`    // when it is tried again
	Settled time.Time       `json:"settled,omitzero"` // when it was delivered or given up
	Code    int             `json:"code,omitempty"`   // of the last answer
	Why     string          `json:"why,omitempty"`
	Data    json.RawMessage `json:"data"` // without the address
}

// Deliveries gives at most limit of a webhook's deliveries, the newest first.
func (h *Hooks) Deliveries(ctx context.Context, webhook database.ID, limit int) (list []Delivery, err error) {
	if _, err := h.Find(ctx, webhook); err != nil {
		return nil, err
	}
	rows, err := h.db.Query(ctx, `
SELECT id, event, at, state, tries, due_at, settled, code, why, data FROM webhook_deliveries WHERE webhook_id = $1 ORDER BY id DESC LIMIT $2`, webhook, limit)
	if err != nil {
		return nil, fmt.Errorf("webhooks: deliveries: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var d Delivery
		var id database.ID
		var at, due, settled int64
		var data string
		if err := rows.Scan(&id, &d.Event, &at, &d.State, &d.Tries, &due, &settled, &d.Code, &d.Why, &data); err != nil {
			return nil, fmt.Errorf("webhooks: deliveries: %w", err)
		}
		d.ID, d.At, d.Data = "msg_"+id.String(), database.FromMillis(at), json.RawMessage(data)
		if settled != 0 {
			d.Settled = database.FromMillis(settled)
		} else {
			d.Next = database.FromMillis(due)
		}
		list = append(list, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("webhooks: deliveries: %w", err)
	}
	return list, nil
}
