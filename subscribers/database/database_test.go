package database_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestMain(m *testing.M) { databasetest.Run(m) }

func schema(files ...string) database.Schema {
	fs := fstest.MapFS{}
	for i, f := range files {
		fs[strings.Replace("000N_step.sql", "N", string(rune('1'+i)), 1)] = &fstest.MapFile{Data: []byte(f)}
	}
	return database.Schema{Owner: "test", Files: fs}
}

const (
	step1 = `CREATE TABLE notes (id BIGINT NOT NULL, name TEXT NOT NULL UNIQUE, data BYTES, PRIMARY KEY (id)) STRICT, WITHOUT ROWID;`
	step2 = `ALTER TABLE notes ADD COLUMN more BIGINT;`
)

func TestMigrateStepByStep(t *testing.T) {
	ctx := context.Background()
	databasetest.Each(t, []database.Schema{schema(step1)}, func(t *testing.T, db *database.DB) {
		big := int64(1) << 40
		if _, err := db.Exec(ctx, `INSERT INTO notes (id, name, data) VALUES ($1, 'a', $2)`, big, []byte{0, 255}); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(ctx, schema(step1, step2)); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(ctx, schema(step1, step2)); err != nil {
			t.Fatalf("again: %v", err)
		}
		var id int64
		var data []byte
		if err := db.QueryRow(ctx, `SELECT id, data FROM notes WHERE more IS NULL`).Scan(&id, &data); err != nil || id != big || !bytes.Equal(data, []byte{0, 255}) {
			t.Errorf("read back %d %v (%v)", id, data, err)
		}
		_, err := db.Exec(ctx, `INSERT INTO notes (id, name) VALUES (1, 'a')`)
		if !database.IsUnique(err) {
			t.Errorf("a second 'a' gives %v", err)
		}
		if err := db.Migrate(ctx, schema(step1)); !errors.Is(err, database.ErrNewer) {
			t.Errorf("an older program migrates: %v", err)
		}
	})
}

