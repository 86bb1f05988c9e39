package main

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	gomail "github.com/wneessen/go-mail"
)

// inbox is an SMTP server on loopback that keeps what it is sent in memory.
type inbox struct {
	server   *smtp.Server
	listener net.Listener

	mu       sync.Mutex
	messages []message
}

// message is one that arrived.
type message struct{ from, to, data string }

// openInbox starts an inbox on a free port of 127.0.0.1.
func openInbox() (*inbox, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	in := &inbox{listener: listener}
	in.server = smtp.NewServer(in)
	in.server.Domain, in.server.EnableSMTPUTF8, in.server.ReadTimeout = "localhost", true, time.Minute
	in.server.MaxMessageBytes = 10 << 20
	go in.server.Serve(listener)
	return in, nil
}

// Addr is host:port.
func (in *inbox) Addr() string { return in.listener.Addr().String() }

// Close stops the server.
func (in *inbox) Close() error { return in.server.Close() }

// Messages gives what arrived so far, in the order of the recipients.
func (in *inbox) Messages() []message {
	in.mu.Lock()
	defer in.mu.Unlock()
	list := slices.Clone(in.messages)
	slices.SortFunc(list, func(a, b message) int { return strings.Compare(a.to, b.to) })
	return list
}

// NewSession implements smtp.Backend.
func (in *inbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{inbox: in}, nil }

// session is one client's connection.
type session struct {
	inbox *inbox
	message
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error   { s.to = to; return nil }
func (s *session) Reset()                                      { s.message = message{} }
func (s *session) Logout() error                               { return nil }

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.inbox.mu.Lock()
	defer s.inbox.mu.Unlock()
	s.inbox.messages = append(s.inbox.messages, message{s.from, s.to, string(data)})
	return nil
}

// parts decodes the two bodies of a message.
func (m message) parts() (text, html string, err error) {
	parsed, err := gomail.EMLToMsgFromString(m.data)
	if err != nil {
		return "", "", fmt.Errorf("the mail to %s cannot be read back: %w", m.to, err)
	}
	for _, part := range parsed.GetParts() {
		body, err := part.GetContent()
		if err != nil {
			return "", "", err
		}
		switch part.GetContentType() {
		case gomail.TypeTextHTML:
			html = string(body)
		case gomail.TypeTextPlain:
			text = string(body)
		}
	}
	return text, html, nil
}
