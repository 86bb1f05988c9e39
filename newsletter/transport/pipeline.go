package transport

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// errOutOfStep marks replies that are not in the order of their commands.
var errOutOfStep = errors.New("the relay's replies are out of step")

// choose gives how the next flight may be sent, at most as wanted. may is whether
// this connection can try what nobody has tried yet.
func (c *Conn) choose(want speech, may bool) speech {
	if !c.offered {
		return inStep
	}
	s, trial := c.relay.Manners.choose(want, may)
	c.now, c.trial = s, trial
	if s < want { // a message's end is awaited by itself, whatever comes after
		c.now = inStep
	}
	return s
}

// beginTogether sends the commands of a letter as one group. What the relay
// refuses for having come together is begun again in lock-step.
func (c *Conn) beginTogether(e envelope) Outcome {
	c.out = c.out[:0]
	if c.begun {
		c.out = append(c.out, "RSET\r\n"...)
	}
	for _, command := range e {
		c.out = append(c.out, command...)
	}
	if err := c.write(c.out); err != nil {
		c.landed(false)
		return Outcome{Kind: Retry, Err: err}
	}
	if c.begun {
		c.begun = false
		if err := c.readReset(); err != nil {
			c.landed(false)
			return Outcome{Kind: Retry, Err: err}
		}
	}
	return c.readGroup(e)
}

// deliverFlowing hands over the body of l with the commands of the next letter
// behind it. Where the replies turn out to be out of step, nobody knows which of
// them was the body's.
func (c *Conn) deliverFlowing(l *Letter, e envelope) (out, nextReady Outcome) {
	out = c.handOver(l, e[:]...)
	if c.broken == nil {
		nextReady = c.readGroup(e)
		if errors.Is(c.broken, errOutOfStep) {
			out = Outcome{Kind: Doubtful, Code: out.Code, Text: out.Text, Err: c.broken}
		}
		return out, nextReady
	}
	switch {
	case out.Kind != Doubtful: // the dot had not left, or the relay said that it closes
		c.abandon()
	case out.Code != 0:
		c.wrong(fmt.Sprintf("it answered the end of a message with %d", out.Code))
	default:
		c.landed(false)
	}
	return out, Outcome{Kind: Retry, Err: c.broken}
}

// readGroup reads the replies to MAIL, RCPT and DATA that were sent together. All
// three are read whatever they are, so that no reply is taken for another's.
func (c *Conn) readGroup(e envelope) Outcome {
	var failed *reply
	var at Stage
	for i := range 3 {
		r, err := c.read()
		switch {
		case err != nil && failed != nil: // it had said why before it hung up
			return c.refusedTogether(*failed, at, e)
		case err != nil:
			c.landed(false)
			return Outcome{Kind: Retry, Err: err}
		case i < 2 && r.code/100 == 3, i == 2 && r.code/100 == 2, i == 2 && r.code/100 == 3 && r.code != 354:
			c.wrong(fmt.Sprintf("it answered %s with %d", [3]string{"MAIL", "RCPT", "DATA"}[i], r.code))
			return Outcome{Kind: Retry, Code: r.code, Text: r.text, Err: c.fail(fmt.Errorf("%w: %d in a wrong place", errOutOfStep, r.code))}
		case i < 2 && r.code/100 == 2:
			c.begun = true
		case i == 2 && r.code == 354 && failed == nil:
			c.inData, c.begun = true, false
			c.landed(true)
			return Outcome{Kind: Ready}
		case i == 2 && r.code == 354:
			c.begun = false
			c.emptyBody()
		case failed == nil:
			failed, at = &r, AtMail+Stage(i)
		}
		if failed != nil && failed.code == 421 {
			break
		}
	}
	return c.refusedTogether(*failed, at, e)
}

// emptyBody makes a relay say no that wants a body for nobody (RFC 2920, 3.1).
func (c *Conn) emptyBody() {
	if c.write([]byte(".\r\n")) == nil {
		c.read()
	}
}

// refusedTogether judges the first refusal of a group. If it may owe to the
// commands having come together, the letter is begun again in lock-step: what
// the relay then takes, it had misunderstood.
func (c *Conn) refusedTogether(r reply, at Stage, e envelope) Outcome {
	switch {
	case !r.suspicious():
		if c.broken != nil || r.code == 421 {
			c.abandon()
		}
		c.landed(true)
		return c.judged(r, at)
	case c.broken != nil || r.code == 421:
		c.wrong(fmt.Sprintf("it hung up on a group of commands: %d %s", r.code, r.text))
		return Outcome{Kind: Retry, Code: r.code, Text: r.text, Err: c.fail(errClosed)}
	}
	flight := c.now
	c.now = inStep
	o := c.beginInStep(e)
	if o.Kind == Ready {
		c.wrong(fmt.Sprintf("it refused together what it took one by one: %d %s", r.code, r.text))
		return o
	}
	c.now = flight
	c.landed(c.broken == nil)
	return o
}

// landed ends a flight: all its replies came, or the connection did not live to
// see them.
func (c *Conn) landed(whole bool) {
	switch {
	case whole:
		c.best = max(c.best, c.now)
		if c.trial {
			c.relay.Manners.succeeded(c.now)
		}
	case c.trial:
		c.relay.Manners.broke(c.now)
	}
	c.now, c.trial = inStep, false
}

// abandon ends a flight that shows nothing about pipelining.
func (c *Conn) abandon() {
	if c.trial {
		c.relay.Manners.abandoned()
	}
	c.now, c.trial = inStep, false
}

// wrong ends a flight that shows that the relay cannot pipeline.
func (c *Conn) wrong(why string) {
	c.relay.Manners.wrong(why)
	c.abandon()
}

// lost ends a connection that broke. A relay that says nothing while it owes the
// replies of a group, but answers QUIT at once, has thrown the group away.
func (c *Conn) lost(err error) error {
	var timeout net.Error
	if c.broken == nil && c.now != inStep && errors.As(err, &timeout) && timeout.Timeout() && c.answersQuit() {
		c.wrong("it answered some of the commands that came together, and forgot the others")
	}
	return c.fail(err)
}

// quitPatience is how long a relay has for QUIT that kept silent before.
const quitPatience = 5 * time.Second

// answersQuit asks a silent relay whether it is there. 221 is a reply that no
// other command has. Should the relay wait for a body by now, then QUIT becomes a
// line of it, without the dot that would make it a message.
func (c *Conn) answersQuit() bool {
	c.client.UpdateDeadline(min(c.relay.Timeout, quitPatience))
	w := c.client.Text.Writer.W
	w.WriteString("QUIT\r\n")
	if w.Flush() != nil {
		return false
	}
	r, err := readReply(c.client.Text.Reader.R)
	return err == nil && r.code == 221
}
