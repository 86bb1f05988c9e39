package feeds

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"apta/subscribers/database"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// Schema is the tables of this package.
func Schema() database.Schema { return database.SchemaIn(schemaFiles, "feeds") }

// Reasons why a feed is not stored.
var (
	ErrNotFound = errors.New("there is no such feed")
	ErrTaken    = errors.New("that feed is followed already")
)

// Store keeps feeds. Its methods are safe for concurrent use, by several
// processes too.
type Store struct {
	db  *database.DB
	ids *database.IDs
	now func() time.Time
}

// NewStore makes a store over a migrated database.
func NewStore(db *database.DB, ids *database.IDs, now func() time.Time) *Store {
	return &Store{db: db, ids: ids, now: now}
}

const columns = `id, url, title, source, theme, place, language, role, rules, added, etag, modified, polled, due, failures, error, note, entries, fresh`

func scanFeed(row interface{ Scan(...any) error }) (f Feed, err error) {
	var rules string
	var added, polled, due int64
	err = row.Scan(&f.ID, &f.URL, &f.Title, &f.Source, &f.Theme, &f.Place, &f.Language, &f.Role, &rules, &added, &f.etag, &f.modified, &polled, &due,
		&f.Failures, &f.Error, &f.Note, &f.Entries, &f.New)
	if err != nil {
		return f, err
	}
	f.Added, f.Due = database.FromMillis(added), database.FromMillis(due)
	if polled != 0 {
		f.Polled = database.FromMillis(polled)
	}
	return f, json.Unmarshal([]byte(rules), &f.Rules)
}

// Add stores a new feed, due at once, and gives it its ID.
func (s *Store) Add(ctx context.Context, f *Feed) error {
	if err := f.Check(); err != nil {
		return fmt.Errorf("feeds: add %s: %w", f.URL, err)
	}
	rules, err := json.Marshal(f.Rules)
	if err != nil {
		return fmt.Errorf("feeds: add: %w", err)
	}
	now := s.now().UTC().Truncate(time.Millisecond)
	f.ID, f.Added, f.Due = s.ids.Next(), now, now
	res, err := s.db.Exec(ctx, `INSERT INTO feeds (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '', 0, $10, 0, '', '', 0, 0)
		ON CONFLICT (url) DO NOTHING`, f.ID, f.URL, f.Title, f.Source, f.Theme, f.Place, f.Language, f.Role, string(rules), database.Millis(now))
	if err != nil {
		return fmt.Errorf("feeds: add: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("feeds: add %s: %w", f.URL, errors.Join(ErrTaken, err))
	}
	return nil
}

// Set stores what a person may say of a feed: all but its address and how it fared.
func (s *Store) Set(ctx context.Context, f Feed) error {
	if err := f.Check(); err != nil {
		return fmt.Errorf("feeds: set %s: %w", f.ID, err)
	}
	rules, err := json.Marshal(f.Rules)
	if err != nil {
		return fmt.Errorf("feeds: set: %w", err)
	}
	res, err := s.db.Exec(ctx, `UPDATE feeds SET source = $2, theme = $3, place = $4, language = $5, role = $6, rules = $7 WHERE id = $1`,
		f.ID, f.Source, f.Theme, f.Place, f.Language, f.Role, string(rules))
	return s.one(res, err, "set", f.ID)
}

// Remove forgets a feed. Its items stay.
func (s *Store) Remove(ctx context.Context, id database.ID) error {
	return s.db.InTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM feed_seen WHERE feed = $1`, id); err != nil {
			return fmt.Errorf("feeds: remove: %w", err)
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM feeds WHERE id = $1`, id)
		return s.one(res, err, "remove", id)
	})
}

func (s *Store) one(res sql.Result, err error, what string, id database.ID) error {
	if err != nil {
		return fmt.Errorf("feeds: %s: %w", what, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("feeds: %s %s: %w", what, id, errors.Join(ErrNotFound, err))
	}
	return nil
}

// Feed gives one feed.
func (s *Store) Feed(ctx context.Context, id database.ID) (Feed, error) {
	f, err := scanFeed(s.db.QueryRow(ctx, `SELECT `+columns+` FROM feeds WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return f, fmt.Errorf("feeds: read %s: %w", id, err)
	}
	return f, nil
}

// All gives every feed in the order in which they were added.
func (s *Store) All(ctx context.Context) ([]Feed, error) {
	return s.list(ctx, `SELECT `+columns+` FROM feeds ORDER BY id`)
}

// Due gives the feeds whose time has come, the longest overdue first.
func (s *Store) Due(ctx context.Context) ([]Feed, error) {
	return s.list(ctx, `SELECT `+columns+` FROM feeds WHERE due <= $1 ORDER BY due, id`, database.Millis(s.now()))
}

func (s *Store) list(ctx context.Context, query string, args ...any) (list []Feed, err error) {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("feeds: list: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		f, err := scanFeed(rows)
		if err != nil {
			return nil, fmt.Errorf("feeds: list: %w", err)
		}
		list = append(list, f)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("feeds: list: %w", err)
	}
	return list, nil
}
