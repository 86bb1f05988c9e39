package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
)

// ErrNoFile marks a database that is not a file of its own, so that it cannot be
// copied by reading its pages: PostgreSQL has tools for that.
var ErrNoFile = errors.New("it is not a SQLite file")

// How a copy is made: so many pages (4 KB) at a time, with a pause in which
// whoever sends has the disk.
const (
	backupPages = 2048
	backupPause = 2 * time.Millisecond
)

// Backup copies a SQLite database, which others may go on writing, to a new file
// as it stood at one moment. The copy is read back: SQLite's own check of every
// page and index, and the number of rows of each table against the original at
// that moment. Only then does it get its name, so a file of that name is whole.
// It fails with fs.ErrExist where the file is there already. The file holds
// readers' addresses; nobody but its owner may read it.
func Backup(ctx context.Context, from, to string) ([]TableCount, error) {
	counts, err := backup(ctx, from, to)
	if err != nil {
		return nil, fmt.Errorf("database: backup: %w", err)
	}
	return counts, nil
}

func backup(ctx context.Context, from, to string) ([]TableCount, error) {
	path, err := sqliteFile(from)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(to); err == nil {
		return nil, fmt.Errorf("%s: %w", to, fs.ErrExist)
	}
	part, err := os.CreateTemp(filepath.Dir(to), ".apta-backup-*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(part.Name()) // does nothing once it is renamed
	if err := part.Close(); err != nil {
		return nil, err
	}
	counts, err := copyPages(ctx, path, part.Name())
	if err != nil {
		return nil, err
	}
	if err := verify(ctx, part.Name(), counts); err != nil {
		return nil, fmt.Errorf("the copy is not good and was removed: %w", err)
	}
	return counts, Place(part.Name(), to)
}

// sqliteFile gives the file of a database URL, which must be there.
func sqliteFile(url string) (string, error) {
	if isPostgreSQL(url) {
		return "", ErrNoFile
	}
	if _, err := os.Stat(url); err != nil {
		return "", fmt.Errorf("there is no database: %w", err)
	}
	return url, checkHeader(url)
}

// copyPages holds one view of the database from the first count to the last page:
// without it every commit of another would make SQLite begin anew, and a copy
// beside a busy sender would never end.
func copyPages(ctx context.Context, from, to string) (counts []TableCount, err error) {
	pool, err := sql.Open("sqlite", dsn(from, lockWait))
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `BEGIN`); err != nil {
		return nil, err
	}
	if counts, err = countTables(ctx, conn); err != nil {
		return nil, err
	}
	err = conn.Raw(func(c any) error {
		source, ok := c.(interface {
			NewBackup(string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("this driver of SQLite makes no copies")
		}
		b, err := source.NewBackup(dsn(to, lockWait))
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			if more, err = b.Step(backupPages); err == nil && more {
				err = sleep(ctx, backupPause)
			}
		}
		return errors.Join(err, b.Finish())
	})
	return counts, err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// queryer is a connection or a pool.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// countTables counts the rows of every table there is, whoever made it.
func countTables(ctx context.Context, q queryer) ([]TableCount, error) {
	rows, err := q.QueryContext(ctx, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var counts []TableCount
	for rows.Next() {
		var c TableCount
		if err := rows.Scan(&c.Table); err != nil {
			return nil, err
		}
		counts = append(counts, c)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for i := range counts {
		if err := q.QueryRowContext(ctx, `SELECT count(*) FROM "`+counts[i].Table+`"`).Scan(&counts[i].Rows); err != nil {
			return nil, fmt.Errorf("count %s: %w", counts[i].Table, err)
		}
	}
	return counts, nil
}

// verify reads a file that nobody writes: it is opened as one that never
// changes, so that no -wal and no -shm come to stand beside it.
func verify(ctx context.Context, file string, want []TableCount) error {
	pool, err := openUnchanging(file)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := checkIntegrity(ctx, pool); err != nil {
		return err
	}
	got, err := countTables(ctx, pool)
	if err != nil {
		return err
	}
	if len(got) != len(want) {
		return fmt.Errorf("it has %d tables, the original %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			return fmt.Errorf("%s has %d rows, the original's %s %d", got[i].Table, got[i].Rows, want[i].Table, want[i].Rows)
		}
	}
	return nil
}

func openUnchanging(file string) (*sql.DB, error) {
	pool, err := sql.Open("sqlite", dsn(file, lockWait, "mode=ro", "immutable=1", "_pragma=query_only(1)"))
	if err == nil {
		pool.SetMaxOpenConns(1)
	}
	return pool, err
}

// checkIntegrity has SQLite read every page, index and reference.
func checkIntegrity(ctx context.Context, q queryer) error {
	for _, check := range []string{`PRAGMA integrity_check(20)`, `PRAGMA foreign_key_check`} {
		rows, err := q.QueryContext(ctx, check)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var first string
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			into := make([]any, len(columns))
			into[0] = &first
			for i := range into[1:] {
				into[i+1] = new(any)
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			if first != "ok" {
				return fmt.Errorf("%s: %s", check, first)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
	}
	return nil
}

// CheckIntegrity has the database look for damage in itself. PostgreSQL has no
// such check that a user may run; there it only answers.
func (db *DB) CheckIntegrity(ctx context.Context) error {
	if db.kind == PostgreSQL {
		_, err := db.Exec(ctx, `SELECT 1`)
		return err
	}
	if err := checkIntegrity(ctx, db.read); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

// Place gives a finished file its name, for good: what it holds and the name are
// on the disk when it returns.
func Place(file, name string) error {
	if err := syncPath(file); err != nil {
		return err
	}
	if err := os.Rename(file, name); err != nil {
		return err
	}
	return syncPath(filepath.Dir(name))
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
