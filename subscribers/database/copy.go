package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
)

// ErrNotEmpty marks a database to copy to that holds rows already.
var ErrNotEmpty = errors.New("it is not empty")

// TableCount is how many rows of a table were copied.
type TableCount struct {
	Table string
	Rows  int64
}

// Copy copies every table of the schemas from one database to another, empty
// one, and gives the number of rows of each. Both are brought up to date first.
// The source is read as it stood at one moment. The target is written in one
// transaction, so that an error or a kill leaves it as empty as it was, and is
// read back and held against the source, row for row, before the commit.
// progress is told how many of the rows were written and read back so far.
func Copy(ctx context.Context, from, to *DB, schemas []Schema, progress func(done, total int64)) ([]TableCount, error) {
	tables, err := tablesOf(ctx, schemas)
	if err != nil {
		return nil, err
	}
	for _, db := range []*DB{from, to} {
		if err := db.Migrate(ctx, schemas...); err != nil {
			return nil, err
		}
	}
	source, err := from.longSnapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("database: copy: %w", err)
	}
	defer source.Rollback()
	c := &copying{seed: maphash.MakeSeed(), from: source, progress: progress}
	for _, t := range tables {
		var n int64
		if err := source.QueryRowContext(ctx, `SELECT count(*) FROM `+t.name).Scan(&n); err != nil {
			return nil, fmt.Errorf("database: copy: %s: %w", t.name, err)
		}
		c.total += 2 * n
	}
	counts, err := c.into(ctx, to, tables)
	if err != nil {
		return nil, fmt.Errorf("database: copy: %w", err)
	}
	if _, err := to.Exec(ctx, `ANALYZE`); err != nil {
		return nil, fmt.Errorf("database: copy: the rows are there, but ANALYZE failed: %w", err)
	}
	return counts, nil
}

// copying is one run of Copy.
type copying struct {
	seed        maphash.Seed
	from        *sql.Tx
	done, total int64
	progress    func(done, total int64)
}

// into writes all tables in one transaction of the target.
func (c *copying) into(ctx context.Context, to *DB, tables []table) (counts []TableCount, err error) {
	conn, err := to.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // does nothing after a commit
	if err := lockEmpty(ctx, to.kind, tx, tables); err != nil {
		return nil, err
	}
	for i := range tables {
		t := &tables[i]
		n, err := c.table(ctx, to.kind, conn, tx, t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		counts = append(counts, TableCount{t.name, n})
	}
	return counts, tx.Commit()
}

// lockEmpty keeps others from writing to the tables and takes away the rows
// that Migrate put there. It fails with ErrNotEmpty where there are further ones.
func lockEmpty(ctx context.Context, kind Kind, tx *sql.Tx, tables []table) error {
	if kind == PostgreSQL {
		if _, err := tx.ExecContext(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
			return err
		}
	}
	for _, t := range tables {
		if kind == PostgreSQL {
			if _, err := tx.ExecContext(ctx, `LOCK TABLE `+t.name+` IN EXCLUSIVE MODE`); err != nil {
				return err
			}
		}
		var n int64
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM `+t.name).Scan(&n); err != nil {
			return err
		}
		if n > t.seeds {
			return fmt.Errorf("%w: %s has %d rows; nothing was changed", ErrNotEmpty, t.name, n)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+t.name); err != nil {
			return err
		}
	}
	return nil
}

// table copies one table and verifies it.
func (c *copying) table(ctx context.Context, kind Kind, conn *sql.Conn, tx *sql.Tx, t *table) (int64, error) {
	in, err := c.read(ctx, c.from, t)
	if err != nil {
		return 0, err
	}
	defer in.rows.Close()
	in.check = kind == PostgreSQL
	if kind == PostgreSQL {
		err = copyIn(ctx, conn, t, in)
	} else {
		err = insert(ctx, tx, t, in)
	}
	if err := errors.Join(in.err, err); err != nil {
		return 0, err
	}
	back, err := c.read(ctx, tx, t)
	if err != nil {
		return 0, err
	}
	defer back.rows.Close()
	for back.Next() {
	}
	if back.err != nil {
		return 0, back.err
	}
	if back.count != in.count || back.sum != in.sum {
		return 0, fmt.Errorf("what was written differs from what was read (%d rows, checksum %016x; %d rows, checksum %016x)", in.count, in.sum, back.count, back.sum)
	}
	return in.count, nil
}

// longSnapshot is a snapshot that may be silent for long.
func (db *DB) longSnapshot(ctx context.Context) (*sql.Tx, error) {
	tx, err := db.snapshot(ctx)
	if err != nil || db.kind == SQLite {
		return tx, err
	}
	// It says nothing while the other database is written and read back.
	if _, err := tx.ExecContext(ctx, `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}
