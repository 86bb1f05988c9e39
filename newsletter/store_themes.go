package newsletter

import (
	"context"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// maxThemes is how many themes Themes gives: more would be no choice for a reader.
const maxThemes = 30

// Themes gives the themes of the items of a language published since a moment,
// those with most items first. An empty language is every one.
func (s *Store) Themes(ctx context.Context, language string, since time.Time) (list []string, err error) {
	rows, err := s.db.Query(ctx, `
SELECT theme FROM items WHERE published >= $1 AND theme <> '' AND (language = $2 OR language = '' OR $2 = '')
GROUP BY theme ORDER BY count(*) DESC, theme LIMIT $3`, database.Millis(since), language, maxThemes)
	if err != nil {
		return nil, fmt.Errorf("newsletter: themes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var theme string
		if err := rows.Scan(&theme); err != nil {
			return nil, fmt.Errorf("newsletter: themes: %w", err)
		}
		list = append(list, theme)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("newsletter: themes: %w", err)
	}
	return list, nil
}
