package desk

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"

	"apta/subscribers/database"
)

// meView is the page of what is an editor's own.
type meView struct {
	Frame
	Languages   []choice
	Sessions    []ownSession
	HasPassword bool
	HasParty    bool // there can be passkeys
	Passkeys    []Passkey
	Bookmarklet template.URL
	Problem     string
}

// choice is one of several things to choose from.
type choice struct {
	Value, Label string
	Chosen       bool
}

type ownSession struct {
	Session
	This bool
}

func (d *Desk) me(w http.ResponseWriter, r *http.Request) error {
	return d.showMe(w, r, http.StatusOK, "")
}

func (d *Desk) showMe(w http.ResponseWriter, r *http.Request, status int, problem string) (err error) {
	who := visiting(r.Context())
	v := meView{Frame: d.Frame(r, "me", "place_me"), Problem: problem, Languages: []choice{{"", d.Words(r)["language_browser"], who.Language == ""}}}
	for _, tag := range slices.Sorted(maps.Keys(d.words)) {
		v.Languages = append(v.Languages, choice{tag, d.words[tag]["language_name"], tag == who.Language})
	}
	sessions, err := d.Editors.Sessions(r.Context(), who.ID)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		v.Sessions = append(v.Sessions, ownSession{s, s.ID == who.session})
	}
	if v.HasPassword, err = d.Editors.HasPassword(r.Context(), who.ID); err != nil {
		return err
	}
	if v.HasParty = d.party != nil; v.HasParty {
		v.Scripts = []string{"passkey.js"}
	}
	if v.Passkeys, err = d.Editors.Passkeys(r.Context(), who.ID); err != nil {
		return err
	}
	v.Bookmarklet = d.bookmarklet()
	return d.Write(w, r, status, "me.html", v)
}

func (d *Desk) changeMe(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	e := From(r.Context())
	if e.Name = short(form.Get("name"), 100); e.Name == "" {
		return d.showMe(w, r, http.StatusUnprocessableEntity, d.Words(r)["error_editor_name"])
	}
	if e.Language = form.Get("language"); d.words[e.Language] == nil {
		e.Language = ""
	}
	if err := d.Editors.SetOwn(r.Context(), e); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/me", "saved")
}

// changePassword asks for the present one: a browser left open is not to be
// enough to take somebody's place for good.
func (d *Desk) changePassword(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	v := visiting(r.Context())
	err = d.Editors.CheckPassword(r.Context(), v.Editor, form.Get("present"), d.network(r))
	words := d.Words(r)
	switch {
	case errors.Is(err, ErrPassword):
		return d.showMe(w, r, http.StatusUnprocessableEntity, words["error_present"])
	case errors.Is(err, ErrMany):
		return d.showMe(w, r, http.StatusTooManyRequests, words["signin_many"])
	case err != nil:
		return err
	}
	if err := checkPassword(form.Get("password"), v.Editor); err != nil {
		return d.showMe(w, r, http.StatusUnprocessableEntity, passwordWords(words, err))
	}
	if err := d.Editors.SetPassword(r.Context(), v.Editor, form.Get("password"), v.session); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/me", "password")
}

func (d *Desk) endSession(w http.ResponseWriter, r *http.Request) error {
	id, err := database.ParseID(r.PathValue("id"))
	if err != nil {
		return ErrNoEditor
	}
	v := visiting(r.Context())
	if err := d.Editors.SignOut(r.Context(), v.ID, id); err != nil {
		return err
	}
	if err := d.Audit(r, "session.end", id.String()); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/me", "session")
}

// HasPassword reports whether an editor can sign in by a password.
func (s *Editors) HasPassword(ctx context.Context, id database.ID) (bool, error) {
	var has bool
	if err := s.db.QueryRow(ctx, `SELECT password <> '' FROM editors WHERE id = $1`, id).Scan(&has); err != nil {
		return false, fmt.Errorf("desk: editor %s: %w", id, err)
	}
	return has, nil
}

// CheckPassword is nil where an editor's present password is given, or where they
// have none. Tries are counted as those at the door are.
func (s *Editors) CheckPassword(ctx context.Context, e Editor, password, network string) error {
	var sealed string
	if err := s.db.QueryRow(ctx, `SELECT password FROM editors WHERE id = $1`, e.ID).Scan(&sealed); err != nil {
		return fmt.Errorf("desk: editor %s: %w", e.ID, err)
	}
	if sealed == "" {
		return nil
	}
	if err := s.try(ctx, e.Email, network); err != nil {
		return err
	}
	good, err := opens(ctx, sealed, password)
	if err == nil && !good {
		err = ErrPassword
	}
	return err
}

// bookmarklet opens the page on which somebody adds what they are reading. It
// hands over an address and a title; the button on that page does the rest, so
// another site that opens it has done nothing.
func (d *Desk) bookmarklet() template.URL {
	return template.URL("javascript:void open('" + d.BaseURL + "/desk/add?url='+encodeURIComponent(location.href)+'&title='+encodeURIComponent(document.title),'_blank','noopener')")
}
