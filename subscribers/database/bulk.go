package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Loading does what writes very much at once: for its time SQLite keeps more of
// an index in memory and brings what was committed into the file less often.
// What is committed is as safe as ever.
func (db *DB) Loading(ctx context.Context, do func() error) error {
	if db.kind != SQLite {
		return do()
	}
	if err := db.pace(ctx, loadingCache, loadingLog); err != nil {
		return err
	}
	err := do()
	return errors.Join(err, db.pace(context.WithoutCancel(ctx), usualCache, usualLog))
}

// How many KB of pages the writer keeps, and how many pages the log may have
// before a commit brings it into the file: as a rule, and while loading.
const (
	usualCache, usualLog     = 16384, 1000
	loadingCache, loadingLog = 24576, 16384
)

func (db *DB) pace(ctx context.Context, cache, log int) error {
	if _, err := db.write.ExecContext(ctx, fmt.Sprintf("PRAGMA cache_size = -%d; PRAGMA wal_autocheckpoint = %d", cache, log)); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

// Bulk puts many rows into a table at once, in the transaction it was given for.
type Bulk func(ctx context.Context, table string, columns []string, rows [][]any) error

// InBulkTx is InTx with a way to put in many rows at once where the database has
// one: PostgreSQL's COPY. bulk is nil where it has none.
func (db *DB) InBulkTx(ctx context.Context, do func(tx *sql.Tx, bulk Bulk) error) error {
	if db.kind != PostgreSQL {
		return db.InTx(ctx, func(tx *sql.Tx) error { return do(tx, nil) })
	}
	return retrying(func() error { return db.inBulkTx(ctx, do) })
}

func (db *DB) inBulkTx(ctx context.Context, do func(*sql.Tx, Bulk) error) error {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() // back to the pool
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after a commit
	bulk := func(ctx context.Context, table string, columns []string, rows [][]any) error {
		return conn.Raw(func(driver any) error {
			c, ok := driver.(*stdlib.Conn)
			if !ok {
				return errors.New("database: the driver is not pgx")
			}
			n, err := c.Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
			if err == nil && n != int64(len(rows)) {
				err = fmt.Errorf("database: %d of %d rows were copied into %s", n, len(rows), table)
			}
			return err
		})
	}
	if err := do(tx, bulk); err != nil {
		return err
	}
	return tx.Commit()
}
