package desk

import (
	"context"
	"database/sql"
	"errors"
	"net/http"

	"apta/newsletter/notice"
)

// post is the letter function of the desk: a notice of its main newsletter.
func (d *Desk) post(ctx context.Context, tx *sql.Tx, n notice.Notice) error {
	n.Newsletter = d.Newsletters[0].Slug
	return d.Notices.AddTx(ctx, tx, n)
}

func (d *Desk) linkTo(path string) func(string) string {
	return func(secret string) string { return d.BaseURL + path + secret }
}

// askLink has a link mailed. It says the same to everybody.
func (d *Desk) askLink(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	next := inside(form.Get("next"))
	browser, err := d.Editors.AskLink(r.Context(), form.Get("email"), next, d.network(r), d.linkTo("/desk/link/"), d.post)
	v := d.signInView(r, form.Get("email"), next)
	switch {
	case errors.Is(err, ErrMany):
		v.Problem = v.Words["signin_many_links"]
		return d.Write(w, r, http.StatusTooManyRequests, "signin.html", v)
	case err != nil && browser == "" && !isAddress(form.Get("email")):
		v.Problem = v.Words["error_email"]
		return d.Write(w, r, http.StatusUnprocessableEntity, "signin.html", v)
	case err != nil:
		return err
	}
	d.setCookie(w, "asked", browser, int(signInLife.Seconds()))
	http.Redirect(w, r, "/desk/signin/sent", http.StatusSeeOther)
	return nil
}

func isAddress(text string) bool { _, err := address(text); return err == nil }

func (d *Desk) linkSent(w http.ResponseWriter, r *http.Request) error {
	v := message{Frame: d.Frame(r, "", "sent_link_title")}
	v.Text, v.Detail = v.Words["sent_link_text"], v.Words["sent_link_detail"]
	return d.Write(w, r, http.StatusOK, "message.html", v)
}

// linkView is the page that a mailed link opens: a button, so that a scanner which
// follows links signs nobody in and uses nothing up.
type linkView struct {
	Frame
	Action string
}

func (d *Desk) askUseLink(w http.ResponseWriter, r *http.Request) error {
	return d.Write(w, r, http.StatusOK, "link.html", linkView{d.Frame(r, "", "signin_title"), r.URL.Path})
}

func (d *Desk) useLink(w http.ResponseWriter, r *http.Request) error {
	browser := ""
	if c, err := r.Cookie(d.cookie("asked")); err == nil {
		browser = c.Value
	}
	secret, next, err := d.Editors.UseLink(r.Context(), r.PathValue("link"), browser, r.UserAgent(), d.network(r))
	if err != nil {
		return err
	}
	d.setCookie(w, "asked", "", -1)
	d.setSession(w, secret)
	http.Redirect(w, r, inside(next), http.StatusSeeOther)
	return nil
}

func (d *Desk) askAccept(w http.ResponseWriter, r *http.Request) error {
	e, err := d.Editors.Invited(r.Context(), r.PathValue("link"))
	if err != nil {
		return err
	}
	v := ownView{Frame: d.Frame(r, "", "invited_title"), Action: r.URL.Path, Name: e.Name, Email: e.Email, Fixed: true}
	return d.Write(w, r, http.StatusOK, "own.html", v)
}

func (d *Desk) accept(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	e, err := d.Editors.Invited(r.Context(), r.PathValue("link"))
	if err != nil {
		return err
	}
	v := ownView{Frame: d.Frame(r, "", "invited_title"), Action: r.URL.Path, Name: form.Get("name"), Email: e.Email, Fixed: true, Errors: map[string]string{}}
	read, good := v.read(form.Get("password"))
	if !good {
		return d.Write(w, r, http.StatusUnprocessableEntity, "own.html", v)
	}
	secret, err := d.Editors.Accept(r.Context(), r.PathValue("link"), read.Name, form.Get("password"), r.UserAgent(), d.network(r))
	if err != nil {
		return err
	}
	d.setSession(w, secret)
	http.Redirect(w, r, "/desk/", http.StatusSeeOther)
	return nil
}
