package main

import (
	"crypto/tls"
	"fmt"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A real Postfix takes a mail for a mailbox that it has not, finds that out, and
// sends its report to the return path, which it hands on to apta serve over LMTP:
// that reader bounces, and no other. A mail to the address in List-Unsubscribe of
// another reader's mail unsubscribes them.
func TestPostfixBouncesToTheReader(t *testing.T) {
	if os.Getenv("APTA_E2E") == "" {
		t.Skip("skipped: make e2e runs it")
	}
	port := freePort(t)
	server := startPostfix(t, []string{"reader0@readers.example", "reader1@readers.example"},
		"smtpd_reject_unlisted_recipient = no", "relay_domains = quaypost.example",
		fmt.Sprintf("transport_maps = inline:{quaypost.example=lmtp:inet:127.0.0.1:%d}", port), "")
	desk := &e2eDesk{dir: t.TempDir(), bin: filepath.Join(t.TempDir(), "apta"), relay: server}
	if out, err := exec.Command("go", "build", "-o", desk.bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	desk.prepare(t, "email,name\nnobody@readers.example,Nobody\nreader0@readers.example,A\nreader1@readers.example,B\n")
	desk.env = append(desk.env, fmt.Sprintf("APTA_BOUNCES_LISTEN=127.0.0.1:%d", port), "APTA_BOUNCES_PROTOCOL=lmtp", "APTA_LISTEN=127.0.0.1:0")
	serve := exec.Command(desk.bin, "serve")
	serve.Dir, serve.Env, serve.Stderr = desk.dir, desk.env, os.Stderr
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		serve.Process.Signal(syscall.SIGTERM)
		if err := serve.Wait(); err != nil {
			t.Errorf("apta serve: %v", err)
		}
	})
	desk.apta(t, "issue", "approve", demoWeek)
	if said := desk.apta(t, "issue", "send", demoWeek, "--wait"); !regexp.MustCompile(`3 +accepted`).MatchString(said) {
		t.Fatalf("apta says:\n%s", said)
	}
	server.waitDelivered(t, 2)
	desk.waitFor(t, server, `status +bounced`, "subscriber", "show", "nobody@readers.example")
	show := desk.apta(t, "subscriber", "show", "nobody@readers.example")
	if !strings.Contains(show, "bounced by hard bounce: mailbox unknown (report ") {
		t.Errorf("the history:\n%s", show)
	}
	if counts := desk.apta(t, "bounce", "counts"); !regexp.MustCompile(`hard +mailbox unknown +1`).MatchString(counts) {
		t.Errorf("the counts:\n%s", counts)
	}

	desk.unsubscribeByMail(t, server, "reader0")
	desk.waitFor(t, server, `status +unsubscribed`, "subscriber", "show", "reader0@readers.example")
	if show := desk.apta(t, "subscriber", "show", "reader0@readers.example"); !strings.Contains(show, "unsubscribed by mail to the address in List-Unsubscribe") {
		t.Errorf("the history:\n%s", show)
	}
	if show := desk.apta(t, "subscriber", "show", "reader1@readers.example"); !regexp.MustCompile(`status +active`).MatchString(show) {
		t.Errorf("another reader:\n%s", show)
	}

	id := regexp.MustCompile(`(?m)^(\S{13}) .* hard `).FindStringSubmatch(desk.apta(t, "bounce", "list"))
	if id == nil {
		t.Fatal("the report is not listed")
	}
	if said := desk.apta(t, "bounce", "undo", id[1]); !strings.Contains(said, "is active") {
		t.Error(said)
	}
	if said := desk.apta(t, "bounce", "unread"); said != "" {
		t.Errorf("not understood:\n%s", said)
	}
}

// waitFor asks the program until it says something.
func (d *e2eDesk) waitFor(t *testing.T, server *postfix, want string, args ...string) {
	t.Helper()
	pattern, said := regexp.MustCompile(want), ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if said = d.apta(t, args...); pattern.MatchString(said) {
			return
		}
	}
	t.Fatalf("apta %s says:\n%s\nPostfix:\n%s", strings.Join(args, " "), said, server.log(t))
}

// unsubscribeByMail does what a mail program does that follows the mailto: of
// List-Unsubscribe in a delivered mail.
func (d *e2eDesk) unsubscribeByMail(t *testing.T, server *postfix, mailbox string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(server.dir, "mail", mailbox, "new", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	to := regexp.MustCompile(`<mailto:([^?>]+)\?subject=unsubscribe>`).FindSubmatch(text)
	if to == nil {
		t.Fatalf("no mailto: in\n%.2000s", text)
	}
	c, err := smtp.Dial(fmt.Sprintf("127.0.0.1:%d", server.port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = c.StartTLS(&tls.Config{InsecureSkipVerify: true}) // its certificate is the test's own
	if err == nil {
		err = c.Mail("reader0@readers.example")
	}
	if err == nil {
		err = c.Rcpt(string(to[1]))
	}
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err == nil {
		_, err = fmt.Fprintf(w, "From: <reader0@readers.example>\r\nTo: <%s>\r\nSubject: unsubscribe\r\n\r\n", to[1])
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = c.Quit()
	}
	if err != nil {
		t.Fatal(err)
	}
}
