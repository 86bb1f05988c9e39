package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/transport"
	"apta/newsletter/transport/smtptest"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// The crash tests kill real processes: the test program starts itself again as
// a sender when this variable says with what.
const processEnv = "APTA_DELIVERY_PROCESS"

// processOptions is what a sender process is told.
type processOptions struct {
	Database string
	Port     int
	Lease    time.Duration
}

func senderProcess() {
	var opt processOptions
	if err := json.Unmarshal([]byte(os.Getenv(processEnv)), &opt); err != nil {
		panic(err)
	}
	ctx := context.Background()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	var db *database.DB
	for {
		var err error
		if db, err = database.Open(ctx, opt.Database); err == nil {
			break
		}
		log.Error("open", "err", err)
		time.Sleep(100 * time.Millisecond)
	}
	keys, err := subscribers.NewKeys([]byte(strings.Repeat("k", 32)))
	if err != nil {
		panic(err)
	}
	relay := transport.Relay{Host: "127.0.0.1", Port: opt.Port, TLS: "none", Timeout: 5 * time.Second}
	s := NewSender(NewLedger(db, time.Now), newsletter.NewStore(db, database.NewIDs(nil, nil), time.Now), keys, Options{
		Relays: []Relay{{Name: "relay", Connections: connections, Dial: Dialer(relay)}},
		Lease:  opt.Lease, Retry: fast, Newsletters: map[string]Newsletter{"": {BaseURL: "https://news.example", Domain: "news.example"}}, Log: log,
	})
	s.Run(ctx)
}

// connections of each sender process.
const connections = 8

// process is a sender process that can be killed.
type process struct{ cmd *exec.Cmd }

func startProcess(t *testing.T, opt processOptions) *process {
	t.Helper()
	text, err := json.Marshal(opt)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{exec.Command(self)}
	p.cmd.Env = append(os.Environ(), processEnv+"="+string(text))
	p.cmd.Stderr = os.Stderr
	if testing.Verbose() {
		p.cmd.Stderr = os.Stderr
	} else {
		p.cmd.Stderr = &bytes.Buffer{}
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
	}
}

// size is how hard a crash test tries: a little in make test, fully in make torture.
func size(short, long int) int {
	if os.Getenv("APTA_TORTURE") != "" {
		return long
	}
	return short
}

// waitCount waits until the server took so many messages.
func waitCount(t *testing.T, s *smtptest.Server, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); s.Count() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d messages arrived in a minute, %d were awaited", s.Count(), n)
		}
	}
}

// waitDone waits until nothing of the send waits any more.
func (d *desk) waitDone(t *testing.T) Counts {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		send, err := d.ledger.Send(context.Background(), d.issue.ID)
		if err == nil && send.State == Done {
			return d.counts(t)
		}
	}
	t.Fatalf("the send does not end: %+v", d.counts(t))
	return Counts{}
}

// judge holds the server's book against what was due: nobody lost, at most so
// many repeats, each with the Message-ID of the first.
func (d *desk) judge(t *testing.T, s *smtptest.Server, readers, repeats int) {
	t.Helper()
	c := d.counts(t)
	got, ids := tally(s)
	if c.Total != readers || c.Waiting() != 0 || c.Accepted+c.Doubtful != readers {
		t.Errorf("counts %+v", c)
	}
	if lost := readers - len(got); lost != 0 {
		t.Errorf("%d readers have no mail", lost)
	}
	again := 0
	for to, n := range got {
		again += n - 1
		if len(ids[to]) != 1 {
			t.Errorf("%s has mails of %d Message-IDs", to, len(ids[to]))
		}
	}
	t.Logf("%d readers, %d repeats of at most %d, counts %+v", len(got), again, repeats, c)
	if again > repeats {
		t.Errorf("%d repeats, at most %d may be", again, repeats)
	}
}

func crashDesk(t *testing.T, url string, readers int) *desk {
	t.Helper()
	db, err := database.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(context.Background(), schemas...); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, db, readers)
	d.start(t, NewSender(d.ledger, d.store, d.keys, Options{Newsletters: quay, Log: slog.New(slog.DiscardHandler)}))
	return d
}

