package main

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"apta/newsletter/transport/smtptest"
)

// postfix is a mail server of its own: queue, configuration and mailboxes are in
// a temporary folder, and it listens on a free port of 127.0.0.1.
type postfix struct {
	dir, cert string
	port      int
}

// The configuration takes STARTTLS only, delivers to mailboxes that are listed,
// and refuses every other recipient, and all commands that come too early.
const postfixMain = `compatibility_level = 3.7
config_directory = %[1]s/etc
queue_directory = %[1]s/spool
data_directory = %[1]s/lib
maillog_file = %[1]s/mail.log
maillog_file_prefixes = %[1]s
myhostname = mx.e2e.example
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
smtpd_peername_lookup = no
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = %[1]s/cert.pem
smtpd_tls_key_file = %[1]s/key.pem
smtpd_relay_restrictions = reject_unauth_destination
smtpd_data_restrictions = reject_unauth_pipelining
smtputf8_enable = yes
virtual_mailbox_domains = texthash:%[1]s/etc/domains
virtual_mailbox_maps = texthash:%[1]s/etc/mailboxes
virtual_mailbox_base = %[1]s/mail
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
`

const postfixMaster = `127.0.0.1:%d inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`

// startPostfix starts a server with a mailbox for each address, or skips the
// test in one line where it cannot. more are further lines of its configuration.
func startPostfix(t *testing.T, addresses []string, more ...string) *postfix {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("skipped: Postfix wants to be started by root")
	}
	if _, err := exec.LookPath("postfix"); err != nil {
		t.Skip("skipped: Postfix is not installed here")
	}
	p := &postfix{dir: t.TempDir(), port: freePort(t)}
	// Other users than root are to reach what is theirs.
	if err := os.Chmod(filepath.Dir(p.dir), 0o755); err != nil {
		t.Fatal(err)
	}
	p.cert = filepath.Join(p.dir, "cert.pem")
	p.writeCertificate(t)
	mailboxes, domains := &strings.Builder{}, map[string]bool{}
	for i, a := range addresses {
		fmt.Fprintf(mailboxes, "%s reader%d/\n", a, i)
		domains[a[strings.LastIndexByte(a, '@')+1:]] = true
	}
	var names strings.Builder
	for d := range domains {
		names.WriteString(d + " x\n")
	}
	p.write(t, "etc/main.cf", fmt.Sprintf(postfixMain, p.dir)+strings.Join(more, "\n"))
	p.write(t, "etc/master.cf", fmt.Sprintf(postfixMaster, p.port))
	p.write(t, "etc/mailboxes", mailboxes.String())
	p.write(t, "etc/domains", names.String())
	for _, dir := range []string{"spool", "lib", "mail"} {
		if err := os.MkdirAll(filepath.Join(p.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// The user postfix owns what it keeps, the user nobody the mailboxes.
	for dir, owner := range map[string]string{"lib": "postfix", "mail": "65534:65534"} {
		if out, err := exec.Command("chown", owner, filepath.Join(p.dir, dir)).CombinedOutput(); err != nil {
			t.Fatalf("chown: %v: %s", err, out)
		}
	}
	p.run(t)
	return p
}

// run starts the server and waits until it answers. It ends with the test, or
// after five minutes should the test be killed.
func (p *postfix) run(t *testing.T) {
	t.Helper()
	etc := filepath.Join(p.dir, "etc")
	if out, err := exec.Command("postfix", "-c", etc, "check").CombinedOutput(); err != nil {
		t.Fatalf("postfix check: %v: %s\n%s", err, out, p.log(t))
	}
	daemons, err := exec.Command("postconf", "-c", etc, "-h", "daemon_directory").Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(strings.TrimSpace(string(daemons)), "master"), "-c", etc, "-e", "300")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
		if err == nil {
			// Politely, or it would be in the log.
			bufio.NewReader(c).ReadString('\n')
			io.WriteString(c, "QUIT\r\n")
			io.Copy(io.Discard, c)
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Postfix does not answer: %v\n%s", err, p.log(t))
		}
	}
}

func (p *postfix) write(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (p *postfix) writeCertificate(t *testing.T) {
	t.Helper()
	config, _, err := smtptest.Certificate(time.Now().Add(24 * time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	pair := config.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})))
	p.write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
}

// log is all that the server has written to its log.
func (p *postfix) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "mail.log"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
