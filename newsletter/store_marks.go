package newsletter

import (
	"context"
	"fmt"

	"apta/subscribers/database"
)

// Mark is what an editor said about one item.
type Mark string

// A pinned item opens the review, one that is excluded stays out of it.
const (
	Pinned   Mark = "pin"
	Excluded Mark = "exclude"
)

// ItemMark is a mark of an item in a week; in every one where Week is empty.
type ItemMark struct {
	URL  string
	Week string
	Mark Mark
}

// HasItem reports whether an item of that URL is stored.
func (s *Store) HasItem(ctx context.Context, url string) (bool, error) {
	var n int
	if err := s.db.QueryRow(ctx, `SELECT count(*) FROM items WHERE url = $1`, url).Scan(&n); err != nil {
		return false, fmt.Errorf("newsletter: item %s: %w", url, err)
	}
	return n > 0, nil
}

// MarkItem says what is to become of an item when a newsletter's week is
// assembled. What was said about it for the same week before is forgotten.
func (s *Store) MarkItem(ctx context.Context, newsletter string, m ItemMark) error {
	_, err := s.db.Exec(ctx, `
INSERT INTO item_marks (newsletter, url, week, mark, at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (newsletter, url, week) DO UPDATE SET mark = excluded.mark, at = excluded.at`, newsletter, m.URL, m.Week, string(m.Mark), database.Millis(s.now()))
	if err != nil {
		return fmt.Errorf("newsletter: mark item: %w", err)
	}
	return nil
}

// FreeItem forgets what was said about an item for a week, or ErrNotFound.
func (s *Store) FreeItem(ctx context.Context, newsletter, url, week string) error {
	res, err := s.db.Exec(ctx, `DELETE FROM item_marks WHERE newsletter = $1 AND url = $2 AND week = $3`, newsletter, url, week)
	if err == nil {
		var n int64
		if n, err = res.RowsAffected(); err == nil && n == 0 {
			err = ErrNotFound
		}
	}
	if err != nil {
		return fmt.Errorf("newsletter: free item: %w", err)
	}
	return nil
}

// Marks gives what holds for a week, in the order in which it was said. What was
// said about an item for this week comes before what was said for all.
func (s *Store) Marks(ctx context.Context, newsletter, week string) (list []ItemMark, err error) {
	rows, err := s.db.Query(ctx, `SELECT url, week, mark FROM item_marks WHERE newsletter = $1 AND week IN ('', $2) ORDER BY at, url, week`, newsletter, week)
	if err != nil {
		return nil, fmt.Errorf("newsletter: marks: %w", err)
	}
	defer rows.Close()
	own := map[string]bool{}
	for rows.Next() {
		var m ItemMark
		var mark string
		if err := rows.Scan(&m.URL, &m.Week, &mark); err != nil {
			return nil, fmt.Errorf("newsletter: marks: %w", err)
		}
		m.Mark = Mark(mark)
		own[m.URL] = own[m.URL] || m.Week != ""
		list = append(list, m)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("newsletter: marks: %w", err)
	}
	held := list[:0]
	for _, m := range list {
		if m.Week != "" || !own[m.URL] {
			held = append(held, m)
		}
	}
	return held, nil
}
