// Package database is the storing floor: one small way to open SQLite or
// PostgreSQL, bring its tables up to date, and run transactions, with one query
// text for both.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Kind is the database behind a DB.
type Kind int

// The two databases.
const (
	SQLite Kind = iota
	PostgreSQL
)

// DB is an open database. On SQLite one connection writes and several read; on
// PostgreSQL both are one pool. Queries use $1 placeholders on both.
type DB struct {
	kind  Kind
	write *sql.DB
	read  *sql.DB
	path  string // of the file; empty for PostgreSQL

	shared  sharing
	commits atomic.Int64
}

// readers is how many SQLite connections read at once.
const readers = 4

// Open opens the database that url names: a file name for SQLite, or
// postgres://user@host/name. The file is made if it is not there; its folder is not.
func Open(ctx context.Context, url string) (*DB, error) {
	if isPostgreSQL(url) {
		return openPostgreSQL(ctx, url)
	}
	path := strings.TrimPrefix(url, "sqlite:")
	// The URL is not repeated: whatever it was meant for, it may hold a password.
	if scheme, _, found := strings.Cut(path, "://"); found {
		return nil, fmt.Errorf("database: %q is no kind of database known here: set a file name or a postgres:// URL", scheme+"://…")
	}
	if path == "" {
		return nil, errors.New("database: no database is named: set a file name or a postgres:// URL")
	}
	return openSQLite(ctx, path)
}

func isPostgreSQL(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// idleLimit ends a transaction that says nothing for so long: a process that was
// stopped in the middle of one must not hold its locks against the others.
const idleLimit = "10s"

func openPostgreSQL(ctx context.Context, url string) (*DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database: %w", withoutPassword(err))
	}
	config.RuntimeParams["application_name"] = "apta"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = idleLimit
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(20)
	pool.SetMaxIdleConns(20)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("database: cannot reach PostgreSQL: %w", withoutPassword(err)), pool.Close())
	}
	return &DB{kind: PostgreSQL, write: pool, read: pool}, nil
}

// withoutPassword keeps the driver's words, which name host, user and reason;
// only a connection string that cannot be parsed is repeated by it, password and all.
func withoutPassword(err error) error {
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) {
		return errors.New("the postgres:// URL cannot be read: it looks like postgres://user:password@host:5432/name")
	}
	return err
}

func openSQLite(ctx context.Context, path string) (*DB, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("database: %s is a folder: set a file in it", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("database: the folder of %s does not exist: make it first, or set another file", path)
	}
	if err := checkHeader(path); err != nil {
		return nil, err
	}
	// FULL is what a ledger needs: a commit that was answered survives a power cut.
	// 16 MB of pages let a large transaction change an index without writing its
	// pages out and reading them again.
	write, err := sql.Open("sqlite", dsn(path, lockWait, "_txlock=immediate", fmt.Sprintf("_pragma=cache_size(-%d)", usualCache), "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)"))
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	write.SetMaxOpenConns(1)
	if err := pingUnlessBusy(ctx, write); err != nil {
		return nil, errors.Join(sqliteReason(path, err), write.Close())
	}
	read, err := sql.Open("sqlite", dsn(path, lockWait, "_pragma=query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("database: %w", err), write.Close())
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return &DB{kind: SQLite, write: write, read: read, path: path}, nil
}

// pingUnlessBusy makes the first connection, which changes a new file to WAL.
// The busy time-out does not hold for that: SQLite refuses at once where
// another program is changing it too, so ten seconds of asking again are ours.
func pingUnlessBusy(ctx context.Context, pool *sql.DB) error {
	for try := 1; ; try++ {
		err := pool.PingContext(ctx)
		var e *sqlite.Error
		if try == 500 || !errors.As(err, &e) || e.Code()&0xff != sqlite3.SQLITE_BUSY {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lockWait is how long a connection waits for another one's lock.
const lockWait = 10 * time.Second

func dsn(path string, wait time.Duration, options ...string) string {
	options = append([]string{fmt.Sprintf("_pragma=busy_timeout(%d)", wait.Milliseconds()), "_pragma=foreign_keys(1)"}, options...)
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + strings.Join(options, "&")
}

// checkHeader refuses a file that is no SQLite database before SQLite opens it:
// its own words for that come late and without the file's name.
func checkHeader(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer f.Close()
	head := make([]byte, 16)
	n, _ := f.Read(head)
	if n > 0 && string(head[:n]) != "SQLite format 3\x00" {
		return fmt.Errorf("database: %s is not a SQLite database: set another file", path)
	}
	return nil
}

func sqliteReason(path string, err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
			return fmt.Errorf("database: %s cannot be written: check who owns the file and its folder (%w)", path, err)
		case sqlite3.SQLITE_BUSY:
			return fmt.Errorf("database: %s is kept busy by another program (%w)", path, err)
		}
	}
	return fmt.Errorf("database: open %s: %w", path, err)
}

// Kind says which database this is.
func (db *DB) Kind() Kind { return db.kind }

// Writer is the pool that may write; on SQLite it has one connection, so
// nothing else may be asked of it while a transaction is open.
func (db *DB) Writer() *sql.DB { return db.write }

// Query reads rows.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return db.read.QueryContext(ctx, query, args...)
}

// QueryRow reads one row.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return db.read.QueryRowContext(ctx, query, args...)
}

// Exec runs one statement in a transaction of its own.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	db.commits.Add(1)
	return db.write.ExecContext(ctx, query, args...)
}

// InTx runs do in one transaction: committed where do returns nil, rolled back
// otherwise. On SQLite it holds the write lock from its beginning. On PostgreSQL
// do is run again when the server broke it off for a deadlock.
func (db *DB) InTx(ctx context.Context, do func(*sql.Tx) error) error {
	return retrying(func() error { return db.inTx(ctx, do) })
}

// retrying does what the server may break off for a deadlock.
func retrying(do func() error) error {
	for try := 1; ; try++ {
		err := do()
		var pg *pgconn.PgError
		if try < 5 && errors.As(err, &pg) && (pg.Code == "40P01" || pg.Code == "40001") {
			continue
		}
		return err
	}
}

func (db *DB) inTx(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after a commit
	if err := do(tx); err != nil {
		return err
	}
	db.commits.Add(1)
	return tx.Commit()
}

// Commits is how many transactions this program has committed, or tried to,
// since it opened the database. Those of the job engine are not among them.
func (db *DB) Commits() int64 { return db.commits.Load() }

// Size is how many bytes the database takes on its disk, a SQLite file's
// write-ahead log included.
func (db *DB) Size(ctx context.Context) (bytes int64, err error) {
	if db.kind == PostgreSQL {
		err = db.QueryRow(ctx, `SELECT pg_database_size(current_database())`).Scan(&bytes)
		return bytes, err
	}
	for _, file := range []string{db.path, db.path + "-wal"} {
		info, err := os.Stat(file)
		if err == nil {
			bytes += info.Size()
		} else if !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	return bytes, nil
}

// Close closes all connections.
func (db *DB) Close() error {
	if db.read == db.write {
		return db.write.Close()
	}
	return errors.Join(db.read.Close(), db.write.Close())
}

// IsUnique reports whether err says that a row with the same key exists.
func IsUnique(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && (lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// Millis is how times are stored: milliseconds since 1970 in UTC.
func Millis(t time.Time) int64 { return t.UnixMilli() }

// FromMillis reads what Millis wrote.
func FromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
