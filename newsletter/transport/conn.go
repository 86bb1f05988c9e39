package transport

import (
	"errors"
	"fmt"

	"github.com/wneessen/go-mail/smtp"
)

// Letter is one message on its way over a connection.
type Letter struct {
	From string // the envelope sender; empty is the null reverse-path
	To   string
	ID   string // names the message in bounces (RFC 3461, ENVID); may be empty
	Body []byte // as Edition.Append makes it
}

// Conn is an open connection to a relay. It is not safe for concurrent use.
type Conn struct {
	client *smtp.Client
	relay  Relay
	ext    extensions

	out    []byte // commands being written
	broken error  // once set, nothing is written any more
	inData bool   // the relay waits for a body
	begun  bool   // a transaction failed behind MAIL: it is to be reset before the next (RFC 5321, 4.1.4)

	// How this connection has got on with pipelining; see pipeline.go.
	offered bool   // by the relay, and not forbidden by the configuration
	steady  bool   // a transaction in lock-step has gone well
	best    speech // the most that has gone well here
	now     speech // of the flight whose replies are due
	trial   bool   // that flight is a trial, and its end is to be told
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
	e, refused := c.envelope(l)
	if refused != nil {
		return *refused
	}
	// A connection that was idle may have been closed: a break would say nothing.
	if c.choose(grouped, false) == inStep {
		return c.beginInStep(e)
	}
	return c.beginTogether(e)
}

// beginInStep waits for each reply before it says more.
func (c *Conn) beginInStep(e envelope) Outcome {
	if c.begun {
		c.begun = false
		if err := c.write([]byte("RSET\r\n")); err != nil {
			return Outcome{Kind: Retry, Err: err}
		}
		if err := c.readReset(); err != nil {
			return Outcome{Kind: Retry, Err: err}
		}
	}
	for i, command := range e {
		c.out = append(c.out[:0], command...)
		if err := c.write(c.out); err != nil {
			return Outcome{Kind: Retry, Err: err}
		}
		r, err := c.read()
		switch {
		case err != nil:
			return Outcome{Kind: Retry, Err: err}
		case r.code/100 == 2 && i < 2:
			c.begun = true
		case r.code == 354 && i == 2:
			c.inData, c.begun, c.steady = true, false, true
		default:
			return c.judged(r, AtMail+Stage(i))
		}
	}
	return Outcome{Kind: Ready}
}

func (c *Conn) readReset() error {
	r, err := c.read()
	if err == nil && r.code/100 != 2 {
		err = c.fail(fmt.Errorf("%w: RSET was answered %d", errReply, r.code))
	}
	return err
}

// judged is a refusal's outcome; after 421 the relay hangs up, and so do we.
func (c *Conn) judged(r reply, at Stage) Outcome {
	if r.code == 421 {
		c.fail(fmt.Errorf("the relay closes: %d %s", r.code, r.text))
	}
	if r.code < 400 {
		return Outcome{Kind: Retry, Code: r.code, Text: r.text, Err: c.fail(fmt.Errorf("%w: %d in a wrong place", errReply, r.code))}
	}
	o := r.outcome()
	o.Stage = at
	return o
}

// Deliver hands over the body of l, which Begin or Deliver had made ready. Where
// the relay pipelines, next is begun in the same flight (RFC 2920, 3.1); else it
// is begun after l's reply. next may be nil; nextReady is then of no meaning.
func (c *Conn) Deliver(l, next *Letter) (out, nextReady Outcome) {
	if c.broken != nil || !c.inData {
		return Outcome{Kind: Retry, Err: c.fail(errClosed)}, Outcome{Kind: Retry, Err: c.broken}
	}
	var e envelope
	var unfit *Outcome
	if next != nil {
		if e, unfit = c.envelope(next); unfit == nil && c.choose(flowing, c.best >= grouped) == flowing {
			return c.deliverFlowing(l, e)
		}
	}
	out = c.handOver(l)
	switch {
	case next == nil:
	case unfit != nil:
		nextReady = *unfit
	case c.broken != nil:
		nextReady = Outcome{Kind: Retry, Err: c.broken}
	case c.choose(grouped, c.steady) == inStep:
		nextReady = c.beginInStep(e)
	default:
		nextReady = c.beginTogether(e)
	}
	return out, nextReady
}

// handOver writes a body, its final dot and what else is to travel with them,
// and reads the reply to the dot.
func (c *Conn) handOver(l *Letter, behind ...string) Outcome {
	l.Body = append(l.Body, ".\r\n"...)
	end := len(l.Body)
	for _, command := range behind {
		l.Body = append(l.Body, command...)
	}
	if sent, err := c.writeCounted(l.Body); err != nil {
		if sent >= end { // the dot had left; the relay may have taken the message
			return Outcome{Kind: Doubtful, Err: err}
		}
		return Outcome{Kind: Retry, Err: err}
	}
	c.inData = false
	r, err := c.read()
	switch {
	case err != nil:
		return Outcome{Kind: Doubtful, Err: err}
	case r.code/100 == 2:
		return Outcome{Kind: Accepted, Code: r.code, Text: r.text}
	case r.code/100 == 3:
		return Outcome{Kind: Doubtful, Code: r.code, Text: r.text, Err: c.fail(errReply)}
	}
	return c.judged(r, AtDot)
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
		return n, c.lost(err)
	}
	return n, nil
}

// read reads a reply. Those that came together with the one before are there
// already and need no new deadline.
func (c *Conn) read() (reply, error) {
	in := c.client.Text.Reader.R
	if in.Buffered() == 0 {
		c.client.UpdateDeadline(c.relay.Timeout)
	}
	r, err := readReply(in)
	if err != nil {
		return r, c.lost(err)
	}
	return r, nil
}
