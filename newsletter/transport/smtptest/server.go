// Package smtptest is an SMTP server for tests and benchmarks: it does as its
// script says, faults included, and keeps or counts what arrives.
package smtptest

import (
	"bufio"
	"bytes"

	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Stage is a moment at which a script may do something else than usual.
type Stage string

// The stages of a session. Body comes when the relay has said 354 and before it
// reads; Dot after the final dot.
const (
	Greeting Stage = "greeting"
	Hello    Stage = "hello"
	StartTLS Stage = "starttls"
	Mail     Stage = "mail"
	Rcpt     Stage = "rcpt"
	Data     Stage = "data"
	Body     Stage = "body"
	Dot      Stage = "dot"
	Reset    Stage = "reset"
)

// Action is what the server does at a stage; the zero Action is the usual.
type Action struct {
	Reply string        // instead of the usual reply; without CRLF. Several lines are parted by \r\n
	Raw   string        // written as it stands, before the reply
	Delay time.Duration // before anything else
	Drop  bool          // hang up without a reply
	After bool          // hang up after the reply
	Hang  bool          // say nothing more, until the client goes
	Read  int           // at Body: hang up after so many octets
	// Trickle is the time that each octet of the reply takes.
	Trickle time.Duration
	Spoil   bool // write rubbish beneath TLS instead of a reply
	Deaf    bool // at Body: read nothing more, until Close
}

// Options say how a server behaves.
type Options struct {
	Extensions []string    // of the EHLO reply; nil offers PIPELINING, 8BITMIME, SMTPUTF8, SIZE 10485760
	TLS        *tls.Config // offers STARTTLS
	Users      map[string]string
	Script     func(stage Stage, argument string) Action
	CountOnly  bool // keep no messages
	Latency    time.Duration
	Pipelining Pipelining
}

// Message is one that was accepted.
type Message struct {
	From, To string // the arguments of MAIL and RCPT, parameters included
	Data     string // without the final dot, dots unstuffed
}

// Server is a running server.
type Server struct {
	listener net.Listener
	opt      Options
	count    atomic.Int64
	together atomic.Int64

	mu       sync.Mutex
	messages []Message
	conns    map[net.Conn]bool
	commands []string
	done     sync.WaitGroup
	closing  chan struct{}
}

// Start listens on a free port of 127.0.0.1.
func Start(opt Options) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return Serve(l, opt), nil
}

// Serve takes connections from a listener until Close.
func Serve(l net.Listener, opt Options) *Server {
	if opt.Extensions == nil {
		opt.Extensions = []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 10485760"}
	}
	s := &Server{listener: l, opt: opt, conns: map[net.Conn]bool{}, closing: make(chan struct{})}
	s.done.Go(s.accept)
	return s
}

// Host and Port are where the server listens.
func (s *Server) Host() string { return s.listener.Addr().(*net.TCPAddr).IP.String() }

// Port is the TCP port.
func (s *Server) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Count is how many messages were accepted.
func (s *Server) Count() int { return int(s.count.Load()) }

// Together is how many commands came while another of the same client waited.
func (s *Server) Together() int { return int(s.together.Load()) }

// Messages gives the accepted messages in the order they came.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Commands gives every command line as it was read, of all connections.
func (s *Server) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.commands...)
}

// Close stops the server and hangs up on every client.
func (s *Server) Close() {
	s.mu.Lock()
	if !s.isClosing() {
		close(s.closing)
	}
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.listener.Close()
	s.done.Wait()
}

func (s *Server) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.isClosing() {
			s.mu.Unlock()
			c.Close()
			return
		}
		s.conns[c] = true
		s.mu.Unlock()
		s.done.Go(func() {
			session := &session{server: s, conn: c, in: bufio.NewReaderSize(c, 256<<10), out: bufio.NewWriter(c)}
			session.run()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
			c.Close()
		})
	}
}

// session is one client.
type session struct {
	server   *Server
	conn     net.Conn
	in       *bufio.Reader
	out      *bufio.Writer
	from, to string
	body     []byte
	together bool     // the next command came together with the one before
	held     []string // replies that are kept for a wrong place
}

// act does what the script wants at a stage; ok is false where the session is over.
func (s *session) act(stage Stage, argument, usual string) (said string, ok bool) {
	var a Action
	if s.server.opt.Script != nil {
		a = s.server.opt.Script(stage, argument)
	}
	time.Sleep(a.Delay)
	if a.Hang {
		s.out.Flush()
		io.Copy(io.Discard, s.in)
		return "", false
	}
	if a.Drop {
		return "", false
	}
	if a.Spoil {
		return "", s.spoilTLS()
	}
	s.out.WriteString(a.Raw)
	if a.Reply != "" {
		usual = a.Reply
	}
	if a.Trickle > 0 {
		return usual, s.trickle(usual+"\r\n", a.Trickle)
	}
	s.say(usual)
	if a.After {
		s.out.Flush()
		return usual, false
	}
	return usual, true
}

