package database

import (
	"context"
	"database/sql"
)

// Snapshot runs do with a view of the database that nobody changes meanwhile:
// all its queries see the same moment. Nothing can be written in it.
func (db *DB) Snapshot(ctx context.Context, do func(*sql.Tx) error) error {
	opt := &sql.TxOptions{ReadOnly: true}
	if db.kind == PostgreSQL {
		opt.Isolation = sql.LevelRepeatableRead
	}
	tx, err := db.read.BeginTx(ctx, opt)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return do(tx)
}
