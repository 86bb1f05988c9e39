package subscribers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"apta/subscribers/database"
)

// For is the same store for the readers of another newsletter, named by its slug.
func (s *Store) For(newsletter string) *Store {
	other := *s
	other.newsletter = newsletter
	return &other
}

// Adopt gives the store's newsletter the readers and letters that belong to
// none: those from before there could be several. It costs a look at an empty
// index where there are none.
func (s *Store) Adopt(ctx context.Context) error {
	for _, table := range []string{"subscribers", "letters"} {
		err := s.db.QueryRow(ctx, `SELECT 1 FROM `+table+` WHERE newsletter = '' LIMIT 1`).Scan(new(int))
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err == nil {
			_, err = s.db.Exec(ctx, `UPDATE `+table+` SET newsletter = $1 WHERE newsletter = ''`, s.newsletter)
		}
		if err != nil {
			return fmt.Errorf("subscribers: adopt %s: %w", table, err)
		}
	}
	return nil
}

// NewsletterOf gives the newsletter of whom a link belongs to, so that its page
// can be theirs. A link that is not good is nobody's; whoever opens it says so.
func (s *Store) NewsletterOf(ctx context.Context, p Purpose, token string) (slug string, err error) {
	claim, err := s.keys.Open(p, token)
	if err != nil {
		return "", nil
	}
	query := `SELECT newsletter FROM subscribers WHERE id = $1`
	if p == PurposeChangeOld || p == PurposeChangeNew {
		query = `SELECT s.newsletter FROM address_changes a JOIN subscribers s ON s.id = a.subscriber_id WHERE a.id = $1`
	}
	err = s.db.QueryRow(ctx, query, claim.ID).Scan(&slug)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("subscribers: whose link: %w", err)
	}
	return slug, nil
}

// lockAddress locks and gives the subscribers of an address in all newsletters.
func lockAddress(ctx context.Context, tx *sql.Tx, email string) ([]database.ID, error) {
	return idsOf(ctx, tx, `UPDATE subscribers SET status = status WHERE email = $1 RETURNING id`, email)
}

// idsOf gives what a query finds in its one column, the IDs of subscribers.
func idsOf(ctx context.Context, tx *sql.Tx, query string, args ...any) (ids []database.ID, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id database.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
