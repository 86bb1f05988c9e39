package bounce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Listener takes mails over SMTP or LMTP. It takes them for the return path alone
// and passes none on: it is no relay, and it answers nobody.
type Listener struct {
	Book   *Book
	LMTP   bool
	Domain string   // how it greets
	Paths  []string // return paths, with the reader's mark replaced by *
	Log    *slog.Logger
}

// Bounds of what one client may do.
const (
	mostClients    = 100
	mostRecipients = 10
	clientTime     = time.Minute // without a word
	sessionTime    = 10 * time.Minute
)

// Serve takes mails until ctx ends.
func (l *Listener) Serve(ctx context.Context, on net.Listener) error {
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{listener: l, ctx: ctx}, nil }))
	server.Domain, server.LMTP, server.EnableSMTPUTF8 = l.Domain, l.LMTP, true
	server.MaxMessageBytes, server.MaxRecipients = MaxSize, mostRecipients
	server.ReadTimeout, server.WriteTimeout = clientTime, clientTime
	server.ErrorLog = slog.NewLogLogger(l.Log.Handler(), slog.LevelDebug)
	done := make(chan error, 1)
	go func() { done <- server.Serve(&bounded{Listener: on, room: make(chan struct{}, mostClients)}) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if server.Shutdown(closing) != nil {
			server.Close()
		}
		return ctx.Err()
	}
}

// bounded accepts so many connections at once; further ones wait, and each ends in time.
type bounded struct {
	net.Listener
	room chan struct{}
}

func (b *bounded) Accept() (net.Conn, error) {
	b.room <- struct{}{}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.room
		return nil, err
	}
	conn := &client{Conn: c, room: b.room}
	conn.end = time.AfterFunc(sessionTime, func() { conn.Close() })
	return conn, nil
}

type client struct {
	net.Conn
	room chan struct{}
	end  *time.Timer
	left sync.Once
}

func (c *client) Close() error {
	c.left.Do(func() { c.end.Stop(); <-c.room })
	return c.Conn.Close()
}

// session is one client's.
type session struct {
	listener *Listener
	ctx      context.Context
	from     string
	to       []string
}

var (
	errNotHere = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "only bounces are taken here"}
	errLater   = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "try again later"}
	errBig     = &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "too large for a bounce"}
)

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if !s.listener.takes(to) {
		return errNotHere
	}
	s.to = append(s.to, to)
	return nil
}

// takes reports whether an address is a return path of ours.
func (l *Listener) takes(address string) bool {
	a := strings.ToLower(address)
	for _, path := range l.Paths {
		before, after, marked := strings.Cut(strings.ToLower(path), "*")
		if a == before+after || marked && len(a) > len(before)+len(after) && strings.HasPrefix(a, before) && strings.HasSuffix(a, after) {
			return true
		}
		// bounces@ without the mark: where a server has cut off what follows a +.
		if marked && a == strings.TrimRight(before, "+-=")+after {
			return true
		}
	}
	return false
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	switch {
	case errors.Is(err, smtp.ErrDataTooLarge) || len(raw) > MaxSize:
		return errBig
	case err != nil:
		return errLater
	}
	// The envelope names the reader, which the header need not: each recipient is one.
	for _, to := range s.to {
		head := fmt.Sprintf("Return-Path: <%s>\r\nX-Envelope-To: <%s>\r\n", s.from, to)
		if _, err := s.listener.Book.Take(s.ctx, append([]byte(head), raw...), s.listener.name()); err != nil {
			s.listener.Log.Error("bounces: listener", "error", err)
			return errLater
		}
	}
	return nil
}

func (l *Listener) name() string {
	if l.LMTP {
		return "lmtp"
	}
	return "smtp"
}

func (s *session) Reset()        { s.from, s.to = "", nil }
func (s *session) Logout() error { return nil }
