package newsletter

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// Visit notes that an editor looks at an issue, and gives when they last did
// before this visit: looks with less than gap between them are one. At the first
// visit it is zero.
func (s *Store) Visit(ctx context.Context, editor, issue database.ID, gap time.Duration) (before time.Time, err error) {
	now := database.Millis(s.now())
	var at, was int64
	err = s.db.QueryRow(ctx, `SELECT at, before FROM issue_visits WHERE editor = $1 AND issue_id = $2`, editor, issue).Scan(&at, &was)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return before, fmt.Errorf("newsletter: visit: %w", err)
	}
	first := err != nil
	if !first && now-at > gap.Milliseconds() {
		was = at
	}
	// Once a minute is enough, and spares the disk a commit a look.
	if first || now-at > time.Minute.Milliseconds() {
		_, err := s.db.Exec(ctx, `INSERT INTO issue_visits (editor, issue_id, at, before) VALUES ($1, $2, $3, $4)
ON CONFLICT (editor, issue_id) DO UPDATE SET at = excluded.at, before = excluded.before`, editor, issue, now, was)
		if err != nil {
			return before, fmt.Errorf("newsletter: visit: %w", err)
		}
	}
	if was != 0 {
		before = database.FromMillis(was)
	}
	return before, nil
}
