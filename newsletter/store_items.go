package newsletter

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"apta/subscribers/database"
)

// ImportCount says what PutItems did with the items it was given.
type ImportCount struct{ New, Changed, Same int }

// Add sums two counts.
func (c *ImportCount) Add(o ImportCount) {
	c.New += o.New
	c.Changed += o.Changed
	c.Same += o.Same
}

const insertItem = `
INSERT INTO items (id, url, title, summary, source, theme, place, language, published, strand, position, bridge, latest, image, author)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
`

const addItem = insertItem + `ON CONFLICT (url) DO NOTHING`

const putItem = insertItem + `
ON CONFLICT (url) DO UPDATE SET title = excluded.title, summary = excluded.summary, source = excluded.source, theme = excluded.theme,
	place = excluded.place, language = excluded.language, published = excluded.published, strand = excluded.strand, position = excluded.position,
	bridge = excluded.bridge, latest = excluded.latest, image = excluded.image, author = excluded.author
WHERE (items.title, items.summary, items.source, items.theme, items.place, items.language, items.published, items.strand, items.position,
		items.bridge, items.latest, items.image, items.author)
	<> (excluded.title, excluded.summary, excluded.source, excluded.theme, excluded.place, excluded.language, excluded.published, excluded.strand,
		excluded.position, excluded.bridge, excluded.latest, excluded.image, excluded.author)
RETURNING id`

// PutItems stores items in one transaction. An item whose URL is stored already
// replaces what is there and keeps its ID; one that says nothing new changes nothing.
func (s *Store) PutItems(ctx context.Context, items []Item) (count ImportCount, err error) {
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		count = ImportCount{}
		put, err := tx.PrepareContext(ctx, putItem)
		if err != nil {
			return err
		}
		defer put.Close()
		for i := range items {
			it := &items[i]
			fresh := s.ids.Next()
			var id database.ID
			err := put.QueryRowContext(ctx, fresh, it.URL, it.Title, it.Summary, it.Source, it.Theme, it.Place, it.Language,
				database.Millis(it.Published), it.Strand, it.Order, it.Bridge, boolInt(it.Latest), it.Image, it.Author).Scan(&id)
			switch {
			case errors.Is(err, sql.ErrNoRows):
				count.Same++
			case err != nil:
				return fmt.Errorf("%s: %w", it.URL, err)
			case id == fresh:
				count.New++
				it.ID = id
			default:
				count.Changed++
				it.ID = id
			}
		}
		return nil
	})
	if err != nil {
		return ImportCount{}, fmt.Errorf("newsletter: store items: %w", err)
	}
	return count, nil
}

// AddItems stores the items whose URL is not stored yet, in one transaction, and
// leaves the others as they are: an editor may have been at them. The items that
// were stored are given their IDs, the others have none afterwards.
func (s *Store) AddItems(ctx context.Context, items []Item) (added int, err error) {
	if len(items) == 0 {
		return 0, nil
	}
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		added = 0
		put, err := tx.PrepareContext(ctx, addItem)
		if err != nil {
			return err
		}
		defer put.Close()
		for i := range items {
			it := &items[i]
			it.ID = s.ids.Next()
			res, err := put.ExecContext(ctx, it.ID, it.URL, it.Title, it.Summary, it.Source, it.Theme, it.Place, it.Language,
				database.Millis(it.Published), it.Strand, it.Order, it.Bridge, boolInt(it.Latest), it.Image, it.Author)
			if err != nil {
				return fmt.Errorf("%s: %w", it.URL, err)
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			if n == 0 {
				it.ID = 0
			}
			added += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("newsletter: add items: %w", err)
	}
	return added, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

const selectItem = `SELECT id, url, title, summary, source, theme, place, language, published, strand, position, bridge, latest, image, author,
	(SELECT count(DISTINCT t.source) FROM tellings t WHERE t.item = items.id) FROM items `

func scanItem(row interface{ Scan(...any) error }) (it Item, err error) {
	var published, latest int64
	err = row.Scan(&it.ID, &it.URL, &it.Title, &it.Summary, &it.Source, &it.Theme, &it.Place, &it.Language,
		&published, &it.Strand, &it.Order, &it.Bridge, &latest, &it.Image, &it.Author, &it.Others)
	it.Published, it.Latest = database.FromMillis(published), latest != 0
	return it, err
}

func (s *Store) items(ctx context.Context, query string, args ...any) ([]Item, error) {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("newsletter: read items: %w", err)
	}
	defer rows.Close()
	var items []Item
	for rows.Next() {
		it, err := scanItem(rows)
		if err != nil {
			return nil, fmt.Errorf("newsletter: read items: %w", err)
		}
		items = append(items, it)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("newsletter: read items: %w", err)
	}
	return items, nil
}

// ItemsIn gives the items published in the window, oldest first.
func (s *Store) ItemsIn(ctx context.Context, w Window) ([]Item, error) {
	return s.items(ctx, selectItem+`WHERE published >= $1 AND published < $2 ORDER BY published, id`, database.Millis(w.From), database.Millis(w.To))
}

// Items gives the newest items, at most limit of them, newest first.
func (s *Store) Items(ctx context.Context, limit int) ([]Item, error) {
	return s.items(ctx, selectItem+`ORDER BY published DESC, id DESC LIMIT $1`, limit)
}

// RemoveItem takes an item away. The issues that quote it keep their words.
func (s *Store) RemoveItem(ctx context.Context, id database.ID) error {
	if _, err := s.db.Exec(ctx, `DELETE FROM tellings WHERE item = $1`, id); err != nil {
		return fmt.Errorf("newsletter: remove item: %w", err)
	}
	res, err := s.db.Exec(ctx, `DELETE FROM items WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("newsletter: remove item: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("newsletter: remove item %s: %w", id, errors.Join(ErrNotFound, err))
	}
	return nil
}