func (s *session) run() {
	if _, ok := s.act(Greeting, "", "220 smtptest ready"); !ok {
		return
	}
	for {
		// Replies leave when the client has no more for us: that is what a group is.
		if s.in.Buffered() == 0 {
			time.Sleep(s.server.opt.Latency)
			if s.out.Flush() != nil {
				return
			}
		}
		raw, err := s.in.ReadSlice('\n')
		if err != nil {
			return
		}
		line := string(bytes.TrimRight(raw, "\r\n"))
		if !s.server.opt.CountOnly {
			s.server.mu.Lock()
			s.server.commands = append(s.server.commands, string(raw))
			s.server.mu.Unlock()
		}
		ok, skip := s.spoil()
		if ok && !skip {
			ok = s.command(line)
		}
		if !ok {
			s.out.Flush()
			return
		}
	}
}

func (s *session) command(line string) (ok bool) {
	verb, argument, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO":
		_, ok = s.act(Hello, argument, s.hello())
	case "HELO":
		_, ok = s.act(Hello, argument, "250 smtptest")
	case "STARTTLS":
		if _, ok = s.act(StartTLS, "", "220 go ahead"); ok {
			s.out.Flush()
			secure := tls.Server(s.conn, s.server.opt.TLS)
			s.conn, s.in, s.out = secure, bufio.NewReaderSize(secure, 256<<10), bufio.NewWriter(secure)
		}
	case "AUTH":
		ok = s.auth(argument)
	case "MAIL":
		from, usual, said := strings.TrimPrefix(argument, "FROM:"), "250 2.1.0 ok", ""
		if s.from != "" {
			usual = "503 5.5.1 nested MAIL"
		}
		if said, ok = s.act(Mail, from, usual); strings.HasPrefix(said, "2") {
			s.from, s.to = from, ""
		}
	case "RCPT":
		to := strings.TrimPrefix(argument, "TO:")
		usual, said := "250 2.1.5 ok", ""
		if s.from == "" {
			usual = "503 5.5.1 MAIL first"
		}
		if said, ok = s.act(Rcpt, to, usual); strings.HasPrefix(said, "2") {
			s.to = to
		}
	case "DATA":
		ok = s.data()
	case "RSET":
		s.from, s.to = "", ""
		_, ok = s.act(Reset, "", "250 ok")
	case "NOOP":
		ok = true
		s.out.WriteString("250 ok\r\n")
	case "QUIT":
		s.out.WriteString("221 bye\r\n")
	default:
		ok = true
		s.out.WriteString("500 5.5.1 what is " + verb + "?\r\n")
	}
	return ok
}

func (s *session) hello() string {
	lines := append([]string{"smtptest"}, s.server.opt.Extensions...)
	if s.server.opt.TLS != nil {
		if _, secure := s.conn.(*tls.Conn); !secure {
			lines = append(lines, "STARTTLS")
		}
	}
	if s.server.opt.Users != nil {
		lines = append(lines, "AUTH PLAIN")
	}
	var b strings.Builder
	for i, l := range lines {
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		fmt.Fprintf(&b, "250%s%s", sep, l)
		if sep == "-" {
			b.WriteString("\r\n")
		}
	}
	return b.String()
}

func (s *session) data() bool {
	usual := "354 go ahead"
	if s.to == "" {
		usual = "503 5.5.1 no valid recipients"
	}
	said, ok := s.act(Data, "", usual)
	if !ok || !strings.HasPrefix(said, "354") {
		return ok
	}
	s.out.Flush()
	if s.server.opt.Script != nil {
		a := s.server.opt.Script(Body, s.to)
		if a.Hang {
			io.Copy(io.Discard, io.LimitReader(s.in, 1<<30))
			return false
		}
		if a.Deaf {
			<-s.server.closing
			return false
		}
		if a.Drop || a.Read > 0 {
			io.CopyN(io.Discard, s.in, int64(a.Read))
			return false
		}
	}
	if err := s.readBody(); err != nil {
		return false
	}
	said, ok = s.act(Dot, s.to, "250 2.0.0 queued")
	if strings.HasPrefix(said, "2") {
		s.server.count.Add(1)
		if !s.server.opt.CountOnly {
			s.server.mu.Lock()
			s.server.messages = append(s.server.messages, Message{s.from, s.to, unstuff(s.body)})
			s.server.mu.Unlock()
		}
	}
	s.from, s.to = "", ""
	return ok && s.spoilDot()
}

// auth checks AUTH PLAIN (RFC 4616).
func (s *session) auth(argument string) bool {
	for user, password := range s.server.opt.Users {
		if argument == "PLAIN "+plain(user, password) {
			s.out.WriteString("235 2.7.0 welcome\r\n")
			return true
		}
	}
	s.out.WriteString("535 5.7.8 wrong user name or password\r\n")
	return true
}
