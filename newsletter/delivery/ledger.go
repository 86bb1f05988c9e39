// Package delivery brings an edition to every reader it is due to. Its ledger
// says who got what: a delivery is written down as offered before its body
// leaves and as settled after the relay's reply, so that a crash at any moment
// leaves nothing unknown but the few messages in the air.
package delivery

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"apta/subscribers/database"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// Schema is the tables of this package.
func Schema() database.Schema { return database.SchemaIn(schemaFiles, "delivery") }

// State is where one delivery stands.
type State int

// A delivery is queued, then offered (written down before its body leaves), and
// then settled. Deferred ones wait and are offered again; doubtful ones may or
// may not have been taken by the relay and are resent once, with the same
// Message-ID, or held for a person.
const (
	Queued State = iota
	Offered
	Accepted
	Deferred
	Refused
	Doubtful
	Skipped
)

var stateNames = [...]string{"queued", "offered", "accepted", "deferred", "refused", "doubtful", "skipped"}

func (s State) String() string { return stateNames[s] }

// Counts is how many deliveries of an issue stand in each state. They sum to Total.
type Counts struct {
	Total    int `json:"total"`
	Queued   int `json:"queued"`
	Offered  int `json:"offered"`
	Accepted int `json:"accepted"`
	Deferred int `json:"deferred"`
	Refused  int `json:"refused"`
	Doubtful int `json:"doubtful"`
	Skipped  int `json:"skipped"`
}

func (c *Counts) add(s State, n int) {
	c.Total += n
	switch s {
	case Queued:
		c.Queued += n
	case Offered:
		c.Offered += n
	case Accepted:
		c.Accepted += n
	case Deferred:
		c.Deferred += n
	case Refused:
		c.Refused += n
	case Doubtful:
		c.Doubtful += n
	case Skipped:
		c.Skipped += n
	}
}

// Waiting is how many deliveries are still to be made.
func (c Counts) Waiting() int { return c.Queued + c.Offered + c.Deferred }

// SendState is where the send of an issue stands.
type SendState string

// A send is running until every delivery is settled, unless a person stops it.
const (
	Waiting   SendState = "waiting" // its readers are known, it was not started itself
	Running   SendState = "running"
	Paused    SendState = "paused"
	Cancelled SendState = "cancelled"
	Done      SendState = "done"
)

// Send is one issue on its way to its readers.
type Send struct {
	Issue      database.ID `json:"issue"`
	Newsletter string      `json:"-"` // its slug
	State      SendState   `json:"state"`
	Why        string      `json:"why,omitempty"`
	Started    time.Time   `json:"started"`
	Ended      time.Time   `json:"ended,omitzero"`
}

// ErrNoSend marks an issue whose sending was never started.
var ErrNoSend = errors.New("it was never sent")

// Ledger keeps sends and their deliveries. Its methods are safe for concurrent
// use, by several processes too.
type Ledger struct {
	db    *database.DB
	now   func() time.Time
	tally progress
}

// NewLedger makes a ledger over a migrated database.
func NewLedger(db *database.DB, now func() time.Time) *Ledger { return &Ledger{db: db, now: now} }

// Send finds the send of an issue; ErrNoSend where there is none.
func (l *Ledger) Send(ctx context.Context, issue database.ID) (Send, error) {
	return scanSend(l.db.QueryRow(ctx, selectSend+`WHERE issue_id = $1`, issue))
}

const selectSend = `SELECT issue_id, newsletter, state, why, started, ended FROM sends `

func scanSend(row interface{ Scan(...any) error }) (s Send, err error) {
	var state string
	var started, ended int64
	err = row.Scan(&s.Issue, &s.Newsletter, &state, &s.Why, &started, &ended)
	if errors.Is(err, sql.ErrNoRows) {
		return s, ErrNoSend
	}
	if err != nil {
		return s, fmt.Errorf("delivery: read send: %w", err)
	}
	s.State, s.Started = SendState(state), database.FromMillis(started)
	if ended != 0 {
		s.Ended = database.FromMillis(ended)
	}
	return s, nil
}

// Open gives the running sends, the oldest first.
func (l *Ledger) Open(ctx context.Context) ([]Send, error) {
	return l.sends(ctx, `WHERE state = 'running' ORDER BY started, issue_id`)
}

func (l *Ledger) sends(ctx context.Context, where string) ([]Send, error) {
	rows, err := l.db.Query(ctx, selectSend+where)
	if err != nil {
		return nil, fmt.Errorf("delivery: open sends: %w", err)
	}
	defer rows.Close()
	var sends []Send
	for rows.Next() {
		s, err := scanSend(rows)
		if err != nil {
			return nil, err
		}
		sends = append(sends, s)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("delivery: open sends: %w", err)
	}
	return sends, nil
}

// Counts counts the deliveries of an issue by state, those included that are
// under way at this moment.
func (l *Ledger) Counts(ctx context.Context, issue database.ID) (c Counts, err error) {
	err = l.db.Snapshot(ctx, func(tx *sql.Tx) error {
		c = Counts{}
		if err := countRows(ctx, tx, issue, &c); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `SELECT first_id, entries FROM journal WHERE issue_id = $1 ORDER BY first_id, seq`, issue)
		if err != nil {
			return err
		}
		marks, err := readJournal(rows)
		for _, m := range marks {
			c.add(m.was, -1)
			c.add(m.state, 1)
		}
		return err
	})
	if err != nil {
		return c, fmt.Errorf("delivery: count: %w", err)
	}
	return c, nil
}

func countRows(ctx context.Context, tx *sql.Tx, issue database.ID, c *Counts) error {
	rows, err := tx.QueryContext(ctx, `SELECT state, count(*) FROM deliveries WHERE issue_id = $1 GROUP BY state`, issue)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var s State
		var n int
		if err := rows.Scan(&s, &n); err != nil {
			return err
		}
		c.add(s, n)
	}
	return rows.Err()
}

// A Reason is why a number of deliveries are where they are.
type Reason struct {
	State string `json:"state"`
	Code  int    `json:"code,omitempty"` // the relay's reply code; 0 where none was given
	Why   string `json:"why"`
	Count int    `json:"count"`
}

// Reasons says why deliveries were skipped, refused or deferred or are doubtful,
// the most frequent first, at most limit of them.
func (l *Ledger) Reasons(ctx context.Context, issue database.ID, limit int) ([]Reason, error) {
	rows, err := l.db.Query(ctx, `
SELECT state, code, why, count(*) FROM deliveries WHERE issue_id = $1 AND state IN (3, 4, 5, 6)
GROUP BY state, code, why ORDER BY 4 DESC, 1, 2, 3 LIMIT $2`, issue, limit)
	if err != nil {
		return nil, fmt.Errorf("delivery: reasons: %w", err)
	}
	defer rows.Close()
	var reasons []Reason
	for rows.Next() {
		var r Reason
		var s State
		if err := rows.Scan(&s, &r.Code, &r.Why, &r.Count); err != nil {
			return nil, fmt.Errorf("delivery: reasons: %w", err)
		}
		r.State = s.String()
		reasons = append(reasons, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("delivery: reasons: %w", err)
	}
	return reasons, nil
}
