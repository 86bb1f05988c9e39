package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"apta/newsletter/transport/smtptest"
	"apta/subscribers"
)

// A whole run with all that can go wrong: relays that repeat addresses in what
// they refuse, a password that is wrong, links that lead nowhere, forms full of
// rubbish, a broken configuration. No secret is in anything that it says, and
// addresses are there only as log.addresses wants.
func TestFault_O2_NoSecretsInWhatIsSaid(t *testing.T) {
	t.Parallel()
	for _, addresses := range []string{"short", "none", "full"} {
		t.Run(addresses, func(t *testing.T) {
			t.Parallel()
			leaks(t, addresses)
		})
	}
}

func leaks(t *testing.T, addresses string) {
	const readers = 30
	refusing := func(stage smtptest.Stage, argument string) smtptest.Action {
		to := strings.Trim(strings.TrimPrefix(argument, "TO:"), "<>")
		switch {
		case stage == smtptest.Rcpt && strings.Contains(to, "1@"):
			return smtptest.Action{Reply: "550 5.1.1 " + to + ": no such user, see https://x.example/?" + to}
		case stage == smtptest.Rcpt && strings.Contains(to, "2@"):
			return smtptest.Action{Reply: "421 4.7.0 too many mails to " + to}
		case stage == smtptest.Rcpt && strings.Contains(to, "stranger"):
			return smtptest.Action{Reply: "450 4.2.0 <" + to + "> greylisted"}
		}
		return smtptest.Action{}
	}
	s := newSite(t, "", readers, smtptest.Options{Script: refusing})
	const secret, password, token = "a-secret-of-more-than-32-characters!", "relay-password-geheim", "figures-token-geheim"
	passwordFile := filepath.Join(s.dir, "smtp.password")
	if err := os.WriteFile(passwordFile, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "APTA_SECRET="+secret, "APTA_SMTP_USERNAME=relay-user", "APTA_SMTP_PASSWORD_FILE="+passwordFile, "APTA_SMTP_AUTH=none",
		"APTA_METRICS_TOKEN="+token, "APTA_LOG_ADDRESSES="+addresses)
	cmd, said := s.startServing(t)
	site := "http://" + listeningOn(t, said)
	s.await(t, "mails", func(context.Context) bool { return s.relay.Count() >= readers/2 })

	keys, err := subscribers.NewKeys([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	readersKey := keys.Token(subscribers.PurposePreferences, 12345, 0)
	var answers strings.Builder
	visit := func(req *http.Request, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&answers, "%s %v\n%s\n", resp.Status, resp.Header, body)
	}
	for _, path := range []string{"/p/" + readersKey, "/u/" + readersKey, "/c/" + readersKey, "/weekly/search?q=reader3@example.org", "/nothing/reader3@example.org", "/metrics", "/readyz"} {
		req, err := http.NewRequest("GET", site+path, nil)
		if path == "/metrics" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		visit(req, err)
	}
	for _, form := range []string{"email=stranger@example.org", "email=%ff%fe&topic=%00", strings.Repeat("a=b&", 1<<15)} {
		req, err := http.NewRequest("POST", site+"/api/subscriptions", strings.NewReader(form))
		visit(req, err)
	}
	cmd.Process.Signal(syscall.SIGHUP)
	s.await(t, "configuration read again", func(context.Context) bool { return strings.Contains(said.String(), "read again") })
	if err := os.WriteFile(s.configFile, []byte("[smtp]\npassword = \""+password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Signal(syscall.SIGHUP)
	s.await(t, "broken configuration", func(context.Context) bool { return strings.Contains(said.String(), "the old one is kept") })
	cmd.Process.Signal(syscall.SIGQUIT) // a crash, with all goroutines
	cmd.Wait()

	all := said.String() + answers.String()
	if !strings.Contains(all, "goroutine") || !strings.Contains(answers.String(), "apta_deliveries") {
		t.Fatal("the crash or the figures are not there to be looked at")
	}
	for _, hidden := range []string{secret, password, token, readersKey} {
		if strings.Contains(said.String(), hidden) {
			t.Errorf("%q was said:\n%s", hidden, around(said.String(), hidden))
		}
	}
	for i := range readers {
		address := fmt.Sprintf("reader%d@example.org", i)
		if i != 3 && strings.Contains(answers.String(), address) {
			t.Errorf("an answer names %s", address)
		}
		if addresses != "full" && strings.Contains(said.String(), address) {
			t.Errorf("the log names %s:\n%s", address, around(said.String(), address))
		}
	}
	want := map[string]string{"short": "r…@example.org", "none": "(address)", "full": "2@example.org"}[addresses]
	if !strings.Contains(said.String(), want) {
		t.Errorf("the log has no %s:\n%s", want, said.String()[:min(3000, len(said.String()))])
	}
}

// around is the line in which something stands.
func around(text, what string) string {
	at := strings.Index(text, what)
	from := strings.LastIndex(text[:at], "\n") + 1
	to := len(text)
	if end := strings.IndexByte(text[at:], '\n'); end >= 0 {
		to = at + end
	}
	return text[from:to]
}
