package fetch

import (
	"context"
	"sync"
)

// hosts keeps the fetches from one host at the same time to a limit.
type hosts struct {
	limit int

	mu   sync.Mutex
	busy map[string]*queue
}

// queue is one host's: a token for each fetch, and how many hold or want one.
type queue struct {
	tokens chan struct{}
	users  int
}

// enter waits for the host; release lets the next one in.
func (h *hosts) enter(ctx context.Context, host string) (release func(), err error) {
	q := h.join(host)
	select {
	case q.tokens <- struct{}{}:
		return func() { <-q.tokens; h.leave(host, q) }, nil
	case <-ctx.Done():
		h.leave(host, q)
		return nil, context.Cause(ctx)
	}
}

func (h *hosts) join(host string) *queue {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.busy == nil {
		h.busy = map[string]*queue{}
	}
	q := h.busy[host]
	if q == nil {
		q = &queue{tokens: make(chan struct{}, h.limit)}
		h.busy[host] = q
	}
	q.users++
	return q
}

func (h *hosts) leave(host string, q *queue) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if q.users--; q.users == 0 {
		delete(h.busy, host)
	}
}
