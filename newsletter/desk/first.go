package desk

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"time"

	"apta/subscribers/database"
)

// firstLife is how long the link of the first owner is good.
const firstLife = 24 * time.Hour

// FirstLink makes the link by which the first owner lets themselves in, where
// there is no editor yet; else secret is empty. Each process that starts may make
// one: using one of them ends all.
func (s *Editors) FirstLink(ctx context.Context) (secret string, err error) {
	var editors int
	if err := s.db.QueryRow(ctx, `SELECT count(*) FROM editors`).Scan(&editors); err != nil {
		return "", fmt.Errorf("desk: first owner: %w", err)
	}
	if editors > 0 {
		return "", nil
	}
	secret, hash, err := s.secret()
	if err != nil {
		return "", err
	}
	now := s.now()
	_, err = s.db.Exec(ctx, `INSERT INTO editor_links (hash, kind, email, name, role, browser, next, created, expires) VALUES ($1, 'first', '', '', 'owner', $2, '', $3, $4)`,
		hash, []byte{}, database.Millis(now), database.Millis(now.Add(firstLife)))
	if err != nil {
		return "", fmt.Errorf("desk: first owner: %w", err)
	}
	return secret, nil
}

// IsFirst reports whether a link still makes the first owner.
func (s *Editors) IsFirst(ctx context.Context, secret string) (bool, error) {
	var n int
	err := s.db.QueryRow(ctx, `SELECT count(*) FROM editor_links WHERE hash = $1 AND kind = 'first' AND expires > $2 AND NOT EXISTS (SELECT 1 FROM editors)`,
		hashOf(secret), database.Millis(s.now())).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("desk: first owner: %w", err)
	}
	return n == 1, nil
}

// MakeFirst makes the first owner by a link and signs them in.
func (s *Editors) MakeFirst(ctx context.Context, link string, e Editor, password, agent, network string) (session string, err error) {
	sealed, err := seal(ctx, password)
	if err != nil {
		return "", err
	}
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		// All such links are deleted by the first who comes; a second one waits for
		// that and finds none.
		var good bool
		rows, err := tx.QueryContext(ctx, `DELETE FROM editor_links WHERE kind = 'first' RETURNING hash, expires`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var hash []byte
			var expires int64
			if err := rows.Scan(&hash, &expires); err != nil {
				return err
			}
			good = good || string(hash) == string(hashOf(link)) && expires > database.Millis(s.now())
		}
		if err := rows.Err(); err != nil {
			return err
		}
		var editors int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM editors`).Scan(&editors); err != nil {
			return err
		}
		if !good || editors > 0 {
			return ErrLink
		}
		e.Role = Owner
		if e, err = s.add(ctx, tx, e, sealed); err != nil {
			return err
		}
		if session, err = s.begin(ctx, tx, e.ID, agent, network); err != nil {
			return err
		}
		return s.audit(ctx, tx, e, "editor.first", e.Email, network)
	})
	if err != nil {
		return "", fmt.Errorf("desk: first owner: %w", err)
	}
	return session, nil
}

// ownView is the form of the first owner, and of whoever is invited.
type ownView struct {
	Frame
	Action      string
	Name, Email string
	Fixed       bool // the address is that of the invitation
	Errors      map[string]string
}

func (d *Desk) askFirst(w http.ResponseWriter, r *http.Request) error {
	good, err := d.Editors.IsFirst(r.Context(), r.PathValue("link"))
	if err != nil {
		return err
	}
	if !good {
		return ErrLink
	}
	v := ownView{Frame: d.Frame(r, "", "first_title"), Action: r.URL.Path}
	return d.Write(w, r, http.StatusOK, "own.html", v)
}

func (d *Desk) makeFirst(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	v := ownView{Frame: d.Frame(r, "", "first_title"), Action: r.URL.Path, Name: form.Get("name"), Email: form.Get("email"), Errors: map[string]string{}}
	e, good := v.read(form.Get("password"))
	if !good {
		return d.Write(w, r, http.StatusUnprocessableEntity, "own.html", v)
	}
	secret, err := d.Editors.MakeFirst(r.Context(), r.PathValue("link"), e, form.Get("password"), r.UserAgent(), d.network(r))
	if err != nil {
		return err
	}
	d.setSession(w, secret)
	http.Redirect(w, r, "/desk/", http.StatusSeeOther)
	return nil
}

// read gives the editor whom a form describes; where something is wrong with it,
// good is false and the view says what.
func (v *ownView) read(password string) (e Editor, good bool) {
	var err error
	if e.Email, err = address(v.Email); err != nil {
		v.Errors["email"] = v.Words["error_email"]
	}
	if e.Name = short(v.Name, 100); e.Name == "" {
		v.Errors["name"] = v.Words["error_editor_name"]
	}
	if v.Fixed && password == "" {
		return e, len(v.Errors) == 0 // who is invited may sign in by mail alone
	}
	if err := checkPassword(password, e); err != nil {
		v.Errors["password"] = passwordWords(v.Words, err)
	}
	return e, len(v.Errors) == 0
}
