package newsletter

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"time"

	"apta/subscribers/database"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// Schema is the tables of this package.
func Schema() database.Schema { return database.SchemaIn(schemaFiles, "newsletter") }

// ErrNotFound marks an item or issue that is not stored.
var ErrNotFound = errors.New("not found")

// Store keeps items, issues, editions and slots. Its methods are safe for
// concurrent use, by several processes too.
type Store struct {
	db  *database.DB
	ids *database.IDs
	now func() time.Time

	tellSent func(context.Context, *sql.Tx, Issue) error // nil where nobody listens
}

// NewStore makes a store over a migrated database; now is the clock it stamps rows with.
func NewStore(db *database.DB, ids *database.IDs, now func() time.Time) *Store {
	return &Store{db: db, ids: ids, now: now}
}

// InTx does something in one transaction, for what is written beside issues and
// has no change of theirs to go with.
func (s *Store) InTx(ctx context.Context, do func(*sql.Tx) error) error { return s.db.InTx(ctx, do) }

// TellingSent is the same store that tells somebody of every issue whose send has
// ended, in the transaction that says so. Its Note says "cancelled" where not
// everybody has it.
func (s *Store) TellingSent(tell func(context.Context, *sql.Tx, Issue) error) *Store {
	other := *s
	other.tellSent = tell
	return &other
}
