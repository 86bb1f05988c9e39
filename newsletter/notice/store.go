package notice

import (
	"cmp"
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
func Schema() database.Schema { return database.SchemaIn(schemaFiles, "notice") }

const (
	patience = 7 * 24 * time.Hour   // after which a notice that no relay takes is given up
	memory   = 400 * 24 * time.Hour // for which a key is remembered
)

// Store keeps notices. Its methods are safe for concurrent use, by several
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

// document is what a notice says, as the table has it.
type document struct {
	Data  map[string]string `json:",omitempty"`
	Facts []Fact            `json:",omitempty"`
	Link  string            `json:",omitempty"`
}

// AddTx writes notices in the transaction of what they tell of. One whose key is
// known is left out.
func (s *Store) AddTx(ctx context.Context, tx *sql.Tx, notices ...Notice) error {
	for _, n := range notices {
		doc, err := json.Marshal(document{n.Data, n.Facts, n.Link})
		if err != nil {
			return fmt.Errorf("notice: add %s: %w", n.Kind, err)
		}
		id, now, expires := s.ids.Next(), database.Millis(s.now()), int64(0)
		if !n.Expires.IsZero() {
			expires = database.Millis(n.Expires)
		}
		_, err = tx.ExecContext(ctx, `
INSERT INTO notices (id, newsletter, key, kind, recipient, language, document, at, expires, due_at, tries, settled)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8, 0, 0) ON CONFLICT (key) DO NOTHING`,
			id, n.Newsletter, cmp.Or(n.Key, id.String()), string(n.Kind), n.To, n.Language, string(doc), now, expires)
		if err != nil {
			return fmt.Errorf("notice: add %s: %w", n.Kind, err)
		}
	}
	return nil
}

// Add is AddTx in a transaction of its own.
func (s *Store) Add(ctx context.Context, notices ...Notice) error {
	return s.db.InTx(ctx, func(tx *sql.Tx) error { return s.AddTx(ctx, tx, notices...) })
}

// Next gives the newsletter's notice that is due longest, and holds it back from
// others for a while: whoever sent it calls Sent, whoever could not Failed, and
// that of a process which died is given again. found is false where there is none.
func (s *Store) Next(ctx context.Context, newsletter string, hold time.Duration) (n Notice, found bool, err error) {
	now := s.now()
	var kind, doc string
	var expires int64
	// What makes a notice due is said twice: on PostgreSQL the inner query may have
	// seen it before another process took it.
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
UPDATE notices SET due_at = $1, tries = tries + 1
WHERE settled = 0 AND due_at <= $2 AND id = (
	SELECT id FROM notices WHERE newsletter = $3 AND settled = 0 AND due_at <= $2 AND (expires = 0 OR expires > $2) ORDER BY due_at, id LIMIT 1)
RETURNING id, newsletter, key, kind, recipient, language, document, expires, tries`, database.Millis(now.Add(hold)), database.Millis(now), newsletter).
			Scan(&n.ID, &n.Newsletter, &n.Key, &kind, &n.To, &n.Language, &doc, &expires, &n.Tries)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Notice{}, false, nil
	}
	var d document
	if err == nil {
		err = json.Unmarshal([]byte(doc), &d)
	}
	if err != nil {
		return Notice{}, false, fmt.Errorf("notice: next: %w", err)
	}
	n.Kind, n.Data, n.Facts, n.Link = Kind(kind), d.Data, d.Facts, d.Link
	if expires != 0 {
		n.Expires = database.FromMillis(expires)
	}
	return n, true, nil
}

// Sent settles a notice that a relay has taken. What it said is forgotten: it may
// have been a link that opens the desk.
func (s *Store) Sent(ctx context.Context, id database.ID) error {
	_, err := s.db.Exec(ctx, `UPDATE notices SET settled = $1, document = '{}' WHERE id = $2`, database.Millis(s.now()), id)
	if err != nil {
		return fmt.Errorf("notice: sent: %w", err)
	}
	return nil
}

// Failed has a notice tried again at a moment, or given up where it is zero.
func (s *Store) Failed(ctx context.Context, id database.ID, again time.Time) error {
	if again.IsZero() {
		return s.Sent(ctx, id)
	}
	if _, err := s.db.Exec(ctx, `UPDATE notices SET due_at = $1 WHERE id = $2 AND settled = 0`, database.Millis(again), id); err != nil {
		return fmt.Errorf("notice: failed: %w", err)
	}
	return nil
}

// Tend gives up what has expired or found no relay for a week, and forgets the
// keys of a year before. It is called every minute or so.
func (s *Store) Tend(ctx context.Context) error {
	now := s.now()
	_, err := s.db.Exec(ctx, `UPDATE notices SET settled = $1, document = '{}' WHERE settled = 0 AND (expires <> 0 AND expires <= $1 OR at <= $2)`,
		database.Millis(now), database.Millis(now.Add(-patience)))
	if err == nil {
		_, err = s.db.Exec(ctx, `DELETE FROM notices WHERE settled <> 0 AND at <= $1`, database.Millis(now.Add(-memory)))
	}
	if err != nil {
		return fmt.Errorf("notice: tend: %w", err)
	}
	return nil
}
