package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// sharing gathers small transactions that are waiting at the same moment.
type sharing struct {
	mu      sync.Mutex
	waiting []*share
	working bool
}

// share is one caller's part of a commit.
type share struct {
	ctx      context.Context
	do       func(*sql.Tx) error
	err      error
	panicked any
	done     chan struct{}
}

// maxShares bounds a commit, and so how long the first of its callers waits.
const maxShares = 64

// InSharedTx is InTx for small transactions that many visitors cause. On SQLite,
// where one connection writes, those that come while a commit is on its way to
// the disk go together in the next, each in a savepoint: one that fails undoes
// nothing of the others. It returns when the commit is on the disk. PostgreSQL
// does the same by itself.
func (db *DB) InSharedTx(ctx context.Context, do func(*sql.Tx) error) error {
	if db.kind == PostgreSQL {
		return db.InTx(ctx, do)
	}
	s := &share{ctx: ctx, do: do, done: make(chan struct{})}
	db.shared.mu.Lock()
	db.shared.waiting = append(db.shared.waiting, s)
	start := !db.shared.working
	db.shared.working = true
	db.shared.mu.Unlock()
	if start {
		go db.workShares()
	}
	<-s.done
	if s.panicked != nil {
		panic(s.panicked)
	}
	return s.err
}

// workShares commits until nothing waits.
func (db *DB) workShares() {
	for {
		db.shared.mu.Lock()
		n := min(len(db.shared.waiting), maxShares)
		if n == 0 {
			db.shared.working = false
			db.shared.mu.Unlock()
			return
		}
		some := db.shared.waiting[:n:n]
		db.shared.waiting = db.shared.waiting[n:]
		db.shared.mu.Unlock()
		if err := db.commitShares(some); err != nil {
			for _, s := range some {
				s.err = errors.Join(s.err, err)
			}
		}
		for _, s := range some {
			close(s.done)
		}
	}
}

// commitShares gives an error where nothing of any was committed.
func (db *DB) commitShares(some []*share) error {
	// A visitor who goes away breaks off their own part, not the others'.
	tx, err := db.write.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after a commit
	for _, s := range some {
		if err := s.in(tx); err != nil {
			return fmt.Errorf("database: savepoint: %w", err)
		}
	}
	db.commits.Add(1)
	return tx.Commit()
}

// in does a caller's part. The error says that the transaction is of no use.
func (s *share) in(tx *sql.Tx) error {
	if s.err = s.ctx.Err(); s.err != nil {
		return nil
	}
	if _, err := tx.Exec(`SAVEPOINT share`); err != nil {
		return err
	}
	s.run(tx)
	if s.err != nil || s.panicked != nil {
		if _, err := tx.Exec(`ROLLBACK TO share`); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`RELEASE share`)
	return err
}

func (s *share) run(tx *sql.Tx) {
	defer func() { s.panicked = recover() }()
	s.err = s.do(tx)
}
