package transport

import (
	"log/slog"
	"strings"
	"sync"
)

// speech is how a connection talks to its relay.
type speech int

const (
	inStep  speech = iota // a command, then its reply
	grouped               // MAIL, RCPT and DATA together
	flowing               // and those of the next letter behind the end of the one before (RFC 2920, 3.1)
)

// Manners is what the connections to one relay have learned about how it takes
// commands that come together. A relay that offers PIPELINING is tried before it
// is believed: one connection at a time, after it has spoken in lock-step without
// trouble, sends first a group with which no body is at stake and then a flight
// behind a message's end. The others go on in lock-step meanwhile, so that a
// relay that gets it wrong can make one message doubtful and no more.
//
// A broken connection or a silence alone says nothing of pipelining: networks do
// that. What counts is a reply that belongs elsewhere, a refusal of what the
// relay takes in lock-step, or an answer to QUIT while it owes others; and two
// breaks in a row at the very first group after lock-step had worked.
//
// It is safe for concurrent use.
type Manners struct {
	log *slog.Logger

	mu      sync.Mutex
	known   bool   // found is settled
	found   speech // only ever lowered once known
	trying  bool   // a connection has a trial in flight
	strikes int    // trials in a row that ended in a break
}

// NewManners knows nothing yet. What is found wrong is said in the log, once.
func NewManners(log *slog.Logger) *Manners { return &Manners{log: log} }

// choose gives how a connection may speak, at most as wanted. may is whether it
// can try what is not known yet; trial then tells it that it does, and that one
// of the following must be called.
func (m *Manners) choose(want speech, may bool) (s speech, trial bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known {
		return min(m.found, want), false
	}
	if !may || m.trying {
		return inStep, false
	}
	m.trying = true
	return want, true
}

// succeeded ends a trial: every reply came and was in its place.
func (m *Manners) succeeded(s speech) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trying, m.strikes = false, 0
	if s == flowing && !m.known {
		m.known, m.found = true, flowing
	}
}

// broke ends a trial that the connection did not outlive.
func (m *Manners) broke(s speech) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trying = false
	m.strikes++
	switch {
	case m.known:
	case s == flowing:
		// Another trial would put another message in doubt.
		m.settle(grouped, "the connection broke at the first commands sent behind the end of a message")
	case m.strikes == 2:
		m.settle(inStep, "connections break at a group of commands, and not in lock-step")
	}
}

// abandoned ends a trial that showed nothing.
func (m *Manners) abandoned() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trying = false
}

// wrong settles that the relay cannot do what it offers.
func (m *Manners) wrong(why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.known || m.found != inStep {
		m.settle(inStep, why)
	}
}

func (m *Manners) settle(s speech, why string) {
	m.known, m.found = true, s
	if m.log == nil {
		return
	}
	now := "each command waits for its reply"
	if s == grouped {
		now = "no command is sent behind a message any more"
	}
	m.log.Warn("the relay offers PIPELINING and gets it wrong; from now on "+now, "why", why)
}

// suspicious reports whether a refusal may owe to commands having come together,
// so that it is worth asking again in lock-step: a complaint about the sequence
// or the protocol (RFC 3463, 3.6), or about pipelining in so many words.
func (r reply) suspicious() bool {
	switch r.code {
	case 500, 502, 503:
		return true
	}
	text := strings.ToLower(r.text)
	return strings.HasPrefix(text, "5.5.") || strings.Contains(text, "pipelin") || strings.Contains(text, "synchroni")
}
