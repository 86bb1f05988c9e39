package desk

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/newsletter/intake/feeds"
	"apta/newsletter/webhooks"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/pages"
)

// A Handler is a page's: what it could not do, the desk says.
type Handler func(http.ResponseWriter, *http.Request) error

// Require lets through editors whose role includes least; From gives the page
// who they are. Others are asked to sign in and come back.
func (d *Desk) Require(least Role, page Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := d.visitor(r)
		switch {
		case errors.Is(err, ErrNoEditor):
			d.askWho(w, r)
			return
		case err == nil && !v.Role.Has(least):
			err = errRole
			if r.Method != http.MethodGet {
				err = errors.Join(err, d.Editors.Audit(r.Context(), v.Editor, "refused", r.Method+" "+r.URL.Path, d.network(r)))
			}
		}
		r = r.WithContext(context.WithValue(r.Context(), editorKey{}, v))
		if err == nil {
			err = page(w, r)
		}
		if err != nil {
			d.fail(w, r, err)
		}
	})
}

// open lets everybody through; who is signed in is known all the same.
func (d *Desk) open(page Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := d.visitor(r)
		if err == nil {
			r = r.WithContext(context.WithValue(r.Context(), editorKey{}, v))
		} else if errors.Is(err, ErrNoEditor) {
			err = nil
		}
		if err == nil {
			err = page(w, r)
		}
		if err != nil {
			d.fail(w, r, err)
		}
	})
}

func (d *Desk) visitor(r *http.Request) (visit, error) {
	c, err := r.Cookie(d.cookie("desk"))
	if err != nil {
		return visit{}, ErrNoEditor
	}
	return d.Editors.signedIn(r.Context(), c.Value)
}

// cookie is a cookie's name. With https it has the prefix that keeps other hosts
// of the same domain from setting it.
func (d *Desk) cookie(name string) string {
	if d.secure {
		return "__Host-apta-" + name
	}
	return "apta-" + name
}

// setCookie sets a cookie for so many seconds; less than 0 removes it. Lax: a
// link in a mail to an editor is to find them signed in.
func (d *Desk) setCookie(w http.ResponseWriter, name, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{Name: d.cookie(name), Value: value, Path: "/", MaxAge: seconds, Secure: d.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (d *Desk) setSession(w http.ResponseWriter, secret string) {
	d.setCookie(w, "desk", secret, int(sessionLife.Seconds()))
}

// askWho sends a page's visitor to the sign-in. A part of a page, or a form, is
// told only that nobody is signed in: its text is still in the browser.
func (d *Desk) askWho(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.Header.Get("HX-Request") == "" && !strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		http.Redirect(w, r, "/desk/signin?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return
	}
	d.fail(w, r, errNobody)
}

// inside gives the address to which somebody goes after signing in: a page of the
// desk, whatever the request says.
func inside(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/desk/") || strings.ContainsAny(next, "\\\r\n\t") || strings.Contains(u.Path, "//") {
		return "/desk/"
	}
	return u.RequestURI()
}

// What is wrong with a request itself.
var (
	errForeign = errors.New("it came from another site")
	errForm    = errors.New("the form is too large or not UTF-8")
	errRole    = errors.New("the editor's role does not allow it")
	errNobody  = errors.New("nobody is signed in")

	errStale    = errors.New("the editor signed in too long ago for this")
	errIdentity = errors.New("the identity provider names no editor of ours")
)

// fail answers with what went wrong and what to do.
func (d *Desk) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody waits for the answer
	}
	status, key := http.StatusInternalServerError, "broken"
	for _, known := range []struct {
		err    error
		status int
		key    string
	}{
		{errForeign, http.StatusForbidden, "foreign"},
		{errRole, http.StatusForbidden, "role"},
		{errNobody, http.StatusUnauthorized, "nobody"},
		{errForm, http.StatusBadRequest, "form"},
		{ErrLink, http.StatusGone, "link"},
		{errStale, http.StatusForbidden, "stale"},
		{ErrMany, http.StatusTooManyRequests, "many"},
		{errIdentity, http.StatusForbidden, "identity"},
		{newsletter.ErrNotFound, http.StatusNotFound, "missing"},
		{ErrNoEditor, http.StatusNotFound, "missing"},
		{subscribers.ErrNotFound, http.StatusNotFound, "missing"},
		{feeds.ErrNotFound, http.StatusNotFound, "missing"},
		{webhooks.ErrNotFound, http.StatusNotFound, "missing"},
		{newsletter.ErrStatus, http.StatusConflict, "elsewhere"},
		{delivery.ErrState, http.StatusConflict, "elsewhere"},
		{ErrLastOwner, http.StatusConflict, "last_owner"},
		{ErrTaken, http.StatusConflict, "taken"},
	} {
		if errors.Is(err, known.err) {
			status, key = known.status, known.key
			break
		}
	}
	if status == http.StatusInternalServerError {
		d.Log.Error("a page of the desk failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	v := message{Frame: d.Frame(r, "", "fail_"+key), Text: d.Words(r)["fail_"+key+"_text"]}
	if status == http.StatusConflict {
		v.Detail = err.Error()
	}
	if err := d.Write(w, r, status, "message.html", v); err != nil {
		d.Log.Error("a page of the desk failed", "path", r.URL.Path, "err", err)
		http.Error(w, http.StatusText(status), status)
	}
}

// message is a page of a heading and a sentence.
type message struct {
	Frame
	Text, Detail string
}

// nothing answers for an address at which there is no page.
func (d *Desk) nothing(http.ResponseWriter, *http.Request) error { return newsletter.ErrNotFound }

// maxForm bounds a posted form, in bytes: a week's text, pasted from anywhere, is
// much smaller than this.
const maxForm = 4 << 20

// Form reads a posted form.
func (d *Desk) Form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	values, ok := pages.ReadForm(w, r, maxForm)
	if !ok {
		return nil, errForm
	}
	return values, nil
}

// Issue gives the issue that a path names by its ID, where it is one of a
// newsletter that is made at this desk.
func (d *Desk) Issue(r *http.Request) (newsletter.Issue, error) {
	id, err := database.ParseID(r.PathValue("id"))
	if err != nil {
		return newsletter.Issue{}, newsletter.ErrNotFound
	}
	i, err := d.Store.Issue(r.Context(), "", id.String())
	if err != nil {
		return i, err
	}
	for _, n := range d.Newsletters {
		if n.Slug == i.Newsletter {
			return i, nil
		}
	}
	return newsletter.Issue{}, newsletter.ErrNotFound
}
