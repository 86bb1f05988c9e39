package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/transport/smtptest"
)

// words is what a process says, read while it goes on.
type words struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// SIGTERM in mid-send, again and again: each time the process ends within 10 s
// with nothing offered and nothing doubtful, and in the end every reader has one
// mail.
func TestFault_O1_TerminatedInMidSend(t *testing.T) {
	t.Parallel()
	const readers = 1500
	s := newSite(t, "", readers, smtptest.Options{Latency: 5 * time.Millisecond})
	ctx := context.Background()
	stops := 0
	for !s.sent(ctx) && stops < 50 {
		cmd, said := s.startServing(t)
		before := s.relay.Count()
		s.await(t, "next mails", func(ctx context.Context) bool { return s.relay.Count() > before+150 || s.sent(ctx) })
		if stops == 3 { // what is left goes out in one go
			s.await(t, "sent issue", s.sent)
		}
		cmd.Process.Signal(syscall.SIGTERM)
		began := time.Now()
		if err := cmd.Wait(); err != nil {
			t.Fatalf("it ended with %v:\n%s", err, said.String())
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %s to end", took)
		}
		stops++
		issues, err := s.rooms.newsletter.Issues(ctx, "weekly", 1)
		if err != nil || len(issues) != 1 {
			t.Fatal(issues, err)
		}
		counts, err := s.rooms.ledger.Counts(ctx, issues[0].ID)
		if err != nil || counts.Doubtful != 0 || counts.Offered != 0 || counts.Accepted != s.relay.Count() {
			t.Errorf("stopped: %+v, %d mails (%v)", counts, s.relay.Count(), err)
		}
	}
	to := map[string]int{}
	for _, m := range s.relay.Messages() {
		to[m.To]++
	}
	if len(to) != readers || s.relay.Count() != readers || stops < 3 {
		t.Errorf("%d readers have %d mails after %d stops", len(to), s.relay.Count(), stops)
	}
}

// A relay that swallows a message and says nothing does not keep the process: it
// ends in time, and that one message is the only one of which nobody knows.
func TestFault_O1_TerminatedBeforeAMuteRelay(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", 40, smtptest.Options{Script: func(stage smtptest.Stage, to string) smtptest.Action {
		if stage == smtptest.Dot && strings.Contains(to, "reader7@") {
			return smtptest.Action{Hang: true}
		}
		return smtptest.Action{}
	}})
	cmd := s.serveProcess(t)
	s.await(t, "mails", func(context.Context) bool { return s.relay.Count() >= 30 })
	cmd.Process.Signal(syscall.SIGTERM)
	began := time.Now()
	cmd.Wait()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s to end", took)
	}
	list, err := s.rooms.newsletter.WithStatus(context.Background(), "weekly", newsletter.Sending)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	counts, err := s.rooms.ledger.Counts(context.Background(), list[0].ID)
	if err != nil || counts.Offered > 1 || counts.Doubtful > 0 || counts.Accepted < 30 {
		t.Errorf("%+v (%v)", counts, err)
	}
}

// SIGHUP: a broken configuration is told and not taken, a good one is, and what
// needs a restart is named.
func TestFault_O1_ConfigurationReadAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, "", 1, smtptest.Options{})
	s.env = append(plainEnviron(), "APTA_CONFIG="+s.configFile) // all else from the file
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, more string) {
		t.Helper()
		text := "listen = \"" + address + "\"\n" + more + "\n[newsletter]\nname = \"" + name + "\"\n[mail]\nfrom = \"weekly@news.example\"\n"
		if err := os.WriteFile(s.configFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("The First", "")
	cmd, said := s.startServing(t)
	page := func(want string) {
		t.Helper()
		s.await(t, "page of "+want, func(context.Context) bool {
			body, err := pageAt("http://" + address + "/subscribe")
			return err == nil && strings.Contains(body, want)
		})
	}
	says := func(want string) {
		t.Helper()
		s.await(t, want+" in\n"+said.String(), func(context.Context) bool { return strings.Contains(said.String(), want) })
	}
	page("The First")

	write("The Second", "base_url = \"nonsense\"")
	cmd.Process.Signal(syscall.SIGHUP)
	says("the old one is kept")
	says("base_url")
	page("The First")
	write("The Second", "secret_file = \"other.key\"\n[dkim]\nrsa_selector = \"x\"\nrsa_file = \"none.pem\"")
	cmd.Process.Signal(syscall.SIGHUP)
	says("dkim.rsa_file")
	page("The First")

	write("The Second", "database = \"elsewhere.db\"")
	cmd.Process.Signal(syscall.SIGHUP)
	says("taken up at the next start only")
	says("keys=database")
	page("The Second")
	if _, err := os.Stat(filepath.Join(s.dir, "elsewhere.db")); err == nil {
		t.Error("another database was opened")
	}
	// Nobody is turned away meanwhile.
	stop, turned := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				turned <- nil
				return
			default:
			}
			if _, err := pageAt("http://" + address + "/healthz"); err != nil {
				turned <- err
				return
			}
		}
	}()
	write("The Third", "")
	cmd.Process.Signal(syscall.SIGHUP)
	page("The Third")
	close(stop)
	if err := <-turned; err != nil {
		t.Errorf("a visitor was turned away: %v", err)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v:\n%s", err, said.String())
	}
}
