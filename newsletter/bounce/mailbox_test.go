package bounce

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"

	"github.com/emersion/go-imap/v2/imapclient"
)

const dovecotConf = `
base_dir = %[1]s/run
state_dir = %[1]s/run
log_path = %[1]s/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:%[1]s/mail
passdb {
  driver = static
  args = password=of-the-test
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=%[1]s/home
}
service imap-login {
  chroot =
  inet_listener imap {
    port = %[2]d
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
`

// startDovecot runs an IMAP server of the test's own, or skips the test in one line.
func startDovecot(t *testing.T) (address string) {
	t.Helper()
	switch _, err := exec.LookPath("dovecot"); {
	case os.Getenv("APTA_E2E") == "":
		t.Skip("skipped: make e2e runs it")
	case err != nil:
		t.Skip("skipped: Dovecot is not installed here")
	case os.Getuid() != 0:
		t.Skip("skipped: Dovecot wants to be started by root")
	}
	// Not t.TempDir: the paths of Dovecot's sockets may have 100 octets.
	dir, err := os.MkdirTemp("", "dovecot-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = on.Addr().String()
	on.Close()
	conf := filepath.Join(dir, "dovecot.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, dovecotConf, dir, on.Addr().(*net.TCPAddr).Port), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"run", "mail", "home"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{dir, filepath.Join(dir, "mail"), filepath.Join(dir, "home")} {
		if err := os.Chmod(name, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(name, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	server := exec.Command("dovecot", "-F", "-c", conf)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Process.Signal(syscall.SIGTERM); server.Wait() })
	for range 100 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return address
		}
		time.Sleep(100 * time.Millisecond)
	}
	said, _ := os.ReadFile(filepath.Join(dir, "dovecot.log"))
	t.Fatalf("Dovecot does not answer: %s", said)
	return ""
}

// A bounce that comes while the mailbox is waited on is read at once, one that was
// there before too, and neither twice.
func TestMailboxOfARealServer(t *testing.T) {
	address := startDovecot(t)
	databasetest.Each(t, []database.Schema{subscribers.Schema(), Schema()}, func(t *testing.T, db *database.DB) {
		d := newDesk(t, db)
		user := "bounces-" + filepath.Base(t.Name()) + "@quay.example"
		deliver := func(raw []byte) {
			c, err := imapclient.DialInsecure(address, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Login(user, "of-the-test").Wait(); err != nil {
				t.Fatal(err)
			}
			raw = bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
			append := c.Append("INBOX", int64(len(raw)), nil)
			append.Write(raw)
			append.Close()
			if _, err := append.Wait(); err != nil {
				t.Fatal(err)
			}
		}
		d.book.Policy.Soft = 2
		deliver(d.mail("postfix-full", toUs, "To: "+d.path(), ours, d.message(issue)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		source := &Mailbox{Address: address, User: user, Password: "of-the-test", Folder: "INBOX", Book: d.book, Log: slog.New(slog.DiscardHandler)}
		go func() { done <- source.Run(ctx) }()
		wait := func(want int) []Entry {
			t.Helper()
			for range 100 {
				list, err := d.book.List(t.Context(), Filter{Reader: d.sub.ID})
				if err != nil {
					t.Fatal(err)
				}
				if len(list) >= want {
					return list
				}
				time.Sleep(100 * time.Millisecond)
			}
			t.Fatalf("%d reports were not read", want)
			return nil
		}
		wait(1)
		time.Sleep(500 * time.Millisecond) // it idles now
		deliver(d.mail("zoho", toUs, "To: "+d.path(), ours, d.message(issue+1)))
		d.wants(wait(2)[0], DidBounce, subscribers.Bounced)
		cancel()
		if err := <-done; err != context.Canceled {
			t.Error(err)
		}
		// A second reading finds everything seen.
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		source.Run(ctx)
		if list := wait(2); len(list) != 2 {
			t.Errorf("%d reports", len(list))
		}
	})
}
