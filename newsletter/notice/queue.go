package notice

import (
	"context"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// Queue says how many notices wait to be sent, and since when the oldest does;
// the zero time where none waits.
func (s *Store) Queue(ctx context.Context) (waiting int, oldest time.Time, err error) {
	var at int64
	if err := s.db.QueryRow(ctx, `SELECT count(*), coalesce(min(at), 0) FROM notices WHERE settled = 0`).Scan(&waiting, &at); err != nil {
		return 0, oldest, fmt.Errorf("notice: queue: %w", err)
	}
	if waiting > 0 {
		oldest = database.FromMillis(at)
	}
	return waiting, oldest, nil
}
