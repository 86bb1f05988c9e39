package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Restore puts a copy that Backup made in the place of a SQLite database. What
// stood there is kept under the name aside; an empty aside says that nothing may
// stand there, and fs.ErrExist comes back where something does. It fails with
// ErrShared while another program has the database open. before is called once
// nothing but the exchange of the two files is left to be done.
func Restore(ctx context.Context, file, to, aside string, before func() error) error {
	if err := restore(ctx, file, to, aside, before); err != nil {
		return fmt.Errorf("database: restore: %w", err)
	}
	return nil
}

func restore(ctx context.Context, file, to, aside string, before func() error) error {
	if isPostgreSQL(to) {
		return ErrNoFile
	}
	_, err := os.Lstat(to)
	if exists := err == nil; exists && aside == "" {
		return fmt.Errorf("%s: %w", to, fs.ErrExist)
	} else if !exists {
		aside = ""
	}
	if aside != "" {
		old, err := retire(ctx, to)
		if err != nil {
			return err
		}
		defer old.Close() // until the files have changed places nobody else opens it
	}
	part, err := os.CreateTemp(filepath.Dir(to), ".apta-restore-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(part.Name()) // does nothing once it is renamed
	source, err := os.Open(file)
	if err != nil {
		return errors.Join(err, part.Close())
	}
	defer source.Close()
	_, err = io.Copy(part, source)
	if err := errors.Join(err, part.Sync(), part.Close()); err != nil {
		return err
	}
	if err := before(); err != nil {
		return err
	}
	if aside != "" {
		if err := os.Rename(to, aside); err != nil {
			return err
		}
	}
	return Place(part.Name(), to)
}

// retire takes a database for itself and out of WAL mode: all that was
// committed is in the one file then, and closing it removes no -wal that belongs
// to the next of its name.
func retire(ctx context.Context, path string) (*DB, error) {
	db, err := OpenAlone(ctx, path)
	if err != nil {
		return nil, err
	}
	var mode string
	if err := db.write.QueryRowContext(ctx, `PRAGMA journal_mode = DELETE`).Scan(&mode); err != nil || mode != "delete" {
		return nil, errors.Join(fmt.Errorf("the journal of %s cannot be folded in (%s)", path, mode), err, db.Close())
	}
	return db, nil
}
