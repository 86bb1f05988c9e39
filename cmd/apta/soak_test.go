package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/jobs"
	"apta/newsletter/transport/smtptest"
	"apta/subscribers"

	"golang.org/x/sync/errgroup"
)

// tally is who got what, as the relay saw it: mails by address, of one week.
type tally struct {
	mu    sync.Mutex
	mails map[string]int
	taken int
}

func (a *tally) take(argument string) int {
	to := strings.Trim(strings.TrimPrefix(argument, "TO:"), "<>")
	to, _, _ = strings.Cut(to, ">")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mails[to]++
	a.taken++
	return a.taken
}

func (a *tally) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.taken
}

func (a *tally) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mails, a.taken = map[string]int{}, 0
}

// year is a simulated one: a program whose clock the test sets, and what an
// independent bookkeeper knows of every reader.
type year struct {
	env    []string
	dir    string
	dice   *rand.Rand
	clock  atomic.Pointer[time.Time]
	seen   tally
	app    *app
	rooms  *rooms
	stop   func()
	reader map[string]*soakReader
	made   int
	weeks  int // begun
	again  int // mails that came twice, after kills
}

// soakReader is what the bookkeeper knows of one.
type soakReader struct {
	status string
	until  time.Time // of a pause
	dead   bool      // the relay refuses them
}

func (y *year) now() time.Time { return *y.clock.Load() }

func (y *year) set(t time.Time) { y.clock.Store(&t) }

// dead says which addresses nobody takes mail for.
func dead(email string) bool { return strings.Contains(email, "7@") }

// start opens the program as a restart does.
func (y *year) start(t *testing.T) {
	t.Helper()
	var said bytes.Buffer
	y.app = &app{stdout: &said, stderr: &said, environ: y.env, now: y.now, configFile: filepath.Join(y.dir, "apta.toml")}
	var err error
	if y.rooms, err = y.app.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	senders, err := y.app.senders(y.rooms)
	if err != nil {
		t.Fatal(err)
	}
	engine := y.app.background(y.rooms, senders)
	engine.Poll = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	var running errgroup.Group
	running.Go(func() error { return engine.Run(ctx) })
	senders.run(ctx, &running)
	y.stop = func() {
		cancel()
		running.Wait() // it was stopped
		y.app.close()
	}
}

// minute is what apta serve does at each minute's beginning.
func (y *year) minute(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	if err := y.rooms.jobs.Insert(ctx, everyMinute{}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		open, err := y.rooms.jobs.List(ctx, 10, jobs.Open...)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%s: there are still %+v (%v)", y.now(), open, err)
		}
		if len(open) == 0 {
			return
		}
	}
}

