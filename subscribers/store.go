// Package subscribers keeps the people who asked for the newsletter: who they
// are, what they agreed to, and the links that let them change it.
package subscribers

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"apta/subscribers/database"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// Schema is the tables of this package.
func Schema() database.Schema {
	files, err := fs.Sub(schemaFiles, "schema")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return database.Schema{Owner: "subscribers", Files: files}
}

// Status says whether a subscriber is sent anything.
type Status string

// Only active subscribers are sent issues.
const (
	Active       Status = "active"
	Unsubscribed Status = "unsubscribed"
)

// Subscriber is one reader.
type Subscriber struct {
	ID         database.ID `json:"id"`
	Email      string      `json:"email"` // as ParseAddress gives it; unique
	Name       string      `json:"name,omitempty"`
	Language   string      `json:"language,omitempty"` // BCP 47; empty is the newsletter's
	Format     string      `json:"format"`             // html or text
	Status     Status      `json:"status"`
	Generation int         `json:"-"` // grows when the reader's links are revoked
	Created    time.Time   `json:"created"`
}

// ErrNotFound marks a subscriber that is not stored.
var ErrNotFound = errors.New("no such subscriber")

// Store keeps subscribers. Its methods are safe for concurrent use, by several
// processes too.
type Store struct {
	db  *database.DB
	ids *database.IDs
	now func() time.Time
}

// NewStore makes a store over a migrated database.
func NewStore(db *database.DB, ids *database.IDs, now func() time.Time) *Store {
	return &Store{db: db, ids: ids, now: now}
}

// Outcome says what adding a subscriber did.
type Outcome int

// What adding a subscriber may do.
const (
	Added   Outcome = iota
	Present         // stored already
	Left            // stored, and left on their own wish: not brought back
)

// Add stores a subscriber, active from now on. source says where the consent
// came from. One who is stored already stays as they are.
func (s *Store) Add(ctx context.Context, sub Subscriber, source string) (out Outcome, err error) {
	outcomes, err := s.AddAll(ctx, []Subscriber{sub}, source)
	if err != nil {
		return 0, err
	}
	return outcomes[0], nil
}

const (
	insertSubscriber = `INSERT INTO subscribers (id, email, name, language, format, status, generation, created, updated)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7) ON CONFLICT (email) DO NOTHING`
	insertConsent = `INSERT INTO consents (id, subscriber_id, at, what, source) VALUES ($1, $2, $3, $4, $5)`
)

// AddAll is Add for many in one transaction. The outcomes are in the order of subs.
func (s *Store) AddAll(ctx context.Context, subs []Subscriber, source string) (outcomes []Outcome, err error) {
	now := database.Millis(s.now())
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		outcomes = make([]Outcome, len(subs))
		put, err := tx.PrepareContext(ctx, insertSubscriber)
		if err != nil {
			return err
		}
		defer put.Close()
		agree, err := tx.PrepareContext(ctx, insertConsent)
		if err != nil {
			return err
		}
		defer agree.Close()
		for i, sub := range subs {
			if sub.Format == "" {
				sub.Format = "html"
			}
			if sub.Status == "" {
				sub.Status = Active
			}
			id := s.ids.Next()
			res, err := put.ExecContext(ctx, id, sub.Email, sub.Name, sub.Language, sub.Format, string(sub.Status), now)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil {
				return err
			} else if n == 0 {
				if outcomes[i], err = present(ctx, tx, sub.Email); err != nil {
					return err
				}
				continue
			}
			if _, err := agree.ExecContext(ctx, s.ids.Next(), id, now, string(sub.Status), source); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("subscribers: add: %w", err)
	}
	return outcomes, nil
}

func present(ctx context.Context, tx *sql.Tx, email string) (Outcome, error) {
	var status Status
	if err := tx.QueryRowContext(ctx, `SELECT status FROM subscribers WHERE email = $1`, email).Scan(&status); err != nil {
		return 0, err
	}
	if status == Active {
		return Present, nil
	}
	return Left, nil
}

const selectSubscriber = `SELECT id, email, name, language, format, status, generation, created FROM subscribers `

func scanSubscriber(row interface{ Scan(...any) error }) (sub Subscriber, err error) {
	var created int64
	err = row.Scan(&sub.ID, &sub.Email, &sub.Name, &sub.Language, &sub.Format, &sub.Status, &sub.Generation, &created)
	sub.Created = database.FromMillis(created)
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

// page is how many subscribers Each reads at once.
const page = 1000

// Each gives every subscriber to do, in the order they came, until do returns
// an error. It holds no transaction open while do works.
func (s *Store) Each(ctx context.Context, do func(Subscriber) error) error {
	for after, more := database.ID(0), true; more; {
		rows, err := s.db.Query(ctx, selectSubscriber+`WHERE id > $1 ORDER BY id LIMIT $2`, after, page)
		if err != nil {
			return fmt.Errorf("subscribers: list: %w", err)
		}
		list := make([]Subscriber, 0, page)
		for rows.Next() {
			sub, err := scanSubscriber(rows)
			if err != nil {
				rows.Close()
				return fmt.Errorf("subscribers: list: %w", err)
			}
			list = append(list, sub)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return fmt.Errorf("subscribers: list: %w", err)
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

// Unsubscribe takes a subscriber off every further issue and writes down that
// they left. Doing it twice changes nothing.
func (s *Store) Unsubscribe(ctx context.Context, id database.ID, source string) error {
	return s.setStatus(ctx, id, Unsubscribed, source)
}

// Resubscribe brings back a subscriber who asked for it themselves.
func (s *Store) Resubscribe(ctx context.Context, id database.ID, source string) error {
	return s.setStatus(ctx, id, Active, source)
}

func (s *Store) setStatus(ctx context.Context, id database.ID, to Status, source string) error {
	now := database.Millis(s.now())
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE subscribers SET status = $1, updated = $2 WHERE id = $3 AND status <> $1`, string(to), now, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, insertConsent, s.ids.Next(), id, now, string(to), source)
		return err
	})
	if err != nil {
		return fmt.Errorf("subscribers: %s: %w", to, err)
	}
	return nil
}
