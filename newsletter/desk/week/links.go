package week

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"apta/newsletter/intake/fetch"
)

// Links gets what stands at an address; *fetch.Fetcher does.
type Links interface {
	Get(ctx context.Context, r fetch.Request) (*fetch.Page, error)
}

const (
	answerLife = 6 * time.Hour // how long an answer is believed
	mostLinks  = 4000          // addresses of which an answer is kept
	askers     = 4             // that ask at the same time
	askFor     = 15 * time.Second
)

// linkBook remembers which addresses answer. It asks in the background, and only
// what a screen has shown.
type linkBook struct {
	mu      sync.Mutex
	known   map[string]linkAnswer
	waiting []string
	working int
}

type linkAnswer struct {
	at   time.Time
	dead string // why; empty answers
	open bool   // is being asked
}

// deadLink is an address that does not answer.
type deadLink struct{ url, why string }

// look gives those of some addresses that are known not to answer, and has the
// unknown ones asked; waiting is how many of them have not answered yet.
func (b *linkBook) look(s *Screen, urls map[string][2]string) (dead []deadLink, waiting int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil || len(b.known) > mostLinks {
		b.known = map[string]linkAnswer{}
	}
	now := s.Now()
	for url := range urls {
		a, found := b.known[url]
		switch {
		case found && a.open:
			waiting++
		case found && now.Sub(a.at) < answerLife:
			if a.dead != "" {
				dead = append(dead, deadLink{url, a.dead})
			}
		default:
			b.known[url] = linkAnswer{open: true}
			b.waiting = append(b.waiting, url)
			waiting++
		}
	}
	for b.working < askers && b.working < len(b.waiting) {
		b.working++
		go b.ask(s)
	}
	slices.SortFunc(dead, func(a, c deadLink) int {
		if a.url < c.url {
			return -1
		}
		return 1
	})
	return dead, waiting
}

// ask asks until nothing waits or the screen is closed.
func (b *linkBook) ask(s *Screen) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-s.hub.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		b.mu.Lock()
		if len(b.waiting) == 0 || ctx.Err() != nil {
			b.working--
			b.mu.Unlock()
			return
		}
		url := b.waiting[0]
		b.waiting = b.waiting[1:]
		b.mu.Unlock()
		why := s.deadness(ctx, url)
		b.mu.Lock()
		b.known[url] = linkAnswer{at: s.Now(), dead: why}
		b.mu.Unlock()
	}
}

// deadness says why an address does not answer, or "". A server that only keeps
// programs out is not dead, and what is too large is there.
func (s *Screen) deadness(ctx context.Context, url string) string {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	_, err := s.Links.Get(ctx, fetch.Request{URL: url, Accept: "text/html, */*"})
	var status *fetch.StatusError
	switch {
	case err == nil, errors.Is(err, fetch.ErrTooLarge):
		return ""
	case errors.As(err, &status):
		if status.Code == http.StatusNotFound || status.Code == http.StatusGone || status.Code >= 500 && status.Code != http.StatusServiceUnavailable {
			return status.Error()
		}
		return ""
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		err = e
	}
	return err.Error()
}
