package desk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// Schema is the tables of this package.
func Schema() database.Schema { return database.SchemaIn(schemaFiles, "desk") }

// Editors keeps editors, their sessions and links, and what they did. Its methods
// are safe for concurrent use, by several processes too.
type Editors struct {
	db     *database.DB
	ids    *database.IDs
	now    func() time.Time
	random io.Reader
}

// NewEditors keeps editors in a migrated database; random nil means the system's.
func NewEditors(db *database.DB, ids *database.IDs, now func() time.Time, random io.Reader) *Editors {
	if random == nil {
		random = rand.Reader
	}
	return &Editors{db: db, ids: ids, now: now, random: random}
}

// spelling has no characters that a double click stops at.
var spelling = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// secret makes what a cookie or a link holds, and the hash under which it is kept.
func (s *Editors) secret() (text string, hash []byte, err error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(s.random, raw); err != nil {
		return "", nil, fmt.Errorf("desk: no randomness: %w", err)
	}
	text = spelling.EncodeToString(raw)
	return text, hashOf(text), nil
}

func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// address reads an editor's address.
func address(text string) (string, error) {
	a, err := subscribers.ParseAddress(strings.TrimSpace(text))
	return strings.ToLower(a), err
}

const selectEditor = `SELECT id, email, name, role, language, created FROM editors `

func scanEditor(row interface{ Scan(...any) error }) (e Editor, err error) {
	var created int64
	err = row.Scan(&e.ID, &e.Email, &e.Name, &e.Role, &e.Language, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return e, ErrNoEditor
	}
	e.Created = database.FromMillis(created)
	return e, err
}

// List gives every editor, the first one first.
func (s *Editors) List(ctx context.Context) (list []Editor, err error) {
	rows, err := s.db.Query(ctx, selectEditor+`ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("desk: list editors: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanEditor(rows)
		if err != nil {
			return nil, fmt.Errorf("desk: list editors: %w", err)
		}
		list = append(list, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("desk: list editors: %w", err)
	}
	return list, nil
}

// Find gives the editor of an address or an ID, or ErrNoEditor.
func (s *Editors) Find(ctx context.Context, ref string) (Editor, error) {
	row := s.db.QueryRow(ctx, selectEditor+`WHERE email = $1`, strings.ToLower(strings.TrimSpace(ref)))
	if id, err := database.ParseID(ref); err == nil {
		row = s.db.QueryRow(ctx, selectEditor+`WHERE id = $1`, id)
	}
	e, err := scanEditor(row)
	if err != nil {
		return e, fmt.Errorf("desk: editor %q: %w", ref, err)
	}
	return e, nil
}

// Add makes an editor. password may be empty: they sign in by mail then.
func (s *Editors) Add(ctx context.Context, by Editor, e Editor, password string) (Editor, error) {
	err := s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
		if e, err = s.add(ctx, tx, e, password); err != nil {
			return err
		}
		return s.audit(ctx, tx, by, "editor.add", e.Email+" ("+string(e.Role)+")", "")
	})
	if err != nil {
		return e, fmt.Errorf("desk: add editor %s: %w", e.Email, err)
	}
	return e, nil
}

// add takes an address as address gives it and a password as sealed gives it.
func (s *Editors) add(ctx context.Context, tx *sql.Tx, e Editor, password string) (Editor, error) {
	e.ID, e.Created = s.ids.Next(), s.now().UTC().Truncate(time.Millisecond)
	_, err := tx.ExecContext(ctx, `INSERT INTO editors (id, email, name, role, language, password, created) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		e.ID, e.Email, e.Name, string(e.Role), e.Language, password, database.Millis(e.Created))
	if database.IsUnique(err) {
		err = ErrTaken
	}
	return e, err
}

// SetRole changes what an editor may do. It holds from their next request on.
// There is always an owner left.
func (s *Editors) SetRole(ctx context.Context, by Editor, id database.ID, role Role) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		e, err := s.leaving(ctx, tx, id, role)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE editors SET role = $1 WHERE id = $2`, string(role), id); err != nil {
			return err
		}
		return s.audit(ctx, tx, by, "editor.role", fmt.Sprintf("%s (%s → %s)", e.Email, e.Role, role), "")
	})
	if err != nil {
		return fmt.Errorf("desk: role of editor %s: %w", id, err)
	}
	return nil
}

// Remove takes an editor away, with all that lets them in. What they did stays
// in the audit log.
func (s *Editors) Remove(ctx context.Context, by Editor, id database.ID) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		e, err := s.leaving(ctx, tx, id, Anyone)
		if err != nil {
			return err
		}
		for _, query := range []string{`DELETE FROM editor_sessions WHERE editor = $1`, `DELETE FROM editor_identities WHERE editor = $1`, `DELETE FROM editor_passkeys WHERE editor = $1`, `DELETE FROM editors WHERE id = $1`} {
			if _, err := tx.ExecContext(ctx, query, id); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM editor_links WHERE email = $1`, e.Email); err != nil {
			return err
		}
		return s.audit(ctx, tx, by, "editor.remove", e.Email, "")
	})
	if err != nil {
		return fmt.Errorf("desk: remove editor %s: %w", id, err)
	}
	return nil
}

// leaving gives an editor whose role is to become another, or ErrLastOwner. The
// owners' rows are locked on the way: two owners who remove each other at the
// same time would leave none.
func (s *Editors) leaving(ctx context.Context, tx *sql.Tx, id database.ID, role Role) (Editor, error) {
	if _, err := tx.ExecContext(ctx, `UPDATE editors SET role = role WHERE role = 'owner'`); err != nil {
		return Editor{}, err
	}
	e, err := scanEditor(tx.QueryRowContext(ctx, selectEditor+`WHERE id = $1`, id))
	if err != nil || e.Role != Owner || role == Owner {
		return e, err
	}
	var owners int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM editors WHERE role = 'owner'`).Scan(&owners); err != nil {
		return e, err
	}
	if owners < 2 {
		return e, ErrLastOwner
	}
	return e, nil
}

// SetOwn changes what editors decide about themselves.
func (s *Editors) SetOwn(ctx context.Context, e Editor) error {
	_, err := s.db.Exec(ctx, `UPDATE editors SET name = $1, language = $2 WHERE id = $3`, e.Name, e.Language, e.ID)
	if err != nil {
		return fmt.Errorf("desk: editor %s: %w", e.Email, err)
	}
	return nil
}
