package newsletter

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// Telling is an item's story as another source told it.
type Telling struct {
	Item      database.ID `json:"item"`
	URL       string      `json:"url"` // canonical, unique
	Source    string      `json:"source"`
	Title     string      `json:"title"`
	Published time.Time   `json:"published"`
}

// AddTellings stores in one transaction who else told the story of an item. One
// whose URL is known, as a telling or as an item, is left out.
func (s *Store) AddTellings(ctx context.Context, list []Telling) error {
	if len(list) == 0 {
		return nil
	}
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		for _, t := range list {
			var known int
			if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM items WHERE url = $1`, t.URL).Scan(&known); err != nil {
				return err
			}
			if known > 0 {
				continue
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO tellings (url, item, source, title, published) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (url) DO NOTHING`,
				t.URL, t.Item, t.Source, t.Title, database.Millis(t.Published))
			if err != nil {
				return fmt.Errorf("%s: %w", t.URL, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("newsletter: add tellings: %w", err)
	}
	return nil
}

// Tellings gives who else told an item's story, the oldest first.
func (s *Store) Tellings(ctx context.Context, item database.ID) (list []Telling, err error) {
	rows, err := s.db.Query(ctx, `SELECT item, url, source, title, published FROM tellings WHERE item = $1 ORDER BY published, url`, item)
	if err != nil {
		return nil, fmt.Errorf("newsletter: read tellings: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t Telling
		var published int64
		if err := rows.Scan(&t.Item, &t.URL, &t.Source, &t.Title, &published); err != nil {
			return nil, fmt.Errorf("newsletter: read tellings: %w", err)
		}
		t.Published = database.FromMillis(published)
		list = append(list, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("newsletter: read tellings: %w", err)
	}
	return list, nil
}
