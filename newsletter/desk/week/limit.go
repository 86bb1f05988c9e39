package week

import (
	"slices"
	"sync"
	"time"

	"apta/subscribers/database"
)

// testLimit keeps an editor's mistake, or a stolen session, from mailing the world.
type testLimit struct {
	mu   sync.Mutex
	sent map[database.ID][]time.Time
}

func (l *testLimit) allow(editor database.ID, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sent == nil {
		l.sent = map[database.ID][]time.Time{}
	}
	recent := slices.DeleteFunc(l.sent[editor], func(at time.Time) bool { return now.Sub(at) >= time.Hour })
	if len(recent) >= maxTests {
		l.sent[editor] = recent
		return false
	}
	l.sent[editor] = append(recent, now)
	return true
}
