package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
)

// An older program's tables are changed after a copy was made, and that copy is
// what the older program can go back to; a newer program's are refused.
func TestFault_O1_UpAndDown(t *testing.T) {
	ctx := context.Background()
	n := &app{cfg: testConfig(t)}
	old, err := database.Open(ctx, n.cfg.Database)
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Migrate(ctx, withoutLastStep(t, "delivery")...); err != nil {
		t.Fatal(err)
	}
	old.Close()

	var said bytes.Buffer
	later := &app{stdout: &said, stderr: &said, now: time.Now, cfg: n.cfg}
	if err := later.checkUpgrade(ctx, n.cfg); err != nil || !strings.Contains(said.String(), "the next start changes the tables") {
		t.Errorf("%v: %s", err, said.String())
	}
	r, err := later.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer later.close()
	if v, err := r.db.Versions(ctx, schemas()...); err != nil || database.Due(v) {
		t.Errorf("after the start: %+v (%v)", v, err)
	}
	copies, _ := filepath.Glob(filepath.Join(n.cfg.Backup.Folder, "apta-before-upgrade-*.db"))
	if len(copies) != 1 || !strings.Contains(said.String(), copies[0]) {
		t.Fatalf("copies %v; said: %s", copies, said.String())
	}
	versions, _, err := database.Inspect(ctx, copies[0], schemas()...)
	if err != nil || !database.Due(versions) {
		t.Errorf("the copy is at %+v (%v)", versions, err)
	}
	if _, err := r.subscribers.Add(ctx, subscribers.Subscriber{Email: "after@example.org"}, "test"); err != nil {
		t.Error(err)
	}

	if _, err := r.db.Exec(ctx, `UPDATE schema_version SET version = 99 WHERE owner = 'delivery'`); err != nil {
		t.Fatal(err)
	}
	older := &app{stdout: &said, stderr: &said, now: time.Now, cfg: n.cfg}
	defer older.close()
	if _, err := older.open(ctx); !errors.Is(err, database.ErrNewer) || !strings.Contains(err.Error(), "at version 99") {
		t.Errorf("an older program opens it: %v", err)
	}
	if err := older.checkUpgrade(ctx, n.cfg); !errors.Is(err, database.ErrNewer) {
		t.Errorf("and says %v", err)
	}
	// Nor does it take a backup of the newer one for its own.
	file := filepath.Join(t.TempDir(), "newer.db")
	if _, err := database.Backup(ctx, n.cfg.Database, file); err != nil {
		t.Fatal(err)
	}
	if err := older.restore(ctx, n.cfg, file, true); !errors.Is(err, database.ErrNewer) {
		t.Errorf("a newer backup is restored: %v", err)
	}
}

// withoutLastStep is the schemas as the program before the last step of one of
// them had them.
func withoutLastStep(t *testing.T, owner string) []database.Schema {
	t.Helper()
	list := schemas()
	for i, s := range list {
		if s.Owner != owner {
			continue
		}
		names, err := fs.Glob(s.Files, "*.sql")
		if err != nil {
			t.Fatal(err)
		}
		older := fstest.MapFS{}
		for _, name := range names[:len(names)-1] {
			text, err := fs.ReadFile(s.Files, name)
			if err != nil {
				t.Fatal(err)
			}
			older[name] = &fstest.MapFile{Data: text}
		}
		list[i].Files = older
	}
	return list
}

// testConfig is the defaults, with all files in a folder of the test's.
func testConfig(t *testing.T) *Config {
	t.Helper()
	c := defaults()
	c.Mail.From = "Week in Review <weekly@news.example>"
	c.fillRelays()
	for _, problem := range c.check() {
		t.Fatal(problem)
	}
	c.resolvePaths(filepath.Join(t.TempDir(), "apta.toml"))
	return &c
}
