package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/jobs"
	"apta/newsletter/transport/smtptest"
	"apta/subscribers"
	"apta/subscribers/database/databasetest"
)

// site is a folder in which several apta serve share a database and a schedule
// whose one slot came five minutes ago.
type site struct {
	*app
	rooms *rooms
	relay *smtptest.Server
	env   []string
	dir   string
}

func newSite(t *testing.T, url string, readers int, options smtptest.Options) *site {
	t.Helper()
	relay, err := smtptest.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(relay.Close)
	s := &site{relay: relay, dir: t.TempDir()}
	if url == "" {
		url = filepath.Join(s.dir, "apta.db")
	}
	slot := time.Now().UTC().Add(-5 * time.Minute).Truncate(time.Minute)
	s.env = append(plainEnviron(), "APTA_DATABASE="+url, "APTA_LISTEN=127.0.0.1:0", "APTA_MAIL_FROM=weekly@news.example",
		"APTA_SMTP_HOST="+relay.Host(), fmt.Sprintf("APTA_SMTP_PORT=%d", relay.Port()), "APTA_SMTP_TLS=none", "APTA_SMTP_CONNECTIONS=4",
		"APTA_SCHEDULE_POLICY=auto", "APTA_SCHEDULE_COOL_OFF=0s", fmt.Sprintf("APTA_SCHEDULE_CRON=%d %d * * *", slot.Minute(), slot.Hour()))
	s.app = &app{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, environ: s.env, now: time.Now, configFile: filepath.Join(s.dir, "apta.toml")}
	if err := os.WriteFile(s.configFile, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if s.rooms, err = s.open(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	item := newsletter.Item{URL: "https://x.example/1", Title: "T", Summary: "It happened.", Theme: "Harbour", Published: slot.Add(-time.Hour)}
	if _, err := s.rooms.newsletter.PutItems(ctx, []newsletter.Item{item}); err != nil {
		t.Fatal(err)
	}
	var list []subscribers.Subscriber
	for n := range readers {
		list = append(list, subscribers.Subscriber{Email: fmt.Sprintf("reader%d@example.org", n)})
	}
	if _, err := s.rooms.subscribers.AddAll(ctx, list, "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.rooms.newsletter.SlotHistory(ctx, "weekly", slot.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	return s
}

// command is a process of apta that is not started yet.
func (s *site) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Args = append([]string{"apta"}, args...) // TestMain goes by the name
	cmd.Env, cmd.Dir = s.env, s.dir
	return cmd
}

// serveProcess starts a process of apta serve, which is killed at the end of the test.
func (s *site) serveProcess(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd, _ := s.startServing(t)
	return cmd
}

// startServing is serveProcess with what the process says.
func (s *site) startServing(t *testing.T) (*exec.Cmd, *words) {
	t.Helper()
	cmd, said := s.command(t, "serve"), new(words)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kill(cmd)
		t.Logf("%d said\n%s", cmd.Process.Pid, said)
	})
	return cmd, said
}

// kill is kill -9.
func kill(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		cmd.Process.Kill()
		cmd.Wait()
	}
}

// await waits up to a minute, which is how soon work is to be taken up again.
func (s *site) await(t *testing.T, what string, done func(context.Context) bool) time.Duration {
	t.Helper()
	began := time.Now()
	for ctx := context.Background(); !done(ctx); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			open, err := s.rooms.jobs.List(ctx, 20, jobs.Open...)
			t.Fatalf("in a minute there was no %s; there are %d mails and the jobs %+v (%v)", what, s.relay.Count(), open, err)
		}
	}
	return time.Since(began)
}

func (s *site) sent(ctx context.Context) bool {
	list, err := s.rooms.newsletter.WithStatus(ctx, "weekly", newsletter.Sent)
	return err == nil && len(list) == 1
}

// leader is the process that leads, by its number; 0 where none does.
func (s *site) leader(ctx context.Context) (pid int) {
	var id string
	if err := s.rooms.db.QueryRow(ctx, `SELECT leader_id FROM river_leader`).Scan(&id); err != nil {
		return 0
	}
	if part := strings.Split(id, "-"); len(part) > 2 {
		fmt.Sscan(part[len(part)-2], &pid)
	}
	return pid
}

// plainEnviron is the environment without what steers the tests or configures
// an apta of the operator's own.
func plainEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "APTA_") })
}

// torture says whether the crash tests are to try as hard as they can.
func torture() bool { return os.Getenv("APTA_TORTURE") != "" }

