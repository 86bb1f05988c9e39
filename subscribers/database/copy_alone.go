package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrShared marks a database that another program has open.
var ErrShared = errors.New("another program has it open")

// OpenAlone opens an existing database that nobody else has open, and keeps it so
// where it can: a SQLite file is locked until Close. It fails with ErrShared
// where another program is there; on PostgreSQL that is another apta.
func OpenAlone(ctx context.Context, url string) (*DB, error) {
	if isPostgreSQL(url) {
		return openAlonePostgreSQL(ctx, url)
	}
	path := strings.TrimPrefix(url, "sqlite:")
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("database: there is no database to open: %w", err)
	}
	if err := checkHeader(path); err != nil {
		return nil, err
	}
	// In this mode SQLite takes the file's lock for good with its first look, and
	// in WAL mode every other connection holds a share of that lock while it is open.
	pool, err := sql.Open("sqlite", dsn(path, time.Second, "_txlock=immediate", "_pragma=locking_mode(EXCLUSIVE)", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)"))
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	pool.SetMaxOpenConns(1)
	if _, err := pool.ExecContext(ctx, `BEGIN IMMEDIATE; COMMIT`); err != nil {
		var e *sqlite.Error
		if errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY {
			return nil, errors.Join(fmt.Errorf("database: %s: %w", path, ErrShared), pool.Close())
		}
		return nil, errors.Join(sqliteReason(path, err), pool.Close())
	}
	return &DB{kind: SQLite, write: pool, read: pool}, nil
}

func openAlonePostgreSQL(ctx context.Context, url string) (*DB, error) {
	db, err := openPostgreSQL(ctx, url)
	if err != nil {
		return nil, err
	}
	var others int
	err = db.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'apta' AND pid <> pg_backend_pid()`).Scan(&others)
	if err == nil && others > 0 {
		err = fmt.Errorf("PostgreSQL: %w (%d connections)", ErrShared, others)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("database: %w", err), db.Close())
	}
	return db, nil
}
