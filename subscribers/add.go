package subscribers

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"apta/subscribers/database"
)

// Outcome says what adding a subscriber did.
type Outcome int

// What adding a subscriber may do.
const (
	Added   Outcome = iota
	Present         // stored already, and nothing new was said of them
	Changed         // stored already: what was empty was filled in, or they left by what was said
	Left            // stored, and not to be mailed: they left, or their address bounces
	Barred          // on the suppression list: not stored
)

// arrival is a subscriber to be stored, and what became of it.
type arrival struct {
	Subscriber
	agreed  time.Time // to getting the newsletter, where that was not now
	line    int       // of the file that they come from
	outcome Outcome
	holder  database.ID // who has the address: they or the one before them
}

// Add stores a subscriber, active from now on. source says where the consent
// came from. One who is stored already stays as they are, but for what is empty
// with them, and for one who is added as having left: they are sent nothing more.
func (s *Store) Add(ctx context.Context, sub Subscriber, source string) (out Outcome, err error) {
	outcomes, err := s.AddAll(ctx, []Subscriber{sub}, source)
	if err != nil {
		return 0, err
	}
	return outcomes[0], nil
}

// AddAll is Add for many in one transaction. The outcomes are in the order of subs.
func (s *Store) AddAll(ctx context.Context, subs []Subscriber, source string) ([]Outcome, error) {
	arrivals := make([]arrival, len(subs))
	for i, sub := range subs {
		arrivals[i].Subscriber = sub
	}
	err := s.db.InTx(ctx, func(tx *sql.Tx) error { return s.addAll(ctx, tx, arrivals, source) })
	if err != nil {
		return nil, fmt.Errorf("subscribers: add: %w", err)
	}
	outcomes := make([]Outcome, len(subs))
	for i := range arrivals {
		outcomes[i] = arrivals[i].outcome
	}
	return outcomes, nil
}

// insertRows is how many rows one statement inserts.
const insertRows = 500

func (s *Store) addAll(ctx context.Context, tx *sql.Tx, arrivals []arrival, source string) error {
	s.prepare(arrivals)
	for some := range slices.Chunk(arrivals, insertRows) {
		if err := s.addSome(ctx, tx, some, source); err != nil {
			return err
		}
	}
	return nil
}

// prepare fills in what is not said.
func (s *Store) prepare(arrivals []arrival) {
	for i := range arrivals {
		a := &arrivals[i]
		a.ID, a.Every = s.ids.Next(), max(a.Every, 1)
		if a.Format == "" {
			a.Format = "html"
		}
		if a.Status == "" {
			a.Status = Active
		}
		a.holder, a.outcome = a.ID, Added
	}
}

func (s *Store) addSome(ctx context.Context, tx *sql.Tx, arrivals []arrival, source string) error {
	hashes := make([]string, len(arrivals))
	for i := range arrivals {
		hashes[i] = s.HashOf(arrivals[i].Email)
	}
	barred, err := s.suppressed(ctx, tx, hashes)
	if err != nil {
		return err
	}
	welcome := arrivals
	if len(barred) > 0 {
		welcome = make([]arrival, 0, len(arrivals))
		for i := range arrivals {
			if barred[hashes[i]] {
				arrivals[i].outcome = Barred
			} else {
				welcome = append(welcome, arrivals[i])
			}
		}
	}
	if len(welcome) == 0 {
		return nil
	}
	all, err := s.insertSubscribers(ctx, tx, welcome)
	if err == nil && !all {
		err = s.meet(ctx, tx, welcome, source)
	}
	if err == nil {
		err = s.insertConsents(ctx, tx, welcome, source)
	}
	if err != nil || len(barred) == 0 {
		return err
	}
	for i := range arrivals {
		if arrivals[i].outcome != Barred {
			arrivals[i], welcome = welcome[0], welcome[1:]
		}
	}
	return nil
}