// Two processes that start at once take one slot: it has one issue, of one
// revision, and its reader one mail.
func TestFault_T4_TwoProcessesOneSlot(t *testing.T) {
	times := 1
	if torture() {
		times = 30
	}
	test := func(t *testing.T, url func() string) {
		for range times {
			s := newSite(t, url(), 1, smtptest.Options{})
			two := []*exec.Cmd{s.serveProcess(t), s.serveProcess(t)}
			s.await(t, "sent issue", s.sent)
			issues, err := s.rooms.newsletter.Issues(context.Background(), "weekly", 10)
			if err != nil || len(issues) != 1 || issues[0].Revision != 1 || s.relay.Count() != 1 {
				t.Errorf("issues %+v (%v), %d mails", issues, err, s.relay.Count())
			}
			for _, cmd := range two {
				cmd.Process.Signal(os.Interrupt)
			}
			for _, cmd := range two {
				if err := cmd.Wait(); err != nil {
					t.Errorf("it did not stop as it should: %v", err)
				}
			}
			if s.relay.Count() != 1 {
				t.Errorf("%d mails in the end", s.relay.Count())
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, func() string { return "" }) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, func() string { return databasetest.PostgreSQL(t) }) })
}

// What an editor approves in a process of its own goes out by itself.
func TestApprovedInAnotherProcess(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", 1, smtptest.Options{})
	s.env = append(s.env, "APTA_SCHEDULE_POLICY=approve")
	s.serveProcess(t)
	var draft newsletter.Issue
	s.await(t, "draft with its slot done", func(ctx context.Context) bool {
		list, err := s.rooms.newsletter.WithStatus(ctx, "weekly", newsletter.Draft)
		if err != nil || len(list) != 1 {
			return false
		}
		draft = list[0]
		state, err := s.rooms.newsletter.SlotState(ctx, "weekly", draft.Week)
		return err == nil && state == newsletter.SlotDone
	})
	if _, err := s.approve(context.Background(), s.rooms, draft, byCommand); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s.await(t, "mail", func(context.Context) bool { return s.relay.Count() == 1 })
	t.Logf("the first mail arrived %s after the approval", time.Since(began))
	s.await(t, "sent issue", s.sent)
}

// A send that is cancelled while a process works on it is finished by a job.
func TestCancelledWhileServed(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", 6000, smtptest.Options{Latency: 20 * time.Millisecond})
	s.serveProcess(t)
	s.await(t, "first mails", func(context.Context) bool { return s.relay.Count() > 20 })
	var out bytes.Buffer
	sending, err := s.rooms.newsletter.WithStatus(context.Background(), "weekly", newsletter.Sending)
	if err != nil || len(sending) != 1 {
		t.Fatalf("sending are %+v (%v)", sending, err)
	}
	cancel := s.command(t, "issue", "cancel", sending[0].Week)
	cancel.Stdout, cancel.Stderr = &out, &out
	if err := cancel.Run(); err != nil || !strings.HasPrefix(out.String(), "cancelled ") {
		t.Fatalf("%v: %s", err, out.String())
	}
	s.await(t, "sent issue", s.sent)
	counts, err := s.rooms.ledger.Counts(context.Background(), sending[0].ID)
	if err != nil || counts.Waiting() != 0 || counts.Skipped == 0 || counts.Accepted+counts.Skipped != 6000 {
		t.Errorf("counts %+v (%v)", counts, err)
	}
}

// The process that leads is killed in mid-send. The other goes on with the
// send, takes over what the dead one had, and leads, within a minute.
func TestFault_L2_LeaderKilled(t *testing.T) {
	t.Parallel()
	s := newSite(t, databasetest.PostgreSQL(t), 2000, smtptest.Options{Latency: 20 * time.Millisecond})
	two := []*exec.Cmd{s.serveProcess(t), s.serveProcess(t)}
	s.await(t, "first mails", func(context.Context) bool { return s.relay.Count() > 200 })
	led := s.leader(context.Background())
	for _, cmd := range two {
		if cmd.Process.Pid == led {
			kill(cmd)
		}
	}
	if two[0].ProcessState == nil && two[1].ProcessState == nil {
		t.Fatalf("neither leads: %d", led)
	}
	began := time.Now()
	took := s.await(t, "sent issue", s.sent)
	s.await(t, "new leader", func(ctx context.Context) bool { now := s.leader(ctx); return now != 0 && now != led })
	t.Logf("sent %s after the kill, a new leader %s after it", took, time.Since(began))
	readers := map[string]bool{}
	for _, m := range s.relay.Messages() {
		readers[m.To] = true
	}
	if again := s.relay.Count() - len(readers); len(readers) != 2000 || again > 4 {
		t.Errorf("%d readers have mail, %d of them twice", len(readers), again)
	}
}
