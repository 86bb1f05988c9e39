// Package pages is where subscribers manage their own subscription. Their links
// need no password, so they say nothing that a link's finder should not read,
// and looking at a page changes nothing.
package pages

import (
	"bytes"
	"cmp"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"apta/subscribers"
	"apta/templates"
)

// Masthead says whose pages these are.
type Masthead struct {
	Name, Newsroom, Postal, BaseURL, Language string
}

// Pages serves subscribers. It is safe for concurrent use.
type Pages struct {
	store    *subscribers.Store
	keys     *subscribers.Keys
	masthead Masthead
	pages    *template.Template
	words    map[string]templates.Words
	log      *slog.Logger
}

// New reads the templates.
func New(store *subscribers.Store, keys *subscribers.Keys, m Masthead, log *slog.Logger) (*Pages, error) {
	pages, err := templates.Public()
	if err != nil {
		return nil, err
	}
	words, err := templates.Locales()
	if err != nil {
		return nil, err
	}
	return &Pages{store: store, keys: keys, masthead: m, pages: pages, words: words, log: log}, nil
}

// Register adds the pages to a mux: /u/{token} to unsubscribe and /p/{token} for
// preferences.
func (p *Pages) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /u/{token}", p.askToLeave)
	mux.HandleFunc("POST /u/{token}", p.leave)
	mux.HandleFunc("GET /p/{token}", p.preferences)
}

// view is what the templates see.
type view struct {
	Title, Description, Name, Newsroom, Postal, BaseURL string
	Words                                               templates.Words
	Heading, Text                                       string
	Button, Action, Field                               string
	Quiet, Home                                         bool
	Subscriber                                          subscribers.Subscriber
}

// view fills in what every page has; heading and text are keys of the words.
func (p *Pages) view(language, heading, text string) view {
	m, words := p.masthead, templates.In(p.words, cmp.Or(language, p.masthead.Language))
	name := strings.NewReplacer("{name}", m.Name)
	return view{Title: m.Name, Name: m.Name, Newsroom: m.Newsroom, Postal: m.Postal, BaseURL: m.BaseURL, Words: words,
		Heading: name.Replace(words[heading]), Text: name.Replace(words[text])}
}

func (p *Pages) reader(r *http.Request, purpose subscribers.Purpose) (subscribers.Subscriber, error) {
	return p.store.Reader(r.Context(), purpose, r.PathValue("token"))
}

func (p *Pages) askToLeave(w http.ResponseWriter, r *http.Request) {
	sub, err := p.reader(r, subscribers.PurposeUnsubscribe)
	if err != nil {
		p.refuse(w, err)
		return
	}
	switch sub.Status {
	case subscribers.Unsubscribed, subscribers.Complained, subscribers.Suppressed, subscribers.Erased:
		p.showLeft(w, r, sub)
		return
	}
	v := p.view(sub.Language, "leave_title", "leave_text")
	v.Button, v.Action, v.Field = v.Words["leave_button"], r.URL.Path, "leave"
	p.write(w, http.StatusOK, "message.html", v)
}

// maxForm bounds a posted form, in bytes.
const maxForm = 4 << 10

// leave is both the one-click request of RFC 8058, which a mail provider posts
// without cookie or login, and the buttons of the page.
func (p *Pages) leave(w http.ResponseWriter, r *http.Request) {
	sub, err := p.reader(r, subscribers.PurposeUnsubscribe)
	if err != nil {
		p.refuse(w, err)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	words := templates.In(p.words, cmp.Or(sub.Language, p.masthead.Language))
	consent := subscribers.Consent{Source: "unsubscribe page", Network: p.network(r)}
	to := subscribers.Unsubscribed
	switch r.PostFormValue("page") {
	case "stay":
		to, consent.Wording = subscribers.Active, words["stay_button"]
	case "leave":
		consent.Wording = words["leave_button"]
	default:
		consent.Source = "one-click"
		if r.PostFormValue("List-Unsubscribe") == "One-Click" {
			consent.Wording = "List-Unsubscribe=One-Click" // RFC 8058, 3.1
		}
	}
	if sub.Status == subscribers.Erased || sub.Status == subscribers.Suppressed {
		p.showLeft(w, r, sub)
		return
	}
	if _, err := p.store.SetStatus(r.Context(), sub.ID, to, consent); err != nil {
		p.refuse(w, err)
		return
	}
	if to == subscribers.Unsubscribed {
		p.showLeft(w, r, sub)
		return
	}
	v := p.view(sub.Language, "back_title", "back_text")
	v.Home = true
	p.write(w, http.StatusOK, "message.html", v)
}

// network is that of a visitor, as the consent log keeps it.
func (p *Pages) network(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return p.store.Network(from.Addr())
}

func (p *Pages) showLeft(w http.ResponseWriter, r *http.Request, sub subscribers.Subscriber) {
	v := p.view(sub.Language, "left_title", "left_text")
	if sub.Status != subscribers.Erased && sub.Status != subscribers.Suppressed { // those cannot be brought back
		v.Button, v.Action, v.Field, v.Quiet = v.Words["stay_button"], r.URL.Path, "stay", true
	}
	p.write(w, http.StatusOK, "message.html", v)
}

func (p *Pages) preferences(w http.ResponseWriter, r *http.Request) {
	sub, err := p.reader(r, subscribers.PurposePreferences)
	if err == nil && sub.Status == subscribers.Erased {
		err = subscribers.ErrToken
	}
	if err != nil {
		p.refuse(w, err)
		return
	}
	v := p.view(sub.Language, "prefs_title", "")
	v.Subscriber = sub
	v.Button, v.Field = v.Words["leave_button"], "leave"
	v.Action = "/u/" + p.keys.Token(subscribers.PurposeUnsubscribe, sub.ID, sub.Generation)
	p.write(w, http.StatusOK, "preferences.html", v)
}

// refuse answers a link that is not valid, or says that something broke.
func (p *Pages) refuse(w http.ResponseWriter, err error) {
	if errors.Is(err, subscribers.ErrToken) {
		p.write(w, http.StatusNotFound, "message.html", p.view("", "invalid_title", "invalid_text"))
		return
	}
	p.log.Error("a subscriber's page failed", "err", err)
	p.write(w, http.StatusInternalServerError, "message.html", p.view("", "error_title", "error_text"))
}

func (p *Pages) write(w http.ResponseWriter, status int, name string, v view) {
	var b bytes.Buffer
	if err := p.pages.ExecuteTemplate(&b, name, v); err != nil {
		p.log.Error("a template failed", "template", name, "err", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer") // the address of the page is the reader's key
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}
