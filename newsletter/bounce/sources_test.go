package bounce

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apta/subscribers"
)

func TestMaildirIsReadAndNothingIsDeleted(t *testing.T) {
	onEach(t, func(d *desk) {
		dir := t.TempDir()
		for _, sub := range []string{"new", "tmp"} {
			if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for name, raw := range map[string][]byte{"new/1.a": d.mail("postfix", toUs, "To: "+d.path()), "new/2.a": d.mail("answer"), "tmp/3.a": d.mail("qmail")} {
			if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		source := &Maildir{Dir: dir, Book: d.book, Log: slog.New(slog.DiscardHandler)}
		if n, err := source.Look(t.Context()); n != 2 || err != nil {
			t.Errorf("%d were read, %v", n, err)
		}
		if n, err := source.Look(t.Context()); n != 0 || err != nil {
			t.Errorf("then %d, %v", n, err)
		}
		for _, name := range []string{"cur/1.a:2,S", "cur/2.a:2,S", "tmp/3.a"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Error(err)
			}
		}
		d.wants(Entry{}, "", subscribers.Bounced)
		// With no room for what cannot be read, that stays where it is.
		d.book.Folder.Most = 1
		if err := os.WriteFile(filepath.Join(dir, "new", "4.a"), []byte("\x03"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := source.Look(t.Context()); !errors.Is(err, ErrFull) {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "new", "4.a")); err != nil {
			t.Error(err)
		}
	})
}

// listen starts a listener for the reader's return path and gives its address.
func (d *desk) listen() string {
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	l := &Listener{Book: d.book, Domain: "quay.example", Paths: []string{"bounces+*@quay.example"}, Log: slog.New(slog.DiscardHandler)}
	go func() { l.Serve(ctx, on); close(done) }()
	d.t.Cleanup(func() { cancel(); <-done })
	return on.Addr().String()
}

func TestListenerTakesBouncesAlone(t *testing.T) {
	onEach(t, func(d *desk) {
		address := d.listen()
		for _, to := range []string{"reader@harbour.example", "postmaster@quay.example", "bounces+x@elsewhere.example", "xbounces+y@quay.example"} {
			if err := smtp.SendMail(address, nil, "", []string{to}, d.mail("postfix")); err == nil || !strings.HasPrefix(err.Error(), "550") {
				t.Errorf("%s: %v", to, err)
			}
		}
		// The envelope alone names the reader.
		if err := smtp.SendMail(address, nil, "", []string{strings.ToUpper(d.path())}, d.mail("postfix")); err != nil {
			t.Fatal(err)
		}
		d.wants(Entry{}, "", subscribers.Bounced)
		if err := smtp.SendMail(address, nil, "", []string{"bounces@quay.example"}, []byte("Subject: large\r\n\r\n"+strings.Repeat("x\r\n", MaxSize/3))); err == nil || !strings.HasPrefix(err.Error(), "552") {
			t.Errorf("a large one: %v", err)
		}
		d.book.Folder.Most = 1
		for i, want := range []bool{true, false} {
			err := smtp.SendMail(address, nil, "", []string{"bounces@quay.example"}, []byte("Subject: "+strings.Repeat("x", i+1)+"\r\n\r\nunclear\r\n"))
			if (err == nil) != want || err != nil && !strings.HasPrefix(err.Error(), "451") {
				t.Errorf("with room %t: %v", want, err)
			}
		}
	})
}

func TestFault_B3_ManyClientsAreBounded(t *testing.T) {
	onEach(t, func(d *desk) {
		address := d.listen()
		var held []net.Conn
		defer func() {
			for _, c := range held {
				c.Close()
			}
		}()
		for range mostClients + 20 {
			c, err := net.DialTimeout("tcp", address, 5*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, c)
		}
		for i, c := range held[:mostClients] {
			c.SetReadDeadline(time.Now().Add(10 * time.Second))
			if n, err := c.Read(make([]byte, 100)); n == 0 {
				t.Fatalf("client %d was not greeted: %v", i, err)
			}
		}
		c := held[len(held)-1]
		c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		if n, _ := c.Read(make([]byte, 100)); n > 0 {
			t.Error("one too many was greeted")
		}
		for _, c := range held[:len(held)-1] {
			c.Close()
		}
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if n, err := c.Read(make([]byte, 100)); n == 0 {
			t.Errorf("the last was not greeted when the others had left: %v", err)
		}
	})
}
