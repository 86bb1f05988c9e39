package transport

import (
	"errors"
	"fmt"
	"strconv"

	"apta/subscribers"

	"github.com/wneessen/go-mail/smtp"
)

// Letter is one message on its way over a connection.
type Letter struct {
	From string // the envelope sender; empty is the null reverse-path
	To   string
	Body []byte // as Edition.Append makes it
}

// Conn is an open connection to a relay. It is not safe for concurrent use.
type Conn struct {
	client     *smtp.Client
	relay      Relay
	pipelining bool
	utf8       bool
	size       bool
	sizeLimit  int // octets; 0 is none

	out    []byte // commands being written
	broken error  // once set, nothing is written any more
	inData bool   // the relay waits for a body
	begun  bool   // a transaction failed behind MAIL: it is to be reset before the next (RFC 5321, 4.1.4)
}

var errClosed = errors.New("the connection is closed")

// Broken reports whether the connection is of no further use.
func (c *Conn) Broken() bool { return c.broken != nil }

func (c *Conn) fail(err error) error {
	if c.broken == nil {
		c.broken = err
		c.client.Close()
	}
	return c.broken
}

// Quit ends the connection politely where that is possible. A relay that waits
// for a body is hung up on instead: whatever is said to it would become mail.
func (c *Conn) Quit() error {
	if c.broken != nil {
		return nil
	}
	if c.inData {
		c.fail(errClosed)
		return nil
	}
	c.broken = errClosed
	c.client.UpdateDeadline(c.relay.Timeout)
	return c.client.Quit()
}

// Begin takes a letter up to the relay's go-ahead. Ready means that Deliver must
// follow; every other outcome means that no body has left.
func (c *Conn) Begin(l *Letter) Outcome {
	if c.broken != nil {
		return Outcome{Kind: Retry, Err: c.broken}
	}
	if c.inData {
		c.fail(errors.New("a letter was begun while another waited"))
		return Outcome{Kind: Retry, Err: c.broken}
	}
	commands, refused := c.commands(l)
	if refused != nil {
		return *refused
	}
	if c.pipelining {
		return c.beginTogether(commands)
	}
	for i, command := range commands {
		if err := c.write([]byte(command)); err != nil {
			return Outcome{Kind: Retry, Err: err}
		}
		r, err := c.read()
		if err != nil {
			return Outcome{Kind: Retry, Err: err}
		}
		if r.code/100 == 2 && i < 2 {
			continue
		}
		if r.code == 354 && i == 2 {
			c.inData = true
			return Outcome{Kind: Ready}
		}
		o := c.refusedAt(r, i > 0)
		o.Stage = AtMail + Stage(i)
		return o
	}
	return Outcome{Kind: Ready}
}

func (c *Conn) beginTogether(commands [3]string) Outcome {
	c.out = c.out[:0]
	if c.begun {
		c.out = append(c.out, "RSET\r\n"...)
	}
	for _, command := range commands {
		c.out = append(c.out, command...)
	}
	if err := c.write(c.out); err != nil {
		return Outcome{Kind: Retry, Err: err}
	}
	if c.begun {
		c.begun = false
		if err := c.readReset(); err != nil {
			return Outcome{Kind: Retry, Err: err}
		}
	}
	return c.readBeginning()
}

func (c *Conn) readReset() error {
	r, err := c.read()
	if err == nil && r.code/100 != 2 {
		err = c.fail(fmt.Errorf("%w: RSET was answered %d", errReply, r.code))
	}
	return err
}

// commands are MAIL, RCPT and DATA with their parameters, or why this relay
// cannot take the letter.
func (c *Conn) commands(l *Letter) (commands [3]string, refused *Outcome) {
	to, ascii := subscribers.ASCIIDomain(l.To)
	from, fromASCII := subscribers.ASCIIDomain(l.From)
	for _, a := range []string{to, from} {
		for i := range len(a) {
			if a[i] <= ' ' || a[i] == 0x7f || a[i] == '<' || a[i] == '>' {
				return commands, &Outcome{Kind: Refused, Text: "5.1.3 the address has characters that no address has"}
			}
		}
	}
	mail := "MAIL FROM:<" + from + ">"
	if !ascii || !fromASCII {
		if !c.utf8 {
			return commands, &Outcome{Kind: Refused, Text: "5.6.7 the address needs SMTPUTF8, which the relay does not offer"}
		}
		mail += " SMTPUTF8"
	}
	if c.size {
		if c.sizeLimit > 0 && len(l.Body) > c.sizeLimit {
			return commands, &Outcome{Kind: Refused, Text: fmt.Sprintf("5.3.4 the message has %d octets, the relay takes %d", len(l.Body), c.sizeLimit)}
		}
		mail += " SIZE=" + strconv.Itoa(len(l.Body))
	}
	return [3]string{mail + "\r\n", "RCPT TO:<" + to + ">\r\n", "DATA\r\n"}, nil
}

