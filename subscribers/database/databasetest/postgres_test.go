package databasetest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("DATABASETEST_SERVE"); dir != "" {
		s, err := databasetest.StartPostgreSQL(dir)
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println(s.URL("postgres"))
		select {} // until it is killed
	}
	databasetest.Run(m)
}

func TestEachGivesAFreshDatabase(t *testing.T) {
	for range 2 {
		databasetest.Each(t, nil, func(t *testing.T, db *database.DB) {
			if _, err := db.Exec(context.Background(), `CREATE TABLE once (id BIGINT)`); err != nil {
				t.Error(err)
			}
		})
	}
}

// A crash of the server loses nothing that was committed.
func TestServerComesBackFromACrash(t *testing.T) {
	ctx := context.Background()
	s, err := databasetest.StartPostgreSQL(t.TempDir())
	if errors.Is(err, databasetest.ErrNoPostgreSQL) {
		t.Skip("skipped: " + err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop("immediate") })
	db, err := database.Open(ctx, s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(ctx, `CREATE TABLE kept (id BIGINT)`); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Stop("immediate"), s.Start()); err != nil {
		t.Fatal(err)
	}
	again, err := database.Open(ctx, s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.QueryRow(ctx, `SELECT count(*) FROM kept`).Scan(new(int)); err != nil {
		t.Error(err)
	}
}

func TestServerEndsWithAProgramThatIsKilled(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "DATABASETEST_SERVE="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, err := bufio.NewReader(out).ReadString('\n')
	url := strings.TrimSpace(said)
	if err == nil && strings.Contains(said, databasetest.ErrNoPostgreSQL.Error()) {
		cmd.Wait()
		t.Skip("skipped: " + databasetest.ErrNoPostgreSQL.Error())
	}
	if err != nil || !strings.HasPrefix(url, "postgres://") {
		cmd.Process.Kill()
		t.Fatalf("the program says %q (%v)", said, err)
	}
	db, err := database.Open(context.Background(), url)
	if err != nil {
		t.Error(err)
	} else {
		db.Close()
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "cluster")); errors.Is(err, os.ErrNotExist) {
			break // the guard stops the server and then clears up
		}
		if time.Now().After(deadline) {
			t.Fatal("the folder of the server is still there after a minute")
		}
	}
	if db, err := database.Open(context.Background(), url); err == nil {
		db.Close()
		t.Error("the server still answers")
	}
}
