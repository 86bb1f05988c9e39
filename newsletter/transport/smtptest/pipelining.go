package smtptest

import "bufio"

// Pipelining is how a server takes commands that come together (RFC 2920); the
// zero value is the right way.
type Pipelining string

// The ways of getting it wrong. What came together is what is in the server's
// buffer when it has read a command.
const (
	DropsRest       Pipelining = "drops the rest"       // answers the first command and forgets the others
	DropsBehindDot  Pipelining = "drops behind the dot" // forgets what came behind a message's end
	OutOfStep       Pipelining = "out of step"          // answers the last command first
	DoubleReply     Pipelining = "double reply"         // answers a command twice when others came with it
	Refuses         Pipelining = "refuses"              // 503 to all but the first
	Closes          Pipelining = "closes"               // hangs up without a word
	ClosesBehindDot Pipelining = "closes behind the dot"
)

// spoil does to what came with a command what the server gets wrong. ok is false
// where it hangs up, skip where the command is not carried out.
func (s *session) spoil() (ok, skip bool) {
	more, came := s.in.Buffered() > 0, s.together
	s.together = more
	if came {
		s.server.together.Add(1)
	}
	switch s.server.opt.Pipelining {
	case DropsRest:
		s.dropRest()
	case Refuses:
		if came {
			s.out.WriteString("503 5.5.0 improper command pipelining\r\n")
			return true, true
		}
	case Closes:
		if more {
			return false, false
		}
	}
	return true, false
}

// spoilDot is spoil for a message's end. The message has been taken by then.
func (s *session) spoilDot() (ok bool) {
	s.together = s.in.Buffered() > 0
	switch s.server.opt.Pipelining {
	case DropsRest, DropsBehindDot:
		s.dropRest()
	case Closes, ClosesBehindDot:
		if s.together {
			s.out.Reset(s.conn)
			return false
		}
	}
	return true
}

func (s *session) dropRest() {
	s.in.Discard(s.in.Buffered())
	s.together = false
}

// say writes a reply, or keeps it for its wrong place.
func (s *session) say(reply string) {
	more := s.in.Buffered() > 0
	if more && s.server.opt.Pipelining == OutOfStep {
		s.held = append(s.held, reply)
		return
	}
	write := func(out *bufio.Writer, r string) { out.WriteString(r); out.WriteString("\r\n") }
	write(s.out, reply)
	if more && s.server.opt.Pipelining == DoubleReply {
		write(s.out, reply)
	}
	for _, r := range s.held {
		write(s.out, r)
	}
	s.held = nil
}
