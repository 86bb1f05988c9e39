package delivery

import (
	"context"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// Received is one line of the ledger as its reader may see it.
type Received struct {
	Issue database.ID `json:"issue"`
	State string      `json:"state"`
	At    time.Time   `json:"at"`
	Code  int         `json:"code,omitempty"` // the relay's reply
	Why   string      `json:"why,omitempty"`
}

// History gives what the ledger holds about one reader, the oldest send first.
func (l *Ledger) History(ctx context.Context, reader database.ID) ([]Received, error) {
	// From the sends, of which there are few: the ledger has no index by reader.
	rows, err := l.db.Query(ctx, `
SELECT d.issue_id, d.state, d.at, d.code, d.why
FROM sends s JOIN deliveries d ON d.issue_id = s.issue_id AND d.subscriber_id = $1 ORDER BY s.started, s.issue_id`, reader)
	if err != nil {
		return nil, fmt.Errorf("delivery: history: %w", err)
	}
	defer rows.Close()
	var list []Received
	for rows.Next() {
		var r Received
		var state State
		var at int64
		if err := rows.Scan(&r.Issue, &state, &at, &r.Code, &r.Why); err != nil {
			return nil, fmt.Errorf("delivery: history: %w", err)
		}
		r.State, r.At = state.String(), database.FromMillis(at)
		list = append(list, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("delivery: history: %w", err)
	}
	return list, nil
}
