package desk

import (
	"net/http"

	"apta/subscribers/database"
)

// peopleView is the page of those who work at the desk.
type peopleView struct {
	Frame
	Editors     []Editor
	Roles       []Role
	Invitations []Invitation
	Email, Name string // of an invitation that could not be made
	Problem     string
}

func (d *Desk) people(w http.ResponseWriter, r *http.Request) error {
	return d.showPeople(w, r, http.StatusOK, peopleView{})
}

func (d *Desk) showPeople(w http.ResponseWriter, r *http.Request, status int, v peopleView) (err error) {
	v.Frame, v.Roles = d.Frame(r, "people", "place_people"), Roles[:]
	if v.Editors, err = d.Editors.List(r.Context()); err != nil {
		return err
	}
	if v.Invitations, err = d.Editors.Invitations(r.Context()); err != nil {
		return err
	}
	return d.Write(w, r, status, "people.html", v)
}

func (d *Desk) invite(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	v := peopleView{Email: form.Get("email"), Name: form.Get("name")}
	role, err := ParseRole(form.Get("role"))
	if err != nil {
		return errForm
	}
	if !isAddress(v.Email) {
		v.Problem = d.Words(r)["error_email"]
		return d.showPeople(w, r, http.StatusUnprocessableEntity, v)
	}
	e := Editor{Email: v.Email, Name: short(v.Name, 100), Role: role, Language: d.Words(r)["tag"]}
	if _, err := d.Editors.Invite(r.Context(), From(r.Context()), e, d.linkTo("/desk/invited/"), d.post); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/people", "invited")
}

func (d *Desk) uninvite(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	if err := d.Editors.Uninvite(r.Context(), From(r.Context()), form.Get("email")); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/people", "uninvited")
}

// person is the ID in a path.
func person(r *http.Request) (database.ID, error) {
	id, err := database.ParseID(r.PathValue("id"))
	if err != nil {
		return 0, ErrNoEditor
	}
	return id, nil
}

func (d *Desk) setRole(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	id, err := person(r)
	if err != nil {
		return err
	}
	role, err := ParseRole(form.Get("role"))
	if err != nil {
		return errForm
	}
	if err := d.Editors.SetRole(r.Context(), From(r.Context()), id, role); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/people", "role")
}

func (d *Desk) removeEditor(w http.ResponseWriter, r *http.Request) error {
	id, err := person(r)
	if err != nil {
		return err
	}
	if err := d.Editors.Remove(r.Context(), From(r.Context()), id); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/people", "removed")
}

func (d *Desk) signOutEditor(w http.ResponseWriter, r *http.Request) error {
	id, err := person(r)
	if err != nil {
		return err
	}
	e, err := d.Editors.Find(r.Context(), id.String())
	if err != nil {
		return err
	}
	if err := d.Editors.SignOutAll(r.Context(), id, visiting(r.Context()).session); err != nil {
		return err
	}
	if err := d.Audit(r, "editor.signout", e.Email); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/people", "signed_out")
}
