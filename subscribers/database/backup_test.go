package database_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func openNotes(t *testing.T, path string, rows int) *database.DB {
	t.Helper()
	ctx := context.Background()
	db, err := database.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(ctx, schema(step1)); err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		addNote(t, db, int64(i))
	}
	return db
}

func addNote(t *testing.T, db *database.DB, id int64) {
	t.Helper()
	if _, err := db.Exec(context.Background(), `INSERT INTO notes (id, name, data) VALUES ($1, $2, $3)`, id, fmt.Sprint("note ", id), make([]byte, 3000)); err != nil {
		t.Error(err)
	}
}

// A copy made while another writes is of one moment: it has the rows up to some
// number and none behind it.
func TestBackupBesideAWriter(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	db := openNotes(t, filepath.Join(dir, "apta.db"), 200)
	var writer sync.WaitGroup
	stop := make(chan struct{})
	writer.Go(func() {
		for i := int64(200); ; i++ {
			select {
			case <-stop:
				return
			default:
				addNote(t, db, i)
			}
		}
	})
	for n := range 5 {
		file := filepath.Join(dir, fmt.Sprint("copy", n))
		counts, err := database.Backup(ctx, filepath.Join(dir, "apta.db"), file)
		if err != nil {
			t.Fatal(err)
		}
		versions, inspected, err := database.Inspect(ctx, file, schema(step1))
		if err != nil || len(inspected) != 2 || inspected[0] != counts[0] || versions[0] != (database.Version{Owner: "test", Is: 1, Known: 1}) {
			t.Errorf("%v, the copy has %v and %v, %v were counted", err, inspected, versions, counts)
		}
		copied := openNotes(t, file, 0)
		var rows, last int64
		if err := copied.QueryRow(ctx, `SELECT count(*), max(id) FROM notes`).Scan(&rows, &last); err != nil || rows != last+1 || rows != counts[0].Rows {
			t.Errorf("%d rows up to %d, %v counted (%v)", rows, last, counts, err)
		}
	}
	close(stop)
	writer.Wait()
}

func TestBackupLeavesNothingHalf(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	source := filepath.Join(dir, "apta.db")
	openNotes(t, source, 50).Close()
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := database.Backup(ctx, source, there); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another file: %v", err)
	}
	if _, err := database.Backup(ctx, filepath.Join(dir, "none.db"), filepath.Join(dir, "copy")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no database: %v", err)
	}
	if _, err := database.Backup(ctx, "postgres://x/y", filepath.Join(dir, "copy")); !errors.Is(err, database.ErrNoFile) {
		t.Errorf("of PostgreSQL: %v", err)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if _, err := database.Backup(stopped, source, filepath.Join(dir, "copy")); err == nil {
		t.Error("a stopped backup says it is one")
	}
	// A page in the middle is overwritten: the copy of it is no good.
	damage(t, source)
	if _, err := database.Backup(ctx, source, filepath.Join(dir, "copy")); err == nil {
		t.Error("a damaged database was backed up as if it were good")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".apta-*")); len(left) > 0 {
		t.Errorf("there are left %v", left)
	}
	if _, err := os.Stat(filepath.Join(dir, "copy")); err == nil {
		t.Error("there is a copy")
	}
}

// damage writes rubbish over the last pages of a file.
func damage(t *testing.T, file string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	rubbish := make([]byte, 3*4096)
	for i := range rubbish {
		rubbish[i] = 0xAB
	}
	if _, err := f.WriteAt(rubbish, info.Size()-int64(len(rubbish))); err != nil {
		t.Fatal(err)
	}
}

func TestRestore(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	path, file, aside := filepath.Join(dir, "apta.db"), filepath.Join(dir, "copy"), filepath.Join(dir, "aside.db")
	db := openNotes(t, path, 10)
	if _, err := database.Backup(ctx, path, file); err != nil {
		t.Fatal(err)
	}
	addNote(t, db, 10)
	said := 0
	before := func() error { said++; return nil }
	if err := database.Restore(ctx, file, path, "", before); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another: %v", err)
	}
	if err := database.Restore(ctx, file, path, aside, before); !errors.Is(err, database.ErrShared) {
		t.Errorf("while it is open: %v", err)
	}
	db.Close()
	if err := database.Restore(ctx, file, path, aside, func() error { return errors.ErrUnsupported }); !errors.Is(err, errors.ErrUnsupported) || said != 0 {
		t.Errorf("stopped before the exchange: %v, said %d times", err, said)
	}
	if n := notes(t, path); n != 11 {
		t.Errorf("a restore that did not happen left %d rows", n)
	}
	if err := database.Restore(ctx, file, path, aside, before); err != nil || said != 1 {
		t.Fatalf("%v, said %d times", err, said)
	}
	if n := notes(t, path); n != 10 {
		t.Errorf("restored are %d rows", n)
	}
	if n := notes(t, aside); n != 11 {
		t.Errorf("kept are %d rows", n)
	}
}

func notes(t *testing.T, path string) (n int) {
	t.Helper()
	db := openNotes(t, path, 0)
	defer db.Close()
	if err := db.QueryRow(context.Background(), `SELECT count(*) FROM notes`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestVersions(t *testing.T) {
	ctx := context.Background()
	databasetest.Each(t, nil, func(t *testing.T, db *database.DB) {
		for _, step := range []struct {
			migrate, program database.Schema
			is, known        int
			due, newer       bool
		}{
			{database.Schema{}, schema(step1), 0, 1, false, false},
			{schema(step1), schema(step1), 1, 1, false, false},
			{schema(step1), schema(step1, step2), 1, 2, true, false},
			{schema(step1, step2), schema(step1), 2, 1, false, true},
		} {
			if step.migrate.Files != nil {
				if err := db.Migrate(ctx, step.migrate); err != nil {
					t.Fatal(err)
				}
			}
			list, err := db.Versions(ctx, step.program)
			if err != nil || list[0].Is != step.is || list[0].Known != step.known || database.Due(list) != step.due || errors.Is(database.CheckNewer(list), database.ErrNewer) != step.newer {
				t.Errorf("%+v (%v), due %v, newer %v; wanted %+v", list, err, database.Due(list), database.CheckNewer(list), step)
			}
		}
	})
}
