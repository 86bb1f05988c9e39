package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
)

// Schema is one room's tables: SQL files named 0001_what.sql, 0002_what.sql and
// so on, each run once and in order. They are written in a dialect that fits
// both databases after translate.
type Schema struct {
	Owner string
	Files fs.FS
}

// ErrNewer marks a database that a later version of the program has changed.
var ErrNewer = errors.New("the database is from a newer version of apta")

// Migrate brings the tables of every schema up to date. Nothing at all is
// written where one of them is newer than this program knows. Several programs
// may start at once.
func (db *DB) Migrate(ctx context.Context, schemas ...Schema) error {
	steps := make(map[string][]string)
	for _, s := range schemas {
		files, err := fs.Glob(s.Files, "*.sql") // sorted
		if err != nil {
			return fmt.Errorf("database: schema of %s: %w", s.Owner, err)
		}
		for i, name := range files {
			if n, err := strconv.Atoi(name[:min(4, len(name))]); err != nil || n != i+1 {
				return fmt.Errorf("database: schema of %s: %s should be number %04d", s.Owner, name, i+1)
			}
			text, err := fs.ReadFile(s.Files, name)
			if err != nil {
				return fmt.Errorf("database: schema of %s: %w", s.Owner, err)
			}
			steps[s.Owner] = append(steps[s.Owner], translate(db.kind, string(text)))
		}
	}
	current, err := db.versions(ctx, steps)
	if err != nil || current {
		return err
	}
	return db.InTx(ctx, func(tx *sql.Tx) error { return db.migrate(ctx, tx, schemas, steps) })
}

// versions reads how far each owner's tables are and refuses newer ones.
func (db *DB) versions(ctx context.Context, steps map[string][]string) (current bool, err error) {
	known, err := db.hasTable(ctx)
	if err != nil || !known {
		return false, err
	}
	current = true
	for owner, files := range steps {
		var v int
		err := db.QueryRow(ctx, `SELECT version FROM schema_version WHERE owner = $1`, owner).Scan(&v)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return false, fmt.Errorf("database: read version: %w", err)
		}
		if v > len(files) {
			return false, fmt.Errorf("database: %w: its tables of %s are at version %d, this program knows %d; nothing was changed", ErrNewer, owner, v, len(files))
		}
		current = current && v == len(files)
	}
	return current, nil
}

func (db *DB) hasTable(ctx context.Context) (bool, error) {
	query := `SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'`
	if db.kind == PostgreSQL {
		query = `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_version'`
	}
	var n int
	if err := db.QueryRow(ctx, query).Scan(&n); err != nil {
		return false, fmt.Errorf("database: read version: %w", err)
	}
	return n > 0, nil
}

// migrationLock is the advisory lock under which PostgreSQL programs migrate:
// the letters of "apta".
const migrationLock = 0x61707461

func (db *DB) migrate(ctx context.Context, tx *sql.Tx, schemas []Schema, steps map[string][]string) error {
	if db.kind == PostgreSQL {
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
			return fmt.Errorf("database: lock: %w", err)
		}
	}
	_, err := tx.ExecContext(ctx, translate(db.kind, `CREATE TABLE IF NOT EXISTS schema_version (owner TEXT PRIMARY KEY, version BIGINT NOT NULL) STRICT;`))
	if err != nil {
		return fmt.Errorf("database: schema_version: %w", err)
	}
	for _, s := range schemas {
		var v int
		err := tx.QueryRowContext(ctx, `SELECT version FROM schema_version WHERE owner = $1`, s.Owner).Scan(&v)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("database: read version: %w", err)
		}
		for ; v < len(steps[s.Owner]); v++ {
			if _, err := tx.ExecContext(ctx, steps[s.Owner][v]); err != nil {
				return fmt.Errorf("database: tables of %s, step %d: %w", s.Owner, v+1, err)
			}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO schema_version (owner, version) VALUES ($1, $2) ON CONFLICT (owner) DO UPDATE SET version = excluded.version`, s.Owner, v)
		if err != nil {
			return fmt.Errorf("database: write version: %w", err)
		}
	}
	return nil
}

// only marks lines of the one or the other database: what stands below "-- only
// SQLite" and "-- only PostgreSQL", up to the next such line or "-- both".
var only = regexp.MustCompile(`(?m)^-- (?:only (SQLite|PostgreSQL)|both)$`)

// ownLines leaves out the lines of other databases than this one.
func ownLines(kind Kind, text string) string {
	var b strings.Builder
	other := map[Kind]string{SQLite: "PostgreSQL", PostgreSQL: "SQLite"}[kind]
	from, skip := 0, false
	for _, m := range append(only.FindAllStringSubmatchIndex(text, -1), []int{len(text), len(text), -1, -1}) {
		if !skip {
			b.WriteString(text[from:m[0]])
		}
		from, skip = m[1], m[2] >= 0 && text[m[2]:m[3]] == other
	}
	return b.String()
}

var (
	tableOptions = regexp.MustCompile(`\)\s*(STRICT|WITHOUT ROWID)(,\s*(STRICT|WITHOUT ROWID))*\s*;`)
	bigint       = regexp.MustCompile(`\bBIGINT\b`)
	bytesType    = regexp.MustCompile(`\bBYTES\b`)
)

// translate makes one database's SQL of the common dialect: BIGINT and BYTES are
// its whole numbers and blobs, STRICT and WITHOUT ROWID its SQLite options. What
// has no common form, such as an index of words, is marked as of one database only.
func translate(kind Kind, text string) string {
	text = ownLines(kind, text)
	if kind == PostgreSQL {
		return bytesType.ReplaceAllString(tableOptions.ReplaceAllString(text, ");"), "BYTEA")
	}
	// STRICT tables know INTEGER only, which holds 64 bits.
	return strings.TrimSpace(bytesType.ReplaceAllString(bigint.ReplaceAllString(text, "INTEGER"), "BLOB"))
}