// Programs that start at once bring one database up to date once.
func TestMigrateAtOnce(t *testing.T) {
	databasetest.Each(t, nil, func(t *testing.T, db *database.DB) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := db.Migrate(context.Background(), schema(step1, step2)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}

// The same, each with a connection of its own as separate programs have.
func TestMigrateOneFileFromMany(t *testing.T) {
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "apta.db")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			db, err := database.Open(ctx, file)
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if err := db.Migrate(ctx, schema(step1, step2)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestNewerDatabaseIsNotTouched(t *testing.T) {
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "apta.db")
	db, err := database.Open(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Migrate(ctx, schema(step1, step2)), db.Close()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if db, err = database.Open(ctx, file); err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(ctx, schema(step1)); !errors.Is(err, database.ErrNewer) {
		t.Errorf("error %v, want ErrNewer", err)
	}
	db.Close()
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed (%v)", err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte("this is no database at all"), 0o644); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		filepath.Join(dir, "none", "apta.db"): "does not exist",
		text:                                  "is not a SQLite database",
		dir:                                   "is a folder",
		"":                                    "no database is named",
		"sqlite:":                             "no database is named",
		"mysql://u:geheim@127.0.0.1/x":        `"mysql://…" is no kind of database`,
		"postgres://u:geheim@127.0.0.1:1/x":   "cannot reach PostgreSQL",
		"postgres://u:geheim@[::1/x":          "cannot be read",
	} {
		_, err := database.Open(context.Background(), url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: error %v, want one with %q and no password", url, err, want)
		}
	}
}

func TestInTxRollsBack(t *testing.T) {
	ctx := context.Background()
	databasetest.Each(t, []database.Schema{schema(step1)}, func(t *testing.T, db *database.DB) {
		stop := errors.New("stop")
		err := db.InTx(ctx, func(tx *sql.Tx) error {
			if _, err := tx.Exec(`INSERT INTO notes (id, name) VALUES (1, 'a')`); err != nil {
				return err
			}
			return stop
		})
		var n int
		if e := db.QueryRow(ctx, `SELECT count(*) FROM notes`).Scan(&n); !errors.Is(err, stop) || e != nil || n != 0 {
			t.Errorf("error %v, %d rows (%v)", err, n, e)
		}
	})
}

func TestIDs(t *testing.T) {
	clock := time.Date(2024, 10, 18, 9, 0, 0, 0, time.UTC)
	ids := database.NewIDs(func() time.Time { return clock }, nil)
	last := database.ID(0)
	for n := range 5000 {
		if n == 2000 {
			clock = clock.Add(-time.Hour) // a clock set back makes no ID twice
		}
		id := ids.Next()
		if id <= last {
			t.Fatalf("%s comes after %s", id, last)
		}
		last = id
		if back, err := database.ParseID(strings.ToUpper(id.String())); err != nil || back != id {
			t.Fatalf("%s reads back as %s (%v)", id, back, err)
		}
	}
	for _, bad := range []string{"", "1", "zzzzzzzzzzzzz", "000000000000u", "00000000000000"} {
		if _, err := database.ParseID(bad); err == nil {
			t.Errorf("%q was read as an ID", bad)
		}
	}
}

// What means something in a URL means nothing in a file's name.
func TestOpenTakesAnyFileName(t *testing.T) {
	ctx := context.Background()
	for _, name := range []string{"a b.db", "неделя.db", "50%.db", "why?.db", "no#1.db"} {
		file := filepath.Join(t.TempDir(), name)
		db, err := database.Open(ctx, "sqlite:"+file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := errors.Join(db.Migrate(ctx, schema(step1)), db.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}

func TestReadersCannotWrite(t *testing.T) {
	ctx := context.Background()
	db, err := database.Open(ctx, filepath.Join(t.TempDir(), "apta.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(ctx, schema(step1)); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(ctx, `INSERT INTO notes (id, name) VALUES (1, 'a') RETURNING id`).Scan(new(int)); err == nil {
		t.Error("a reader wrote")
	}
}

// Two transactions that lock two rows crosswise: PostgreSQL breaks one off, and
// it is run again.
func TestInTxRunsAgainAfterADeadlock(t *testing.T) {
	ctx := context.Background()
	databasetest.Each(t, []database.Schema{schema(step1)}, func(t *testing.T, db *database.DB) {
		if _, err := db.Exec(ctx, `INSERT INTO notes (id, name) VALUES (1, 'a'), (2, 'b')`); err != nil {
			t.Fatal(err)
		}
		var first, all sync.WaitGroup
		if db.Kind() == database.PostgreSQL { // SQLite lets one in after the other
			first.Add(2)
		}
		for _, order := range [][2]int{{1, 2}, {2, 1}} {
			all.Go(func() {
				met := db.Kind() == database.SQLite
				err := db.InTx(ctx, func(tx *sql.Tx) error {
					if _, err := tx.ExecContext(ctx, `UPDATE notes SET name = name || 'x' WHERE id = $1`, order[0]); err != nil {
						return err
					}
					if !met {
						met = true
						first.Done()
						first.Wait()
					}
					_, err := tx.ExecContext(ctx, `UPDATE notes SET name = name || 'x' WHERE id = $1`, order[1])
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		var n int
		if err := db.QueryRow(ctx, `SELECT count(*) FROM notes WHERE name LIKE '_xx'`).Scan(&n); err != nil || n != 2 {
			t.Errorf("%d rows changed twice (%v)", n, err)
		}
	})
}

func TestMigrateLinesOfOneDatabase(t *testing.T) {
	step := "CREATE TABLE marks (n BIGINT NOT NULL) STRICT;\n-- only SQLite\nINSERT INTO marks SELECT 1;\n-- only PostgreSQL\nINSERT INTO marks SELECT 2;\n-- both\nINSERT INTO marks VALUES (10);\n"
	databasetest.Each(t, []database.Schema{schema(step)}, func(t *testing.T, db *database.DB) {
		want := map[database.Kind]int{database.SQLite: 11, database.PostgreSQL: 12}[db.Kind()]
		var n int
		if err := db.QueryRow(context.Background(), `SELECT sum(n) FROM marks`).Scan(&n); err != nil || n != want {
			t.Errorf("the sum is %d, not %d (%v)", n, want, err)
		}
	})
}
