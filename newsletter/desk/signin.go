package desk

import (
	"errors"
	"net/http"

	"apta/templates"
)

// signInView is the form at the door.
type signInView struct {
	Frame
	Email, Next string
	Problem     string
	Passkeys    bool
	Provider    string // the name of the identity provider; empty where there is none
}

func (d *Desk) signInView(r *http.Request, email, next string) signInView {
	v := signInView{Frame: d.Frame(r, "", "signin_title"), Email: email, Next: inside(next)}
	if v.Passkeys = d.party != nil; v.Passkeys {
		v.Scripts = []string{"passkey.js"}
	}
	if d.Identity != nil {
		v.Provider = d.Identity.Name
	}
	return v
}

func (d *Desk) askSignIn(w http.ResponseWriter, r *http.Request) error {
	next := inside(r.URL.Query().Get("next"))
	if From(r.Context()).ID != 0 {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	return d.Write(w, r, http.StatusOK, "signin.html", d.signInView(r, "", next))
}

func (d *Desk) signIn(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	v := d.signInView(r, form.Get("email"), form.Get("next"))
	secret, err := d.Editors.SignIn(r.Context(), form.Get("email"), form.Get("password"), r.UserAgent(), d.network(r))
	status := http.StatusUnprocessableEntity
	switch {
	case errors.Is(err, ErrMany):
		status, v.Problem = http.StatusTooManyRequests, v.Words["signin_many"]
	case errors.Is(err, ErrPassword):
		v.Problem = v.Words["signin_wrong"]
	case err != nil:
		return err
	default:
		d.setSession(w, secret)
		http.Redirect(w, r, v.Next, http.StatusSeeOther)
		return nil
	}
	return d.Write(w, r, status, "signin.html", v)
}

func (d *Desk) signOut(w http.ResponseWriter, r *http.Request) error {
	v := visiting(r.Context())
	if err := d.Editors.SignOut(r.Context(), v.ID, v.session); err != nil {
		return err
	}
	d.setCookie(w, "desk", "", -1)
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	http.Redirect(w, r, "/desk/signin", http.StatusSeeOther)
	return nil
}

// passwordWords says what is wrong with a new password.
func passwordWords(words templates.Words, err error) string {
	switch {
	case errors.Is(err, errShort):
		return words["error_short"]
	case errors.Is(err, errLong):
		return words["error_long"]
	}
	return words["error_plain"]
}
