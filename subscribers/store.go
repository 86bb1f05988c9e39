package subscribers

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
func Schema() database.Schema { return database.SchemaIn(schemaFiles, "subscribers") }

// Subscriber is one reader.
type Subscriber struct {
	ID         database.ID `json:"id"`
	Newsletter string      `json:"newsletter,omitempty"` // whose reader they are, by its slug
	Email      string      `json:"email"`                // as ParseAddress gives it; unique in a newsletter
	Name       string      `json:"name,omitempty"`
	Language   string      `json:"language,omitempty"` // BCP 47; empty is the newsletter's
	Format     string      `json:"format"`             // html or text
	Status     Status      `json:"status"`
	Generation int         `json:"-"` // grows when the reader's links are revoked
	Created    time.Time   `json:"created"`

	Topics      []string  `json:"topics,omitempty"`      // themes wanted, sorted; none is all of them
	Every       int       `json:"every_weeks,omitempty"` // an issue every so many weeks; 1 where zero
	PausedUntil time.Time `json:"paused_until,omitzero"` // zero is until they come back
}

// ErrNotFound marks a subscriber that is not stored.
var ErrNotFound = errors.New("no such subscriber")

// Store keeps the subscribers of one newsletter (For). What takes an ID, a token
// or a hash works for the others' too; the suppression list is for all. Its
// methods are safe for concurrent use, by several processes too.
type Store struct {
	db         *database.DB
	ids        *database.IDs
	keys       *Keys
	rules      Rules
	now        func() time.Time
	newsletter string                                      // slug
	tell       func(context.Context, *sql.Tx, Event) error // nil where nobody listens
}

// NewStore makes a store over a migrated database, with DefaultRules.
func NewStore(db *database.DB, ids *database.IDs, keys *Keys, now func() time.Time) *Store {
	return &Store{db: db, ids: ids, keys: keys, rules: DefaultRules(), now: now}
}

// WithRules is the same store under other rules.
func (s *Store) WithRules(r Rules) *Store {
	other := *s
	other.rules = r
	return &other
}

const (
	subscriberColumns = `id, newsletter, email, name, language, format, status, generation, created, topics, every_weeks, paused_until`
	selectSubscriber  = `SELECT ` + subscriberColumns + ` FROM subscribers `
)

func scanSubscriber(row interface{ Scan(...any) error }) (sub Subscriber, err error) {
	var created, until int64
	var topics string
	err = row.Scan(&sub.ID, &sub.Newsletter, &sub.Email, &sub.Name, &sub.Language, &sub.Format, &sub.Status, &sub.Generation, &created, &topics, &sub.Every, &until)
	sub.Created, sub.Topics = database.FromMillis(created), splitTopics(topics)
	if until != 0 {
		sub.PausedUntil = database.FromMillis(until)
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return sub, err
}

// ByID finds a subscriber; ErrNotFound where there is none.
func (s *Store) ByID(ctx context.Context, id database.ID) (Subscriber, error) {
	sub, err := scanSubscriber(s.db.QueryRow(ctx, selectSubscriber+`WHERE id = $1`, id))
	if err != nil {
		return Subscriber{}, fmt.Errorf("subscribers: find %s: %w", id, err)
	}
	return sub, nil
}

// ByEmail finds a subscriber of the newsletter by their address as ParseAddress gives it;
// ErrNotFound where there is none.
func (s *Store) ByEmail(ctx context.Context, address string) (Subscriber, error) {
	sub, err := scanSubscriber(s.db.QueryRow(ctx, selectSubscriber+`WHERE email = $1 AND newsletter = $2`, address, s.newsletter))
	if err != nil {
		return Subscriber{}, fmt.Errorf("subscribers: find %s: %w", address, err)
	}
	return sub, nil
}

// page is how many subscribers Each reads at once.
const page = 1000

// Each gives every subscriber to do, in the order they came, until do returns
// an error. It holds no transaction open while do works.
func (s *Store) Each(ctx context.Context, do func(Subscriber) error) error {
	return s.each(ctx, `AND newsletter = $3`, []any{s.newsletter}, do)
}

// each gives the subscribers for whom a condition holds, of any newsletter.
func (s *Store) each(ctx context.Context, and string, args []any, do func(Subscriber) error) error {
	for after, more := database.ID(0), true; more; {
		list, err := s.list(ctx, selectSubscriber+`WHERE id > $1 `+and+` ORDER BY id LIMIT $2`, append([]any{after, page}, args...)...)
		if err != nil {
			return err
		}
		for _, sub := range list {
			if err := do(sub); err != nil {
				return err
			}
			after = sub.ID
		}
		more = len(list) == page
	}
	return nil
}

// Active gives at most limit subscribers whom issues are sent to, in the order
// they came, beginning behind the ID after.
func (s *Store) Active(ctx context.Context, after database.ID, limit int) ([]Subscriber, error) {
	return s.list(ctx, selectSubscriber+`WHERE id > $1 AND newsletter = $3 AND status = 'active' ORDER BY id LIMIT $2`, after, limit, s.newsletter)
}

func (s *Store) list(ctx context.Context, query string, args ...any) (list []Subscriber, err error) {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("subscribers: list: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		sub, err := scanSubscriber(rows)
		if err != nil {
			return nil, fmt.Errorf("subscribers: list: %w", err)
		}
		list = append(list, sub)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("subscribers: list: %w", err)
	}
	return list, nil
}

// Count gives the number of subscribers of each status that any has.
func (s *Store) Count(ctx context.Context) (map[Status]int, error) {
	rows, err := s.db.Query(ctx, `SELECT status, count(*) FROM subscribers WHERE newsletter = $1 GROUP BY status`, s.newsletter)
	if err != nil {
		return nil, fmt.Errorf("subscribers: count: %w", err)
	}
	defer rows.Close()
	counts := make(map[Status]int)
	for rows.Next() {
		var status Status
		var n int
		if err := rows.Scan(&status, &n); err != nil {
			return nil, fmt.Errorf("subscribers: count: %w", err)
		}
		counts[status] = n
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("subscribers: count: %w", err)
	}
	return counts, nil
}
