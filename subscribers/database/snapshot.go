package database

import (
	"context"
	"database/sql"
)

// Snapshot runs do with a view of the database that nobody changes meanwhile:
// all its queries see the same moment. Nothing can be written in it.
func (db *DB) Snapshot(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := db.snapshot(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return do(tx)
}

func (db *DB) snapshot(ctx context.Context) (*sql.Tx, error) {
	opt := &sql.TxOptions{ReadOnly: true}
	if db.kind == PostgreSQL {
		opt.Isolation = sql.LevelRepeatableRead
	}
	return db.read.BeginTx(ctx, opt)
}