func TestFault_L1_KilledInMidSend(t *testing.T) {
	readers, kills := size(3000, 20_000), size(5, 50)
	file := filepath.Join(t.TempDir(), "apta.db")
	d, s := crashDesk(t, file, readers), server(t, nil)
	opt := processOptions{Database: file, Port: s.Port(), Lease: 500 * time.Millisecond}
	for n := range kills {
		p := startProcess(t, opt)
		// Not before it has begun, and while there is still something to do.
		target := readers * (n + 1) / (kills + 2)
		waitCount(t, s, target)
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
		p.kill()
	}
	startProcess(t, opt)
	d.waitDone(t)
	d.judge(t, s, readers, kills*connections)
}

func TestFault_L2_OneOfTwoKilled(t *testing.T) {
	readers := size(3000, 20_000)
	url := databasetest.PostgreSQL(t)
	d, s := crashDesk(t, url, readers), server(t, nil)
	opt := processOptions{Database: url, Port: s.Port(), Lease: time.Second}
	one := startProcess(t, opt)
	startProcess(t, opt)
	waitCount(t, s, readers/3)
	one.kill()
	d.waitDone(t)
	d.judge(t, s, readers, connections)
}

func TestFault_L3_DatabaseServerRestarted(t *testing.T) {
	dir := t.TempDir()
	pg, err := databasetest.StartPostgreSQL(dir)
	if errors.Is(err, databasetest.ErrNoPostgreSQL) {
		t.Skip("skipped: " + err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pg.Stop("immediate") })
	readers := size(3000, 20_000)
	d, s := crashDesk(t, pg.URL("postgres"), readers), server(t, nil)
	opt := processOptions{Database: pg.URL("postgres"), Port: s.Port(), Lease: 10 * time.Second}
	p := startProcess(t, opt)
	for n := range 3 {
		waitCount(t, s, readers*(n+1)/5)
		if err := pg.Stop("immediate"); err != nil {
			t.Fatal(err)
		}
		if err := pg.Start(); err != nil {
			t.Fatal(err)
		}
	}
	d.waitDone(t)
	if err := p.cmd.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the process ended: %v", err)
	}
	// The database's answer to a commit may be lost with it; nothing is lost or
	// repeated for that, because the ledger is written again.
	d.judge(t, s, readers, 0)
}

// A full disk stops the sending before the body that cannot be written down;
// room makes it go on; nobody is lost and nobody has it twice.
func TestFault_L4_DiskFull(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=20m"); err != nil {
		t.Skipf("skipped: no small disk can be made here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	readers := size(3000, 20_000)
	file := filepath.Join(disk, "apta.db")
	d := crashDesk(t, file, readers)
	if err := d.ledger.Enqueue(context.Background(), d.issue.ID, nil); err != nil {
		t.Fatal(err)
	}
	// A log that has grown is written over from its beginning and needs no room.
	if _, err := d.db.Exec(context.Background(), `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	// The relay takes its time after the first, until the disk is full.
	const first = 300
	var taken atomic.Int64
	full := make(chan struct{})
	s := server(t, func(stage smtptest.Stage, _ string) smtptest.Action {
		if stage == smtptest.Dot && taken.Add(1) > first {
			<-full
		}
		return smtptest.Action{}
	})
	startProcess(t, processOptions{Database: file, Port: s.Port(), Lease: 20 * time.Second})
	waitCount(t, s, first)
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	close(full)
	stalled := s.Count()
	for still := 0; still < 20; time.Sleep(50 * time.Millisecond) {
		if n := s.Count(); n == stalled {
			still++
		} else {
			stalled, still = n, 0
		}
		fill(t, filler)
	}
	if stalled == readers {
		t.Error("everything went out, with no room to write it down")
	}
	t.Logf("stalled at %d of %d", stalled, readers)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	d.waitDone(t)
	d.judge(t, s, readers, 0)
}

// fill writes until the disk takes no more.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for {
			if _, err := f.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
}

// A process that is stopped for longer than its lease sends nothing of what was
// taken over.
func TestFault_L6_StoppedProcess(t *testing.T) {
	readers := size(3000, 20_000)
	url := databasetest.PostgreSQL(t)
	d, s := crashDesk(t, url, readers), server(t, nil)
	opt := processOptions{Database: url, Port: s.Port(), Lease: 500 * time.Millisecond}
	one := startProcess(t, opt)
	waitCount(t, s, readers/3)
	if err := one.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	startProcess(t, opt)
	waitCount(t, s, readers*9/10)
	if err := one.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	d.waitDone(t)
	time.Sleep(500 * time.Millisecond) // what the woken process might still do
	d.judge(t, s, readers, connections)
}
