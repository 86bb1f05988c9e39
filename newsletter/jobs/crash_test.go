package jobs_test

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"apta/newsletter/jobs"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// The test program starts itself again as a process that does jobs when this
// variable names the database.
const processEnv = "APTA_JOBS_PROCESS"

func TestMain(m *testing.M) {
	if url := os.Getenv(processEnv); url != "" {
		jobProcess(url)
	}
	flag.Set("test.parallel", "16") // these tests wait, most of the time
	databasetest.Run(m)
}

// write is a job that writes a word into a file, but for the first time: then
// it makes the file and hangs.
type write struct {
	File string `json:"file"`
}

func (write) Kind() string { return "write" }

func jobProcess(url string) {
	ctx := context.Background()
	db, err := database.Open(ctx, url)
	if err != nil {
		panic(err)
	}
	e := jobs.New(db, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	jobs.Handle(e, func(_ context.Context, w write) error {
		f, err := os.OpenFile(w.File, os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			return os.WriteFile(w.File, []byte("done"), 0o600)
		}
		if err == nil {
			f.Close()
			select {}
		}
		return err
	})
	panic(e.Run(ctx))
}

func startProcess(t *testing.T, url string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), processEnv+"="+url)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	return cmd
}

func kill(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		cmd.Process.Kill()
		cmd.Wait()
	}
}

// The only process, which leads, is killed while it does a job. The next to
// start does it within a minute.
func TestFault_L1_KilledInAJob(t *testing.T) {
	t.Parallel()
	test := func(t *testing.T, url string) {
		db, err := database.Open(context.Background(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		if err := db.Migrate(context.Background(), tables...); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "written")
		first := startProcess(t, url)
		if err := jobs.New(db, slog.New(slog.DiscardHandler)).Insert(context.Background(), write{file}); err != nil {
			t.Fatal(err)
		}
		await(t, "first try", func() bool { _, err := os.Stat(file); return err == nil })
		kill(first)
		began := time.Now()
		startProcess(t, url)
		await(t, "second try", func() bool { text, _ := os.ReadFile(file); return string(text) == "done" })
		t.Logf("taken up after %s", time.Since(began))
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, filepath.Join(t.TempDir(), "apta.db")) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, databasetest.PostgreSQL(t)) })
}
