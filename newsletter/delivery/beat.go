package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"apta/subscribers/database"
)

// beats is a process's sign of life among those that send over one database.
type beats struct {
	id     string
	last   time.Time
	failed bool // which was said
}

const (
	beatEvery = 2 * time.Second
	beatDead  = 10 * time.Second // a process that was not heard of for so long sends no more
)

// beat writes the sign of life, unless it is fresh, and divides the limits by
// the processes that are alive.
func (s *Sender) beat(ctx context.Context) {
	now := s.ledger.now()
	if since := now.Sub(s.beats.last); since >= 0 && since < beatEvery {
		return
	}
	live, err := s.ledger.beat(ctx, s.beats.id, s.Relays())
	if err != nil {
		if ctx.Err() == nil && !s.beats.failed {
			s.beats.failed = true
			s.opt.Log.Warn("the sign of life cannot be written; limits stay divided as they are", "err", err)
		}
		return
	}
	s.beats.last, s.beats.failed = now, false
	s.pace.share(live)
	for _, l := range s.lanes {
		l.mu.Lock()
		l.live = live
		l.mu.Unlock()
	}
}

func (s *Sender) keepBeating(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.beat(ctx)
		}
	}
}

// rest closes connections that nobody needs now and leaves the limits to others.
func (s *Sender) rest() {
	for _, l := range s.lanes {
		l.hangUp(0)
	}
	s.beats.last = time.Time{}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	// Where this fails the row is ignored in a moment.
	s.ledger.db.Exec(ctx, `DELETE FROM senders WHERE id = $1`, s.beats.id)
}

// Relays says which relays do not work as usual, as far as this process knows.
func (s *Sender) Relays() []RelayState {
	var states []RelayState
	for _, l := range s.lanes {
		if state, ok := l.state(); !ok {
			states = append(states, state)
		}
	}
	return states
}

// beat notes that a process sends, and counts those that do.
func (l *Ledger) beat(ctx context.Context, id string, relays []RelayState) (live int, err error) {
	text, err := json.Marshal(relays)
	if err != nil {
		return 0, fmt.Errorf("delivery: beat: %w", err)
	}
	now := l.now()
	_, err = l.db.Exec(ctx, `INSERT INTO senders (id, beat, relays) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET beat = excluded.beat, relays = excluded.relays`,
		id, database.Millis(now), string(text))
	if err == nil {
		_, err = l.db.Exec(ctx, `DELETE FROM senders WHERE beat < $1`, database.Millis(now.Add(-time.Hour)))
	}
	if err == nil {
		err = l.db.QueryRow(ctx, `SELECT count(*) FROM senders WHERE beat > $1`, database.Millis(now.Add(-beatDead))).Scan(&live)
	}
	if err != nil {
		return 0, fmt.Errorf("delivery: beat: %w", err)
	}
	return live, nil
}

// Relays says which relays do not work as usual for the processes that are
// sending at this moment. Of several words on one relay the last comes back.
func (l *Ledger) Relays(ctx context.Context) ([]RelayState, error) {
	rows, err := l.db.Query(ctx, `SELECT relays FROM senders WHERE beat > $1 ORDER BY beat DESC`, database.Millis(l.now().Add(-beatDead)))
	if err != nil {
		return nil, fmt.Errorf("delivery: relays: %w", err)
	}
	defer rows.Close()
	var all []RelayState
	for rows.Next() {
		var text string
		var states []RelayState
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("delivery: relays: %w", err)
		}
		if err := json.Unmarshal([]byte(text), &states); err != nil {
			return nil, fmt.Errorf("delivery: relays: %w", err)
		}
		for _, s := range states {
			if !slices.ContainsFunc(all, func(o RelayState) bool { return o.Name == s.Name }) {
				all = append(all, s)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("delivery: relays: %w", err)
	}
	return all, nil
}
