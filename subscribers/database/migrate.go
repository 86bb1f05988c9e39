package database

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Schema is one room's tables: SQL files named 0001_what.sql, 0002_what.sql and
// so on, each run once and in order. They are written in a dialect that fits
// both databases after translate.
type Schema struct {
	Owner string
	Files fs.FS
	// Steps gives the SQL of a library that brings its own for each database. It
	// is run as it is, in place of Files.
	Steps func(Kind) ([]string, error)
}

// SchemaIn is the tables of the room that is called owner, whose files it has
// embedded from its folder schema.
func SchemaIn(embedded embed.FS, owner string) Schema {
	files, err := fs.Sub(embedded, "schema")
	if err != nil {
		panic(err) // the name is a valid one
	}
	return Schema{Owner: owner, Files: files}
}

// steps gives the schema's SQL for one database, in order.
func (s Schema) steps(kind Kind) ([]string, error) {
	if s.Steps != nil {
		return s.Steps(kind)
	}
	files, err := fs.Glob(s.Files, "*.sql") // sorted
	if err != nil {
		return nil, err
	}
	list := make([]string, len(files))
	for i, name := range files {
		if n, err := strconv.Atoi(name[:min(4, len(name))]); err != nil || n != i+1 {
			return nil, fmt.Errorf("%s should be number %04d", name, i+1)
		}
		text, err := fs.ReadFile(s.Files, name)
		if err != nil {
			return nil, err
		}
		list[i] = translate(kind, string(text))
	}
	return list, nil
}

// ErrNewer marks a database that a later version of the program has changed.
var ErrNewer = errors.New("the database is from a newer version of apta")

// Migrate brings the tables of every schema up to date. Nothing at all is
// written where one of them is newer than this program knows. Several programs
// may start at once.
func (db *DB) Migrate(ctx context.Context, schemas ...Schema) error {
	steps := make(map[string][]string)
	for _, s := range schemas {
		list, err := s.steps(db.kind)
		if err != nil {
			return fmt.Errorf("database: schema of %s: %w", s.Owner, err)
		}
		steps[s.Owner] = list
	}
	versions, err := db.Versions(ctx, schemas...)
	if err != nil {
		return err
	}
	if err := CheckNewer(versions); err != nil || !slices.ContainsFunc(versions, Version.behind) {
		return err
	}
	err = db.InTx(ctx, func(tx *sql.Tx) error {
		for _, s := range schemas {
			if s.Steps != nil {
				continue
			}
			if err := db.migrate(ctx, tx, s.Owner, steps[s.Owner], len(steps[s.Owner])); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	// A library's steps are written to be committed one by one: PostgreSQL does
	// not let the transaction that adds a value to an enumeration use it.
	for _, s := range schemas {
		for n := range steps[s.Owner] {
			if s.Steps == nil {
				break
			}
			if err := db.InTx(ctx, func(tx *sql.Tx) error { return db.migrate(ctx, tx, s.Owner, steps[s.Owner], n+1) }); err != nil {
				return err
			}
		}
	}
	return nil
}

func newer(owner string, version, known int) error {
	return fmt.Errorf("database: %w: its tables of %s are at version %d, this program knows %d; nothing was changed", ErrNewer, owner, version, known)
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

// migrate takes one owner's tables through those of the first upTo steps that
// they lack.
func (db *DB) migrate(ctx context.Context, tx *sql.Tx, owner string, steps []string, upTo int) error {
	if db.kind == PostgreSQL {
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
			return fmt.Errorf("database: lock: %w", err)
		}
	}
	_, err := tx.ExecContext(ctx, translate(db.kind, `CREATE TABLE IF NOT EXISTS schema_version (owner TEXT PRIMARY KEY, version BIGINT NOT NULL) STRICT;`))
	if err != nil {
		return fmt.Errorf("database: schema_version: %w", err)
	}
	var v int
	err = tx.QueryRowContext(ctx, `SELECT version FROM schema_version WHERE owner = $1`, owner).Scan(&v)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("database: read version: %w", err)
	}
	if v > len(steps) { // a newer program was faster to the lock
		return newer(owner, v, len(steps))
	}
	for ; v < upTo; v++ {
		if _, err := tx.ExecContext(ctx, steps[v]); err != nil {
			return fmt.Errorf("database: tables of %s, step %d: %w", owner, v+1, err)
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO schema_version (owner, version) VALUES ($1, $2) ON CONFLICT (owner) DO UPDATE SET version = excluded.version`, owner, v)
	if err != nil {
		return fmt.Errorf("database: write version: %w", err)
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
