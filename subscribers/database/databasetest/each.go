// Package databasetest runs one test body on every database that Apta knows.
package databasetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"apta/subscribers/database"
)

// shared is the one PostgreSQL of a test program; its tests have a database each.
type shared struct {
	once   sync.Once
	server *Server
	dir    string
	err    error
	names  atomic.Int64
}

var one shared

// Run is a TestMain that stops the PostgreSQL which Each may have started.
func Run(m *testing.M) { os.Exit(Tests{m}.Run()) }

// Tests is a testing.M that stops the PostgreSQL, for a TestMain that does more.
type Tests struct{ *testing.M }

// Run runs the tests and gives the exit status.
func (m Tests) Run() int {
	code := m.M.Run()
	if one.server != nil {
		if err := one.server.Stop("immediate"); err != nil {
			fmt.Fprintln(os.Stderr, "the PostgreSQL of these tests did not stop:", err)
			code = 1
		}
	}
	if one.dir != "" {
		os.RemoveAll(one.dir)
	}
	return code
}

// Each runs a test on a fresh SQLite file and on a fresh PostgreSQL database
// with the given tables. Without a PostgreSQL on the machine that half is
// skipped in one line. The package needs Run as its TestMain.
func Each(t *testing.T, schemas []database.Schema, test func(t *testing.T, db *database.DB)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, open(t, filepath.Join(t.TempDir(), "apta.db"), schemas))
	})
	t.Run("postgres", func(t *testing.T) {
		test(t, open(t, PostgreSQL(t), schemas))
	})
}

// PostgreSQL gives the URL of a fresh database, or skips the test.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	one.once.Do(func() {
		if one.dir, one.err = os.MkdirTemp("", "apta-postgres-"); one.err == nil {
			one.server, one.err = StartPostgreSQL(one.dir)
		}
	})
	if errors.Is(one.err, ErrNoPostgreSQL) {
		t.Skip("skipped: " + one.err.Error())
	}
	if one.err != nil {
		t.Fatal(one.err)
	}
	name := fmt.Sprintf("apta%d", one.names.Add(1))
	admin, err := database.Open(context.Background(), one.server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.Exec(context.Background(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return one.server.URL(name)
}

func open(t *testing.T, url string, schemas []database.Schema) *database.DB {
	t.Helper()
	db, err := database.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(context.Background(), schemas...); err != nil {
		t.Fatal(err)
	}
	return db
}
