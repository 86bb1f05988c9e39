package delivery

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// WarmUp is how a relay, whose address no receiver knows yet, begins: First
// mails on the day of Start, and each day Factor times as many as the day
// before. The zero WarmUp is no plan.
type WarmUp struct {
	Start  time.Time // any moment of the first day, in the newsletter's zone
	First  int
	Factor float64
}

// Cap is how many mails the plan allows on the day of now; before Start none.
func (w WarmUp) Cap(now time.Time) int {
	y, m, d := now.In(w.Start.Location()).Date()
	y0, m0, d0 := w.Start.Date()
	// Reckoned in UTC, where every day has 24 hours.
	days := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(time.Date(y0, m0, d0, 0, 0, 0, 0, time.UTC)).Hours() / 24
	if days < 0 {
		return 0
	}
	return int(min(float64(w.First)*math.Pow(w.Factor, days), math.MaxInt32))
}

// day names the day of now, and says when the next begins.
func (w WarmUp) day(now time.Time) (name string, next time.Time) {
	local := now.In(w.Start.Location())
	y, m, d := local.Date()
	return local.Format(time.DateOnly), time.Date(y, m, d+1, 0, 0, 0, 0, w.Start.Location())
}

// plan keeps a relay to its warm-up. The count is in the ledger, so that it
// outlives the process and is shared with others; here is what it was at the
// last commit, and what was taken since.
type plan struct {
	relay  string
	warmUp WarmUp
	ledger *Ledger
	log    *slog.Logger

	mu    sync.Mutex
	bell  bell
	day   string
	sent  int // as of the last commit or look at the ledger
	taken int // handed to a connection, and not yet offered
	said  string
}

func newPlan(r Relay, l *Ledger, log *slog.Logger) *plan {
	if r.WarmUp.First == 0 {
		return nil
	}
	return &plan{relay: r.Name, warmUp: r.WarmUp, ledger: l, log: log, bell: newBell()}
}

// capPoll is how often a relay at its cap looks at the clock.
const capPoll = time.Second

// wait reports how long the relay has to wait for the day's next message.
func (p *plan) wait(ctx context.Context, now time.Time) (time.Duration, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	day, next := p.warmUp.day(now)
	if day != p.day {
		sent, err := p.ledger.warmedUp(ctx, p.relay, day)
		if err != nil {
			p.log.Error("the warm-up's count cannot be read; its relay waits", "relay", p.relay, "err", err)
			return time.Second, nil
		}
		p.day, p.sent = day, sent
	}
	most := p.warmUp.Cap(now)
	switch {
	case p.sent >= most:
		if p.said != day {
			p.said = day
			p.log.Info("a relay has sent its day's mail", "relay", p.relay, "sent", p.sent, "until", next)
		}
		return min(next.Sub(now), capPoll), nil
	case p.sent+p.taken >= most:
		return capPoll, p.bell.ring
	}
	return 0, nil
}

func (p *plan) take() {
	p.mu.Lock()
	p.taken++
	p.mu.Unlock()
}

// offered says that a message that was taken is counted by now, or that it was
// not offered after all.
func (p *plan) offered() {
	if p == nil {
		return
	}
	p.mu.Lock()
	p.taken--
	p.bell.rung()
	p.mu.Unlock()
}

func (p *plan) state(name string, now time.Time) (RelayState, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if day, _ := p.warmUp.day(now); day != p.day {
		return RelayState{}, true
	}
	s, capped := p.warmUp.state(name, p.sent, now)
	return s, !capped
}

func (w WarmUp) state(relay string, sent int, now time.Time) (s RelayState, capped bool) {
	day, next := w.day(now)
	most := w.Cap(now)
	return RelayState{Name: relay, State: RelayCapped, Why: fmt.Sprintf("%d of %d mails were sent on %s", sent, most, day), Until: next}, sent >= most
}

// Capped reports whether a relay has sent its day's mail, by any process.
func (l *Ledger) Capped(ctx context.Context, relay string, w WarmUp) (s RelayState, capped bool, err error) {
	day, _ := w.day(l.now())
	sent, err := l.warmedUp(ctx, relay, day)
	if err != nil {
		return s, false, err
	}
	s, capped = w.state(relay, sent, l.now())
	return s, capped, nil
}

func (l *Ledger) warmedUp(ctx context.Context, relay, day string) (sent int, err error) {
	err = l.db.QueryRow(ctx, `SELECT coalesce(sum(sent), 0) FROM warmups WHERE relay = $1 AND day = $2`, relay, day).Scan(&sent)
	if err != nil {
		return 0, fmt.Errorf("delivery: warm-up: %w", err)
	}
	return sent, nil
}

// planned reports whether a batch has an offer that a warm-up counts.
func planned(batch []*note) bool {
	for _, n := range batch {
		for i := range n.entries {
			if n.entries[i].plan != nil {
				return true
			}
		}
	}
	return false
}

// countOffers adds the offers of a commit to the warm-ups of their relays.
func (r *recorder) countOffers(tx *sql.Tx, batch []*note, lost map[*lease]bool) error {
	var counts map[*plan]int
	for _, n := range batch {
		for i := range n.entries {
			if e := &n.entries[i]; e.plan != nil && e.state == Offered && !lost[e.lease] {
				if counts == nil {
					counts = map[*plan]int{}
				}
				counts[e.plan]++
			}
		}
	}
	plans := make([]*plan, 0, len(counts))
	for p := range counts {
		plans = append(plans, p)
	}
	// In one order everywhere, so that two processes do not lock each other out.
	slices.SortFunc(plans, func(a, b *plan) int { return strings.Compare(a.relay, b.relay) })
	for _, p := range plans {
		if err := p.count(tx, counts[p], r.ledger.now()); err != nil {
			return fmt.Errorf("warm-up: %w", err)
		}
	}
	return nil
}

// count books offers to the day they are made on, and learns what others have sent.
func (p *plan) count(tx *sql.Tx, n int, now time.Time) error {
	day, _ := p.warmUp.day(now)
	var sent int
	err := tx.QueryRow(`INSERT INTO warmups (relay, day, sent) VALUES ($1, $2, $3)
ON CONFLICT (relay, day) DO UPDATE SET sent = warmups.sent + excluded.sent RETURNING sent`, p.relay, day, n).Scan(&sent)
	if err != nil {
		return err
	}
	p.mu.Lock()
	if p.day == day {
		p.sent = sent
	}
	p.mu.Unlock()
	return nil
}
