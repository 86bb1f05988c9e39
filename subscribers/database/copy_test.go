package database_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

const (
	seeded = `CREATE TABLE counter (one BIGINT PRIMARY KEY, count BIGINT NOT NULL) STRICT; INSERT INTO counter (one, count) VALUES (1, 0);`
	pairs  = `CREATE TABLE river_job (id BIGINT PRIMARY KEY) STRICT;
CREATE TABLE pairs (issue_id BIGINT NOT NULL, name TEXT NOT NULL, message BYTES NOT NULL, PRIMARY KEY (issue_id, name)) STRICT, WITHOUT ROWID;`
)

var copied = []database.Schema{schema(step1, seeded, pairs)}

// filled is a database with rows of every type a table may have.
func filled(t *testing.T, url string) *database.DB {
	t.Helper()
	db := opened(t, url)
	err := db.InTx(context.Background(), func(tx *sql.Tx) error {
		for n := range 3000 {
			if _, err := tx.Exec(`INSERT INTO notes (id, name, data) VALUES ($1, $2, $3)`, int64(n)<<40, fmt.Sprintf("заметка %d ' \\ \t\n", n), [][]byte{nil, {0, 255, 9}}[n%2]); err != nil {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO pairs (issue_id, name, message) VALUES ($1, '', $2)`, n, [][]byte{{}, []byte("\r\n.\r\n")}[n%2]); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`UPDATE counter SET count = 7`)
		return errors.Join(err, exec(tx, `INSERT INTO river_job (id) VALUES (1)`))
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func exec(tx *sql.Tx, query string) error {
	_, err := tx.Exec(query)
	return err
}

func opened(t *testing.T, url string) *database.DB {
	t.Helper()
	db, err := database.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(context.Background(), copied...); err != nil {
		t.Fatal(err)
	}
	return db
}

func rowsIn(t *testing.T, db *database.DB, table string) (n int) {
	t.Helper()
	if err := db.QueryRow(context.Background(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Every way there is: from one database to the other, and on to a second file.
func TestCopy(t *testing.T) {
	ctx := context.Background()
	pg := databasetest.PostgreSQL(t)
	at := filled(t, filepath.Join(t.TempDir(), "old.db"))
	for _, url := range []string{pg, databasetest.PostgreSQL(t), filepath.Join(t.TempDir(), "new.db"), filepath.Join(t.TempDir(), "newer.db")} {
		to := opened(t, url)
		last := int64(0)
		counts, err := database.Copy(ctx, at, to, copied, func(done, total int64) {
			if done <= last || total != 12002 {
				t.Fatalf("progress went from %d to %d of %d", last, done, total)
			}
			last = done
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(counts); got != "[{counter 1} {notes 3000} {pairs 3000}]" || last != 12002 {
			t.Errorf("counts %s, progress up to %d", got, last)
		}
		var n, empty, null int
		err = to.QueryRow(ctx, `SELECT (SELECT count FROM counter), (SELECT count(*) FROM pairs WHERE length(message) = 0), (SELECT count(*) FROM notes WHERE data IS NULL)`).Scan(&n, &empty, &null)
		if err != nil || n != 7 || empty != 1500 || null != 1500 || rowsIn(t, to, "river_job") != 0 {
			t.Errorf("counter %d, %d empty, %d NULL, %d jobs (%v)", n, empty, null, rowsIn(t, to, "river_job"), err)
		}
		if _, err := database.Copy(ctx, at, to, copied, nil); !errors.Is(err, database.ErrNotEmpty) || !strings.Contains(err.Error(), "notes has 3000 rows; nothing was changed") {
			t.Errorf("a second copy says %v", err)
		}
		at = to
	}
}

// A copy that is broken off leaves nothing behind and can be begun again.
func TestCopyBrokenOff(t *testing.T) {
	for name, url := range map[string]func() string{
		"postgres": func() string { return databasetest.PostgreSQL(t) }, "sqlite": func() string { return filepath.Join(t.TempDir(), "new.db") },
	} {
		t.Run(name, func(t *testing.T) {
			from, to := filled(t, filepath.Join(t.TempDir(), "old.db")), opened(t, url())
			ctx, cancel := context.WithCancel(context.Background())
			_, err := database.Copy(ctx, from, to, copied, func(done, _ int64) {
				if done == 8000 {
					cancel()
				}
			})
			if err == nil || rowsIn(t, to, "notes") != 0 || rowsIn(t, to, "counter") != 1 {
				t.Fatalf("error %v, and %d rows are there", err, rowsIn(t, to, "notes"))
			}
			if _, err := database.Copy(context.Background(), from, to, copied, nil); err != nil {
				t.Errorf("begun again: %v", err)
			}
		})
	}
}

func TestCopyNamesWhatPostgreSQLCannotKeep(t *testing.T) {
	ctx := context.Background()
	for text, want := range map[string]string{
		"a\x00b": "a NUL at byte 1",
		"a\xffb": "bytes that are not UTF-8",
	} {
		from, to := opened(t, filepath.Join(t.TempDir(), "old.db")), opened(t, databasetest.PostgreSQL(t))
		if _, err := from.Exec(ctx, `INSERT INTO notes (id, name) VALUES (4711, $1)`, text); err != nil {
			t.Fatal(err)
		}
		_, err := database.Copy(ctx, from, to, copied, nil)
		if err == nil || !strings.Contains(err.Error(), "notes: row id="+database.ID(4711).String()+": the text in name has "+want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestOpenAlone(t *testing.T) {
	ctx := context.Background()
	databasetest.PostgreSQL(t)
	for _, url := range []string{filepath.Join(t.TempDir(), "apta.db"), databasetest.PostgreSQL(t)} {
		other, err := database.Open(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Migrate(ctx, copied...); err != nil {
			t.Fatal(err)
		}
		if _, err := database.OpenAlone(ctx, url); !errors.Is(err, database.ErrShared) {
			t.Errorf("%s: with another there: %v", url, err)
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		var alone *database.DB
		for range 50 { // PostgreSQL takes a moment to notice who left
			if alone, err = database.OpenAlone(ctx, url); err == nil {
				break
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(alone.Migrate(ctx, copied...), alone.Close()); err != nil {
			t.Error(err)
		}
	}
	if _, err := database.OpenAlone(ctx, filepath.Join(t.TempDir(), "none.db")); err == nil {
		t.Error("a file that is not there was opened")
	}
}
