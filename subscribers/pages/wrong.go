package pages

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"apta/subscribers"
)

// Wrong links that are looked up for one network in so long a time, and how many
// networks are remembered.
const (
	wrongAllowed  = 30
	wrongWindow   = time.Minute
	wrongNetworks = 10_000
)

// wrongs counts the wrong links of each network since a moment.
type wrongs struct {
	mu    sync.Mutex
	since time.Time
	of    map[netip.Prefix]int
}

// note counts one. It begins anew when the time is over, or for all where there
// are too many to remember.
func (w *wrongs) note(from netip.Prefix, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if age := now.Sub(w.since); age < 0 || age >= wrongWindow || len(w.of) >= wrongNetworks {
		w.since, w.of = now, map[netip.Prefix]int{}
	}
	w.of[from]++
}

// many reports whether a network has used up what it is allowed.
func (w *wrongs) many(from netip.Prefix, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return now.Sub(w.since) < wrongWindow && w.of[from] >= wrongAllowed
}

// neighbours is the network of a visitor that counts as one: what a customer of a
// provider has.
func (p *Pages) neighbours(r *http.Request) netip.Prefix {
	from := p.options.Visitor(r).Unmap().WithZone("")
	bits := 56
	if from.Is4() {
		bits = 24
	}
	network, _ := from.Prefix(bits) // of no address there is none
	return network
}

// guessed reports whether a link is one of a network's too many wrong ones: then
// the database is not asked for it, and the answer is that of every wrong link. A
// link that was never revoked proves itself without the database, so the readers
// of that network get their pages.
func (p *Pages) guessed(r *http.Request, purpose subscribers.Purpose) bool {
	if !p.wrong.many(p.neighbours(r), p.options.Now()) {
		return false
	}
	claim, err := p.keys.Open(purpose, r.PathValue("token"))
	return err != nil || claim.Prove(0) != nil
}
