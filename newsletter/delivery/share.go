package delivery

import (
	"math"
	"sync"
	"time"
)

// shares gives each relay its part of the mail by stride scheduling: a relay's
// pass grows by 1/weight with each message, and none may be ahead of the one
// that is furthest behind by more than a few messages. A relay that cannot take
// mail holds nobody up, and does not make up for that time afterwards.
type shares struct {
	mu   sync.Mutex
	all  []*share
	bell bell
}

// share is the part of one relay.
type share struct {
	weight float64
	pass   float64
	absent uint8     // why it holds nobody up
	taken  time.Time // when it last took a message
}

// Why a relay holds nobody up. A relay that has taken nothing for stall does
// not either, whatever the reason.
const (
	absentAway    = 1 << iota // it has no connection
	absentLimited             // it waits for its rate limit
	absentCapped              // its day's mail is sent
)

const (
	stall = 2 * time.Second
	slack = 16 // messages, over all relays
)

func newShares() *shares { return &shares{bell: newBell()} }

func (s *shares) add(weight float64) *share {
	h := &share{weight: weight}
	s.all = append(s.all, h)
	return h
}

// behind is the pass of the relay that holds h up most, and the weights of all
// that do.
func (s *shares) behind(h *share, now time.Time) (pass, weights float64) {
	pass = math.Inf(1)
	for _, o := range s.all {
		if o != h && o.weight > 0 && o.absent == 0 && now.Sub(o.taken) < stall {
			pass = min(pass, o.pass)
			weights += o.weight
		}
	}
	return pass, weights
}

// may reports whether a relay may take a message now; if not, changed is closed
// when it is worth asking again.
func (s *shares) may(h *share, now time.Time) (ok bool, changed <-chan struct{}) {
	if h.weight == 0 {
		return true, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	pass, weights := s.behind(h, now)
	return h.pass <= pass+slack/(weights+h.weight), s.bell.ring
}

// take counts a message.
func (s *shares) take(h *share, now time.Time) {
	if h.weight == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(h.taken) >= stall {
		s.rejoin(h, now)
	}
	h.pass += 1 / h.weight
	h.taken = now
	s.bell.rung()
}

// excuse says for what reason a relay holds nobody up, or no longer.
func (s *shares) excuse(h *share, why uint8, absent bool, now time.Time) {
	if h.weight == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := h.absent
	if absent {
		h.absent |= why
	} else {
		h.absent &^= why
	}
	if before != 0 && h.absent == 0 {
		s.rejoin(h, now)
	}
	if before != h.absent {
		s.bell.rung()
	}
}

// rejoin lets a relay that was absent go on with the others, not catch up with them.
func (s *shares) rejoin(h *share, now time.Time) {
	if pass, _ := s.behind(h, now); !math.IsInf(pass, 1) {
		h.pass = max(h.pass, pass)
	}
	h.taken = now
}

// begin is called when a round begins: every relay that does not rest is waited
// for, a moment.
func (s *shares) begin(h *share, resting bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !resting {
		h.absent, h.taken = 0, now
	}
}
