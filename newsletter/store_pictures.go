package newsletter

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"apta/subscribers/database"
)

// PutPicture keeps a picture, which url is where it was fetched; empty is nowhere.
func (s *Store) PutPicture(ctx context.Context, p Picture, kind string, body []byte, url string) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		now := database.Millis(s.now())
		if _, err := tx.ExecContext(ctx, `INSERT INTO pictures (name, type, width, height, body, created) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING`,
			p.Name, kind, p.Width, p.Height, body, now); err != nil {
			return err
		}
		if url == "" {
			return nil
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO picture_sources (url, name, created) VALUES ($1, $2, $3) ON CONFLICT (url) DO UPDATE SET name = excluded.name, created = excluded.created`, url, p.Name, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("newsletter: keep a picture: %w", err)
	}
	return nil
}

// PictureFrom gives the picture that was fetched from an address; false is none.
func (s *Store) PictureFrom(ctx context.Context, url string) (p Picture, found bool, err error) {
	err = s.db.QueryRow(ctx, `SELECT p.name, p.width, p.height FROM picture_sources s JOIN pictures p ON p.name = s.name WHERE s.url = $1`, url).Scan(&p.Name, &p.Width, &p.Height)
	if errors.Is(err, sql.ErrNoRows) {
		return p, false, nil
	}
	if err != nil {
		return p, false, fmt.Errorf("newsletter: find a picture: %w", err)
	}
	return p, true, nil
}

// PictureBody gives a picture's media type and bytes, ErrNotFound where there is none.
func (s *Store) PictureBody(ctx context.Context, name string) (kind string, body []byte, err error) {
	err = s.db.QueryRow(ctx, `SELECT type, body FROM pictures WHERE name = $1`, name).Scan(&kind, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil, ErrNotFound
	}
	if err != nil {
		return "", nil, fmt.Errorf("newsletter: read a picture: %w", err)
	}
	return kind, body, nil
}