// soakProcess is a process of the program with a clock of the test's. It does
// what comes due until it is killed.
func soakProcess() {
	began := time.Now()
	start, err := time.Parse(time.RFC3339, os.Getenv("SOAK_NOW"))
	if err == nil {
		a := &app{stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(), now: func() time.Time { return start.Add(time.Since(began)) }}
		err = a.soak(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func (a *app) soak(ctx context.Context) error {
	r, err := a.open(ctx)
	if err != nil {
		return err
	}
	senders, err := a.senders(r)
	if err != nil {
		return err
	}
	engine := a.background(r, senders)
	engine.Poll = 10 * time.Millisecond
	if err := r.jobs.Insert(ctx, everyMinute{}); err != nil {
		return err
	}
	var running errgroup.Group
	running.Go(func() error { return engine.Run(ctx) })
	senders.run(ctx, &running)
	return running.Wait()
}

// killedAfter has a process begin the week's send and kills it after so many mails.
func (y *year) killedAfter(t *testing.T, mails int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = []string{"apta-soak"} // TestMain goes by the name
	cmd.Env = append(slices.Clone(y.env), "SOAK_NOW="+y.now().Format(time.RFC3339), "APTA_CONFIG="+filepath.Join(y.dir, "apta.toml"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); y.seen.count() < mails; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			cmd.Wait()
			t.Fatalf("%s: the process sent only %d of %d:\n%s", y.now(), y.seen.count(), mails, said.String())
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	y.set(y.now().Add(2 * time.Minute)) // its leases are over then
}

// churn is a week of people: some come, some leave, pause, return and are erased.
func (y *year) churn(t *testing.T, come int) {
	t.Helper()
	ctx := context.Background()
	var list []subscribers.Subscriber
	for range come {
		email := fmt.Sprintf("reader%d@example.org", y.made)
		y.made++
		list = append(list, subscribers.Subscriber{Email: email})
		y.reader[email] = &soakReader{status: "active", dead: dead(email)}
	}
	for part := range slices.Chunk(list, 1000) {
		if _, err := y.rooms.subscribers.AddAll(ctx, part, "test"); err != nil {
			t.Fatal(err)
		}
	}
	emails := make([]string, 0, len(y.reader))
	for email := range y.reader {
		emails = append(emails, email)
	}
	slices.Sort(emails)
	for range len(emails) / 25 {
		email := emails[y.dice.IntN(len(emails))]
		if r := y.reader[email]; r != nil {
			y.change(t, email, r)
		}
	}
}

func (y *year) change(t *testing.T, email string, r *soakReader) {
	t.Helper()
	ctx := context.Background()
	sub, err := y.rooms.subscribers.ByEmail(ctx, email)
	if err != nil {
		t.Fatalf("%s, who is %s: %v", email, r.status, err)
	}
	switch y.wake(r); {
	case r.status == "gone":
		err = y.rooms.subscribers.Resubscribe(ctx, sub.ID, "test")
		r.status = "active"
	case r.status == "paused":
		err = y.rooms.subscribers.Unsubscribe(ctx, sub.ID, "test")
		r.status = "gone"
	case y.dice.IntN(10) < 5:
		err = y.rooms.subscribers.Unsubscribe(ctx, sub.ID, "test")
		r.status = "gone"
	case y.dice.IntN(10) < 7:
		r.status, r.until = "paused", y.now().Add(time.Duration(3+y.dice.IntN(30))*24*time.Hour)
		err = y.rooms.subscribers.Pause(ctx, sub.ID, r.until, subscribers.Consent{Source: "test"})
	default:
		err = y.rooms.subscribers.Erase(ctx, sub.ID, "test")
		delete(y.reader, email)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// wake ends a pause in the bookkeeper's book. The program does so with its own
// clock, by the minute.
func (y *year) wake(r *soakReader) {
	if r.status == "paused" && !r.until.After(y.now()) {
		r.status = "active"
	}
}

// week sends one issue, through kills, and holds what arrived against the book.
func (y *year) week(t *testing.T, slot time.Time, kills int) {
	t.Helper()
	item := newsletter.Item{URL: "https://x.example/" + slot.Format(time.DateOnly), Title: "T", Summary: "It happened on " + slot.Format(time.DateOnly) + ".", Theme: "Harbour", Published: slot.Add(-24 * time.Hour)}
	if _, err := y.rooms.newsletter.PutItems(context.Background(), []newsletter.Item{item}); err != nil {
		t.Fatal(err)
	}
	y.set(slot)
	y.weeks++
	due := map[string]bool{}
	for email, r := range y.reader {
		if y.wake(r); r.status == "active" && !r.dead {
			due[email] = true
		}
	}
	y.seen.begin()
	if kills > 0 {
		y.stop()
		for k := range kills {
			y.killedAfter(t, (k+1)*len(due)/(kills+2))
		}
		y.start(t)
	}
	y.minute(t)
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		open, err := y.rooms.ledger.Open(context.Background())
		sent, serr := y.rooms.newsletter.WithStatus(context.Background(), "weekly", newsletter.Sent)
		if err != nil || serr != nil || time.Now().After(deadline) {
			t.Fatalf("%s: %+v, %d sent (%v, %v)", slot, open, len(sent), err, serr)
		}
		if len(open) == 0 && len(sent) == y.weeks {
			break
		}
	}
	y.minute(t)
	y.compare(t, slot, due, kills)
}

func (y *year) compare(t *testing.T, slot time.Time, due map[string]bool, kills int) {
	t.Helper()
	y.seen.mu.Lock()
	defer y.seen.mu.Unlock()
	again := 0
	for email, n := range y.seen.mails {
		if !due[email] {
			t.Errorf("%s: %s got it and was not to", slot.Format(time.DateOnly), email)
		}
		again += n - 1
	}
	for email := range due {
		if y.seen.mails[email] == 0 {
			t.Errorf("%s: %s did not get it", slot.Format(time.DateOnly), email)
		}
	}
	if again > kills*4 {
		t.Errorf("%s: %d mails came twice after %d kills over 4 connections", slot.Format(time.DateOnly), again, kills)
	}
	y.again += again
}

// A simulated year: readers come, leave, pause, return, are erased and refused,
// the program is restarted and killed in mid-send, and by an independent tally
// every reader got exactly the issues due to them. Memory stays, and the database
// grows with its rows only.
func TestFault_O3_AYear(t *testing.T) {
	weeks, readers, killEvery := 7, 250, 3
	if torture() {
		weeks, readers, killEvery = 52, 50_000, 3
	}
	y := &year{dir: t.TempDir(), dice: rand.New(rand.NewPCG(1, 2)), reader: map[string]*soakReader{}}
	relay, err := smtptest.Start(smtptest.Options{CountOnly: true, Script: func(stage smtptest.Stage, argument string) smtptest.Action {
		switch {
		case stage == smtptest.Rcpt && dead(argument):
			return smtptest.Action{Reply: "550 5.1.1 no such user"}
		case stage == smtptest.Dot:
			y.seen.take(argument)
		}
		return smtptest.Action{}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	y.env = append(plainEnviron(), "APTA_MAIL_FROM=weekly@news.example", "APTA_SMTP_HOST="+relay.Host(), fmt.Sprintf("APTA_SMTP_PORT=%d", relay.Port()), "APTA_SMTP_TLS=none",
		"APTA_SMTP_CONNECTIONS=4", "APTA_SCHEDULE_POLICY=auto", "APTA_SCHEDULE_ZONE=Asia/Almaty")
	if err := os.WriteFile(filepath.Join(y.dir, "apta.toml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Asia/Almaty")
	if err != nil {
		t.Fatal(err)
	}
	slot := time.Date(2024, 1, 5, 9, 0, 0, 0, zone)
	y.set(slot.AddDate(0, 0, -3))
	y.start(t)
	defer func() { y.stop() }()
	y.minute(t) // history begins here
	y.churn(t, readers)
	var early, late footprint
	kills := 0
	for week := range weeks {
		n := 0
		if week%killEvery == killEvery-1 {
			n = 1 + y.dice.IntN(3)
		} else if week%killEvery == 1 {
			y.stop() // an ordinary restart
			y.start(t)
		}
		kills += n
		y.week(t, slot, n)
		if week == weeks/4 {
			early = y.footprint(t)
		}
		slot = slot.AddDate(0, 0, 7)
		y.set(slot.AddDate(0, 0, -2))
		y.minute(t)
		y.churn(t, readers/30)
	}
	late = y.footprint(t)
	t.Logf("%d weeks, %d readers in all, %d kills, %d mails twice; memory %d KB early, %d KB late; %d bytes for %d rows, %d for %d", weeks, y.made, kills, y.again,
		early.heap>>10, late.heap>>10, early.file, early.rows, late.file, late.rows)
	if late.heap > early.heap+16<<20 {
		t.Errorf("memory grew from %d to %d", early.heap, late.heap)
	}
	if grown, rows := late.file-early.file, late.rows-early.rows; grown > 1<<20+rows*400 {
		t.Errorf("the database grew by %d bytes for %d rows", grown, rows)
	}
	issues, err := y.rooms.newsletter.Issues(context.Background(), "weekly", 100)
	if err != nil || len(issues) != weeks {
		t.Errorf("%d issues in %d weeks (%v)", len(issues), weeks, err)
	}
}

// footprint is what the program takes: bytes of heap that are in use, of the
// database, and the rows in it that a year adds to.
type footprint struct{ heap, file, rows int64 }

func (y *year) footprint(t *testing.T) (f footprint) {
	t.Helper()
	ctx := context.Background()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f.heap = int64(m.HeapAlloc)
	var err error
	if f.file, err = y.rooms.db.Size(ctx); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"deliveries", "subscribers", "consents"} {
		var n int64
		if err := y.rooms.db.QueryRow(ctx, `SELECT count(*) FROM `+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		f.rows += n
	}
	return f
}
