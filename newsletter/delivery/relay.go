package delivery

import (
	"context"
	"time"

	"apta/newsletter/transport"
)

// A Relay is one way out. Mails go over all relays of a sender at the same time,
// as their weights say.
type Relay struct {
	Name        string // for messages, and under which its warm-up is counted
	Dial        func(context.Context) (Courier, error)
	Connections int           // at most this many at once
	Weight      float64       // its share of the mail, beside the other weights; 0 is as much as it takes
	Rate        float64       // messages a second; 0 is no limit
	MaxMessages int           // a connection is closed after so many; 0 is never
	Idle        time.Duration // a connection without work is closed after so long; 10 s where zero
	WarmUp      WarmUp
}

// Dialer opens connections to a real relay.
func Dialer(relay transport.Relay) func(context.Context) (Courier, error) {
	return func(ctx context.Context) (Courier, error) {
		conn, err := relay.Dial(ctx)
		if err != nil {
			return nil, err // a nil *Conn in the interface would not be nil
		}
		return conn, nil
	}
}

// defaultIdle is short enough that no relay minds an open connection and long
// enough that a send with pauses in it does not dial anew each time.
const defaultIdle = 10 * time.Second

// Limits are messages a second to any one domain of recipients. Fractions are
// allowed: 0.2 is one message in five seconds.
type Limits struct {
	PerDomain float64            // to every domain that is not in Domains; 0 is no limit
	Domains   map[string]float64 // by domain, as subscribers.ParseAddress writes it; 0 is no limit
}

func (l Limits) any() bool { return l.PerDomain > 0 || len(l.Domains) > 0 }

func (l Limits) of(domain string) float64 {
	if rate, named := l.Domains[domain]; named {
		return rate
	}
	return l.PerDomain
}

// RelayState is how a relay does that does not work as usual.
type RelayState struct {
	Name  string    `json:"name"`
	State string    `json:"state"` // resting, at its daily cap, or slowed
	Why   string    `json:"why"`
	Until time.Time `json:"until,omitzero"`
}

// What RelayState.State says.
const (
	RelayResting = "resting"
	RelayCapped  = "at its daily cap"
	RelaySlowed  = "slowed"
)

// bell wakes everybody who waits for something to change.
type bell struct{ ring chan struct{} }

func newBell() bell { return bell{make(chan struct{})} }

// rung must be called under the lock that guards what changes.
func (b *bell) rung() {
	close(b.ring)
	b.ring = make(chan struct{})
}
