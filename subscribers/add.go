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
	later   bool      // their address stood in an earlier line
	outcome Outcome

	// The entry of the consent log that they begin with, where they are new.
	entry database.ID
	link  string
}

// ready are arrivals of whom all is reckoned that can be without the database, so
// that it need not wait for that.
type ready struct {
	inFile  []arrival
	byEmail []*arrival
	source  string
	at      int64
}

// ready makes them so.
func (s *Store) ready(arrivals []arrival, source string) ready {
	s.prepare(arrivals)
	r := ready{inFile: arrivals, byEmail: byEmail(arrivals), source: source, at: database.Millis(s.now())}
	for i := range arrivals {
		a := &arrivals[i]
		e := s.entry(a.ID, string(a.Status), Consent{Source: source, Agreed: a.agreed}, "")
		e.at = r.at
		a.entry, a.link = e.id, s.keys.link("", &e)
	}
	return r
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
	r := s.ready(arrivals, source)
	err := s.db.InTx(ctx, func(tx *sql.Tx) error { return s.addAll(ctx, tx, nil, r) })
	if err != nil {
		return nil, fmt.Errorf("subscribers: add: %w", err)
	}
	outcomes := make([]Outcome, len(subs))
	for i := range arrivals {
		outcomes[i] = arrivals[i].outcome
	}
	return outcomes, nil
}

// insertRows is how many are stored together.
const insertRows = 500

func (s *Store) addAll(ctx context.Context, tx *sql.Tx, bulk database.Bulk, r ready) error {
	for i := range r.inFile {
		r.inFile[i].outcome = Added // also where the transaction is run again
	}
	if err := s.holdSuppressions(ctx, tx); err != nil {
		return err
	}
	if bulk != nil {
		return s.addBulk(ctx, tx, bulk, r)
	}
	in := newInserts(tx, s.db.Kind())
	defer in.close()
	for some := range slices.Chunk(r.byEmail, insertRows) {
		if err := s.addSome(ctx, in, some, r.source); err != nil {
			return err
		}
	}
	return s.insertConsents(ctx, in, r)
}

// byEmail gives the arrivals in the order of their addresses, so that the index
// over these is written from one end to the other; the same address twice stays
// in the order of the file.
func byEmail(arrivals []arrival) []*arrival {
	ordered := make([]*arrival, len(arrivals))
	for i := range arrivals {
		ordered[i] = &arrivals[i]
	}
	slices.SortStableFunc(ordered, func(a, b *arrival) int { return strings.Compare(a.Email, b.Email) })
	return ordered
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
		a.outcome = Added
	}
}

func (s *Store) addSome(ctx context.Context, in *inserts, arrivals []*arrival, source string) error {
	welcome, err := s.bar(ctx, in.tx, arrivals)
	if err != nil || len(welcome) == 0 {
		return err
	}
	all, err := s.insertSubscribers(ctx, in, welcome)
	if err == nil && !all {
		err = s.meet(ctx, in.tx, welcome, source)
	}
	return err
}

// bar turns away those whose addresses are suppressed and gives the others.
func (s *Store) bar(ctx context.Context, q querier, arrivals []*arrival) (welcome []*arrival, err error) {
	if some, err := anySuppressed(ctx, q); err != nil || !some {
		return arrivals, err
	}
	hashes := make([]string, len(arrivals))
	for i, a := range arrivals {
		hashes[i] = s.HashOf(a.Email)
	}
	barred, err := suppressed(ctx, q, hashes)
	if err != nil {
		return nil, err
	}
	welcome = make([]*arrival, 0, len(arrivals))
	for i, a := range arrivals {
		if barred[hashes[i]] {
			a.outcome = Barred
			continue
		}
		welcome = append(welcome, a)
	}
	return welcome, nil
}

// insertSubscribers stores those whose addresses are new; all says that each was.
func (s *Store) insertSubscribers(ctx context.Context, in *inserts, arrivals []*arrival) (all bool, err error) {
	now := s.now()
	args := make([]any, 0, len(arrivals)*newSubscriber.own)
	for _, a := range arrivals {
		args = append(args, int64(a.ID), s.newsletter, a.Email, a.Name, a.Language, a.Format, string(a.Status), joinTopics(a.Topics), int64(a.Every), untilMillis(a.PausedUntil))
	}
	n, err := in.insert(ctx, &newSubscriber, [2]any{database.Millis(now), Week(now)}, args)
	return n == int64(len(arrivals)), err
}

// insertConsents writes down that those who were added agreed, in the order of
// their IDs: that is the log's, so it is written from one end to the other.
func (s *Store) insertConsents(ctx context.Context, in *inserts, r ready) error {
	args := make([]any, 0, insertRows*firstConsent.own)
	for some := range slices.Chunk(r.inFile, insertRows) {
		args = args[:0]
		for i := range some {
			if a := &some[i]; a.outcome == Added {
				args = append(args, int64(a.ID), int64(a.entry), string(a.Status), untilMillis(a.agreed), a.link)
			}
		}
		if _, err := in.insert(ctx, &firstConsent, [2]any{r.at, r.source}, args); err != nil {
			return err
		}
	}
	return nil
}

// meet settles those whose addresses are stored already.
func (s *Store) meet(ctx context.Context, tx *sql.Tx, arrivals []*arrival, source string) error {
	stored, err := s.holders(ctx, tx, arrivals)
	if err != nil {
		return err
	}
	for _, a := range arrivals {
		sub, found := stored[a.Email]
		if !found || sub.ID == a.ID {
			continue
		}
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
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// reading is the whole database as a querier.
type reading struct{ db *database.DB }

func (r reading) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return r.db.Query(ctx, query, args...)
}

func (r reading) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return r.db.QueryRow(ctx, query, args...)
}

// holders gives the subscribers of the newsletter who have the addresses, by these.
func (s *Store) holders(ctx context.Context, q querier, arrivals []*arrival) (map[string]*Subscriber, error) {
	args := make([]any, len(arrivals), len(arrivals)+1)
	for i, a := range arrivals {
		args[i] = a.Email
	}
	in := placeholders(len(args))
	args = append(args, s.newsletter)
	rows, err := q.QueryContext(ctx, selectSubscriber+`WHERE email IN (`+in+`) AND newsletter = $`+strconv.Itoa(len(args)), args...)
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
