package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// e2eReaders is how many readers a mail is sent to, those of e2eNames besides.
const e2eReaders = 997

// e2eNames are readers whose names or addresses are more than ASCII.
var e2eNames = []struct{ address, name, wire string }{
	{"aigerim@readers.example", "Әйгерім Қалиқызы", "aigerim@readers.example"},
	{"reader@почта.қаз", "Reader by IDN", "reader@xn--80a1acny.xn--80ao21a"},
	{"用户@readers.example", "用户", "用户@readers.example"},
}

// A thousand mails, sent by the program over STARTTLS, arrive in the mailboxes of
// a real Postfix, and readers that know nothing of Go find nothing wrong with them.
func TestPostfixTakesThem(t *testing.T) {
	if os.Getenv("APTA_E2E") == "" {
		t.Skip("skipped: make e2e runs it")
	}
	if err := exec.Command("/usr/bin/python3", "-c", "import dkim, nacl").Run(); err != nil {
		t.Skip("skipped: python3-dkim and python3-nacl are not installed here")
	}
	addresses, csv := e2eList()
	server := startPostfix(t, addresses)
	desk := &e2eDesk{dir: t.TempDir(), bin: filepath.Join(t.TempDir(), "apta"), relay: server}
	if out, err := exec.Command("go", "build", "-o", desk.bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	zone := desk.prepare(t, csv)
	desk.apta(t, "issue", "approve", demoWeek)
	said := desk.apta(t, "issue", "send", demoWeek, "--wait")
	if want := fmt.Sprintf(`%d +accepted`, len(addresses)); !regexp.MustCompile(want).MatchString(said) || !strings.Contains(said, "1 refused: 550") {
		t.Errorf("apta says:\n%s", said)
	}
	if again := desk.apta(t, "issue", "send", demoWeek, "--wait"); !strings.Contains(again, "nobody gets it twice") {
		t.Errorf("sent again, apta says:\n%s", again)
	}
	server.waitDelivered(t, len(addresses))
	server.checkLog(t)

	out, err := exec.Command("/usr/bin/python3", "testdata/e2e/mailboxes.py", filepath.Join(server.dir, "mail"), zone, "2").Output()
	if err != nil {
		t.Fatalf("the mails have faults: %v\n%s", err, err.(*exec.ExitError).Stderr)
	}
	var found struct {
		Messages int
		Readers  map[string]string // Delivered-To: To
	}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	if found.Messages != len(addresses) || len(found.Readers) != len(addresses) {
		t.Errorf("%d messages to %d readers arrived, want %d", found.Messages, len(found.Readers), len(addresses))
	}
	for _, r := range e2eNames {
		if want := r.name + " <" + r.wire + ">"; found.Readers[r.wire] != want {
			t.Errorf("To of %s is %q, want %q", r.address, found.Readers[r.wire], want)
		}
	}
}

// e2eList gives the addresses that have a mailbox, and all subscribers as CSV:
// one of them has none.
func e2eList() (addresses []string, csv string) {
	var b strings.Builder
	b.WriteString("email,name\nnobody@readers.example,Nobody\n")
	for i := range e2eReaders {
		a := fmt.Sprintf("reader%d@readers.example", i)
		addresses = append(addresses, a)
		fmt.Fprintf(&b, "%s,Reader %d\n", a, i)
	}
	for _, r := range e2eNames {
		addresses = append(addresses, r.wire)
		fmt.Fprintf(&b, "%s,%s\n", r.address, r.name)
	}
	return addresses, b.String()
}

// e2eDesk is a newsroom that works with the program alone.
type e2eDesk struct {
	dir, bin string
	env      []string
	relay    *postfix
}

// prepare does what an operator does before the first issue, and gives the file
// with the DNS records that keygen printed.
func (d *e2eDesk) prepare(t *testing.T, csv string) (zone string) {
	t.Helper()
	d.env = plainEnviron()
	d.env = append(d.env, "SSL_CERT_FILE="+d.relay.cert, fmt.Sprintf("APTA_SMTP_PORT=%d", d.relay.port), "APTA_SMTP_TLS=starttls",
		"APTA_MAIL_FROM=The Quay Post <weekly@quaypost.example>", "APTA_MAIL_RETURN_PATH=bounces+{reader}@quaypost.example",
		"APTA_BASE_URL=https://quaypost.example", "APTA_SCHEDULE_ZONE=Europe/Berlin")
	readers := filepath.Join(d.dir, "readers.csv")
	if err := os.WriteFile(readers, []byte(csv), 0o644); err != nil {
		t.Fatal(err)
	}
	items, err := filepath.Abs("demo/items.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	d.apta(t, "init")
	records := d.apta(t, "dkim", "keygen", "--type", "rsa", "--selector", "r1", "--out", "rsa.pem")
	records += d.apta(t, "dkim", "keygen", "--type", "ed25519", "--selector", "e1", "--out", "ed.pem")
	d.env = append(d.env, "APTA_DKIM_RSA_SELECTOR=r1", "APTA_DKIM_RSA_FILE=rsa.pem", "APTA_DKIM_ED25519_SELECTOR=e1", "APTA_DKIM_ED25519_FILE=ed.pem")
	zone = filepath.Join(d.dir, "zone")
	if err := os.WriteFile(zone, []byte(records), 0o644); err != nil {
		t.Fatal(err)
	}
	d.apta(t, "item", "import", items)
	d.apta(t, "subscriber", "import", readers)
	d.apta(t, "issue", "compose", "--week", demoWeek, "--save")
	return zone
}

// apta runs the program and gives what it says. A warning is a fault: the relay
// is a good one.
func (d *e2eDesk) apta(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(d.bin, args...)
	cmd.Dir, cmd.Env = d.dir, d.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || strings.Contains(stderr.String(), "WARN") || strings.Contains(stderr.String(), "ERROR") {
		t.Fatalf("apta %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// waitDelivered waits until so many mails are in mailboxes.
func (p *postfix) waitDelivered(t *testing.T, want int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(p.dir, "mail", "*", "new", "*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) >= want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d mails were delivered\n%s", len(files), want, p.log(t))
		}
	}
}

// checkLog finds what the server minded: the one recipient that does not exist
// and nothing else.
func (p *postfix) checkLog(t *testing.T) {
	t.Helper()
	refused := 0
	for line := range strings.Lines(p.log(t)) {
		switch {
		case strings.Contains(line, "NOQUEUE: reject: RCPT") && strings.Contains(line, "<nobody@readers.example>"):
			refused++
		case regexp.MustCompile(`warning|error|fatal|panic|reject|improper|lost connection|timeout|status=(bounced|deferred)`).MatchString(line):
			t.Errorf("Postfix minds: %s", line)
		}
	}
	if refused != 1 {
		t.Errorf("Postfix refused %d recipients, want the one that does not exist", refused)
	}
}
