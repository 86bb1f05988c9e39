package feeds

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// How long it is remembered that a feed has shown an entry, and how often that is
// written down anew while it goes on showing it.
const (
	forgetAfter = 180 * 24 * time.Hour
	renewAfter  = 30 * 24 * time.Hour
)

// seen gives the marks of the entries that a feed has shown before, with when that
// was last written down.
func (s *Store) seen(ctx context.Context, feed database.ID) (map[int64]time.Time, error) {
	rows, err := s.db.Query(ctx, `SELECT mark, at FROM feed_seen WHERE feed = $1`, feed)
	if err != nil {
		return nil, fmt.Errorf("feeds: read what was seen: %w", err)
	}
	defer rows.Close()
	marks := map[int64]time.Time{}
	for rows.Next() {
		var mark, at int64
		if err := rows.Scan(&mark, &at); err != nil {
			return nil, fmt.Errorf("feeds: read what was seen: %w", err)
		}
		marks[mark] = database.FromMillis(at)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("feeds: read what was seen: %w", err)
	}
	return marks, nil
}

// settle writes down how a poll went and what the feed has shown. A feed that is
// no longer there is left alone; a new address that another feed has is not taken.
func (s *Store) settle(ctx context.Context, f Feed, shown []int64) error {
	now := database.Millis(s.now())
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE feeds SET title = $2, etag = $3, modified = $4, polled = $5, due = $6, failures = $7, error = $8, note = $9, entries = $10, fresh = $11
			WHERE id = $1`, f.ID, f.Title, f.etag, f.modified, database.Millis(f.Polled), database.Millis(f.Due), f.Failures, f.Error, f.Note, f.Entries, f.New)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE feeds SET url = $2 WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM feeds WHERE url = $2)`, f.ID, f.URL); err != nil {
			return err
		}
		if len(shown) == 0 {
			return nil
		}
		put, err := tx.PrepareContext(ctx, `INSERT INTO feed_seen (feed, mark, at) VALUES ($1, $2, $3) ON CONFLICT (feed, mark) DO UPDATE SET at = excluded.at`)
		if err != nil {
			return err
		}
		defer put.Close()
		for _, mark := range shown {
			if _, err := put.ExecContext(ctx, f.ID, mark, now); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM feed_seen WHERE feed = $1 AND at < $2`, f.ID, now-forgetAfter.Milliseconds())
		return err
	})
	if err != nil {
		return fmt.Errorf("feeds: settle %s: %w", f.URL, err)
	}
	return nil
}