// insertSubscribers stores those whose addresses are new; all says that each was.
func (s *Store) insertSubscribers(ctx context.Context, tx *sql.Tx, arrivals []arrival) (all bool, err error) {
	const each = 9
	now := s.now()
	args := append(make([]any, 0, 2+each*len(arrivals)), database.Millis(now), Week(now))
	for i := range arrivals {
		a := &arrivals[i]
		args = append(args, int64(a.ID), a.Email, a.Name, a.Language, a.Format, string(a.Status), joinTopics(a.Topics), int64(a.Every), untilMillis(a.PausedUntil))
	}
	res, err := tx.ExecContext(ctx, insertSubscriber.rows(len(arrivals)), args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == int64(len(arrivals)), err
}

// insertConsents writes down that those who were added agreed.
func (s *Store) insertConsents(ctx context.Context, tx *sql.Tx, arrivals []arrival, source string) error {
	args := append(make([]any, 0, 2+5*len(arrivals)), database.Millis(s.now()), source)
	n := 0
	for i := range arrivals {
		a := &arrivals[i]
		if a.outcome != Added {
			continue
		}
		e := s.entry(a.ID, string(a.Status), Consent{Source: source, Agreed: a.agreed}, "")
		e.at = args[0].(int64)
		args = append(args, int64(e.subscriber), int64(e.id), e.what, e.agreed, s.keys.link("", &e))
		n++
	}
	if n == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, insertFirstConsent.rows(n), args...)
	return err
}

// meet settles those whose addresses are stored already.
func (s *Store) meet(ctx context.Context, tx *sql.Tx, arrivals []arrival, source string) error {
	stored, err := s.holders(ctx, tx, arrivals)
	if err != nil {
		return err
	}
	for i := range arrivals {
		a := &arrivals[i]
		sub, found := stored[a.Email]
		if !found || sub.ID == a.ID {
			continue
		}
		a.holder = sub.ID
		if a.outcome, err = s.meetOne(ctx, tx, sub, a, source); err != nil {
			return err
		}
	}
	return nil
}

// meetOne says how one who is stored already stands, after heeding that they
// have left elsewhere: a list of those must not be read in vain.
func (s *Store) meetOne(ctx context.Context, tx *sql.Tx, sub *Subscriber, a *arrival, source string) (Outcome, error) {
	switch out := judge(sub, a); {
	case out != Changed:
		return out, nil
	case a.Status.gone():
		sub.Status = a.Status
		_, err := s.change(ctx, tx, sub.ID, a.Status, time.Time{}, Consent{Source: source, Agreed: a.agreed})
		return Changed, err
	default:
		fill(sub, a)
		return Changed, s.store(ctx, tx, sub)
	}
}

// judge says what meeting the stored subscriber will do.
func judge(sub *Subscriber, a *arrival) Outcome {
	switch {
	case sub.Status.gone():
		return Left
	case a.Status.gone(), sub.Name == "" && a.Name != "", sub.Language == "" && a.Language != "":
		return Changed
	}
	return Present
}

// fill takes what a list knows more than we do. What readers chose themselves
// no list can change.
func fill(sub *Subscriber, a *arrival) {
	if sub.Name == "" {
		sub.Name = a.Name
	}
	if sub.Language == "" {
		sub.Language = a.Language
	}
}

// querier is what reads: a transaction or the whole database.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// holders gives the subscribers who have the addresses, by these.
func (s *Store) holders(ctx context.Context, q querier, arrivals []arrival) (map[string]*Subscriber, error) {
	args := make([]any, len(arrivals))
	for i := range arrivals {
		args[i] = arrivals[i].Email
	}
	rows, err := q.QueryContext(ctx, selectSubscriber+`WHERE email IN (`+placeholders(len(args))+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make(map[string]*Subscriber)
	for rows.Next() {
		sub, err := scanSubscriber(rows)
		if err != nil {
			return nil, err
		}
		found[sub.Email] = &sub
	}
	return found, rows.Err()
}

// insertion is an INSERT of many rows, whose values are those that all rows
// share, numbered from 1, and own ones, numbered from 3.
type insertion struct {
	head, tail string
	row        string // own values as ?
}

var (
	insertSubscriber = insertion{
		head: `INSERT INTO subscribers (created, updated, from_week, generation, id, email, name, language, format, status, topics, every_weeks, paused_until) VALUES `,
		row:  `($1, $1, $2, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tail: ` ON CONFLICT (email) DO NOTHING`,
	}
	insertFirstConsent = insertion{
		head: `INSERT INTO consents (at, source, wording, subscriber_id, id, what, agreed, link) VALUES `,
		row:  `($1, $2, '', ?, ?, ?, ?, ?)`,
	}
)

// rows is the statement for n rows.
func (in *insertion) rows(n int) string {
	var b strings.Builder
	b.Grow(len(in.head) + n*(len(in.row)+40))
	b.WriteString(in.head)
	next := 3
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		for _, c := range []byte(in.row) {
			if c != '?' {
				b.WriteByte(c)
				continue
			}
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(next))
			next++
		}
	}
	b.WriteString(in.tail)
	return b.String()
}

// placeholders gives $1, $2 and so on.
func placeholders(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i + 1))
	}
	return b.String()
}