// readBeginning reads the replies to a pipelined MAIL, RCPT and DATA. All three
// are read whatever they are, so that no reply is taken for another's.
func (c *Conn) readBeginning() Outcome {
	var failed *Outcome
	for i := range 3 {
		r, err := c.read()
		switch {
		case err != nil && failed != nil:
			return *failed // the relay had said why before it hung up
		case err != nil:
			return Outcome{Kind: Retry, Err: err}
		case i < 2 && r.code/100 == 2:
			c.begun = true
		case i == 2 && r.code == 354 && failed == nil:
			c.inData, c.begun = true, false
			return Outcome{Kind: Ready}
		case i == 2 && r.code == 354:
			// It wants a body for nobody: an empty one makes it say no (RFC 2920, 3.1).
			c.begun = false
			if c.write([]byte(".\r\n")) == nil {
				c.read()
			}
		case failed == nil:
			o := c.judged(r)
			o.Stage = AtMail + Stage(i)
			failed = &o
		}
		if c.broken != nil && failed != nil {
			return *failed
		}
	}
	if failed == nil {
		return Outcome{Kind: Retry, Err: c.fail(errReply)}
	}
	return *failed
}

// refusedAt judges a refusal in lock-step and takes back what was begun.
func (c *Conn) refusedAt(r reply, begun bool) Outcome {
	o := c.judged(r)
	if begun && c.broken == nil {
		if err := c.write([]byte("RSET\r\n")); err == nil {
			c.readReset()
		}
	}
	return o
}

// judged is a refusal's outcome; after 421 the relay hangs up, and so do we.
func (c *Conn) judged(r reply) Outcome {
	if r.code == 421 {
		c.fail(fmt.Errorf("the relay closes: %d %s", r.code, r.text))
	}
	if r.code < 400 {
		return Outcome{Kind: Retry, Code: r.code, Text: r.text, Err: c.fail(fmt.Errorf("%w: %d in a wrong place", errReply, r.code))}
	}
	return r.outcome()
}

// Deliver hands over the body of l, which Begin or Deliver had made ready. Where
// the relay pipelines, next is begun in the same flight (RFC 2920, 3.1); else it
// is begun after l's reply. next may be nil; nextReady is then of no meaning.
func (c *Conn) Deliver(l, next *Letter) (out, nextReady Outcome) {
	if c.broken != nil || !c.inData {
		return Outcome{Kind: Retry, Err: c.fail(errClosed)}, Outcome{Kind: Retry, Err: c.broken}
	}
	var commands [3]string
	var unfit *Outcome
	if next != nil {
		commands, unfit = c.commands(next)
	}
	together := next != nil && unfit == nil && c.pipelining
	l.Body = append(l.Body, ".\r\n"...)
	end := len(l.Body)
	if together {
		for _, command := range commands {
			l.Body = append(l.Body, command...)
		}
	}
	if sent, err := c.writeCounted(l.Body); err != nil {
		out = Outcome{Kind: Retry, Err: err}
		if sent >= end {
			out.Kind = Doubtful // the dot had left; the relay may have taken the message
		}
		return out, Outcome{Kind: Retry, Err: err}
	}
	c.inData = false
	r, err := c.read()
	if err != nil {
		return Outcome{Kind: Doubtful, Err: err}, Outcome{Kind: Retry, Err: err}
	}
	switch {
	case r.code/100 == 2:
		out = Outcome{Kind: Accepted, Code: r.code, Text: r.text}
	case r.code/100 == 3:
		return Outcome{Kind: Doubtful, Code: r.code, Text: r.text, Err: c.fail(errReply)}, Outcome{Kind: Retry, Err: c.broken}
	default:
		out = c.judged(r)
		out.Stage = AtDot
	}
	switch {
	case next == nil:
	case unfit != nil:
		nextReady = *unfit
	case c.broken != nil:
		nextReady = Outcome{Kind: Retry, Err: c.broken}
	case together:
		nextReady = c.readBeginning()
	default:
		nextReady = c.Begin(next)
	}
	return out, nextReady
}

func (c *Conn) write(b []byte) error {
	_, err := c.writeCounted(b)
	return err
}

// writeCounted reports how many octets may have reached the relay.
func (c *Conn) writeCounted(b []byte) (n int, err error) {
	c.client.UpdateDeadline(c.relay.Timeout)
	w := c.client.Text.Writer.W
	if n, err = w.Write(b); err == nil {
		err = w.Flush()
	}
	if err != nil {
		return n, c.fail(err)
	}
	return n, nil
}

func (c *Conn) read() (reply, error) {
	c.client.UpdateDeadline(c.relay.Timeout)
	r, err := readReply(c.client.Text.Reader.R)
	if err != nil {
		return r, c.fail(err)
	}
	return r, nil
}
