// Package pages is where people subscribe and where subscribers manage their own
// subscription. Readers' links need no password, so their pages say nothing that
// a link's finder should not read, and looking at a page changes nothing.
//
// The addresses, of which those behind a token are one reader's own:
//
//	/subscribe            the form; /subscribe/sent says to look into the inbox
//	/lost                 asks for the link to one's subscription
//	/api/subscriptions    the form for programs, in JSON (Subscriptions)
//	/c/{token}            confirms a subscription
//	/p/{token}            preferences, pause, change of address, download, erasure
//	/u/{token}            unsubscribes, by hand or by a mail provider (RFC 8058)
//	/o/{token} /n/{token} confirm a change of address, from the old one and the new
//
// Those of a further newsletter are below its path: /russian/subscribe. A link
// with a token has the same address in all of them: the token says whose it is.
package pages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
	"apta/templates"
)

// Masthead says whose pages these are.
type Masthead struct {
	Newsletter, Name, Newsroom, Postal, BaseURL, Language string

	Path  string         // of the newsletter's own pages below BaseURL, such as /russian; empty for the main one
	Front string         // the address of the page that these lead back to; BaseURL's own where empty
	Zone  *time.Location // in which days begin; UTC where nil
}

// Options are what an operator decides about the pages.
type Options struct {
	Masthead
	// Topics gives the themes that readers can choose from; nil is none.
	Topics func(context.Context) ([]string, error)
	// Received gives what was sent to a reader, for the copy of their data; nil
	// leaves it out.
	Received func(context.Context, database.ID) (any, error)
	// ProofBits is how hard the work is that a browser does before somebody can
	// subscribe: about 2^ProofBits hashes. 0 asks for none.
	ProofBits int
	// Visitor gives a visitor's address; nil takes the connection's.
	Visitor func(*http.Request) netip.Addr
	Now     func() time.Time // nil is time.Now
}

// Pages serves subscribers. It is safe for concurrent use.
type Pages struct {
	store   *subscribers.Store
	keys    *subscribers.Keys
	options Options
	pages   *template.Template
	words   map[string]templates.Words
	plurals *templates.Plurals
	tags    []string // of the languages, the newsletter's first
	cross   *http.CrossOriginProtection
	wrong   wrongs            // links of late
	others  map[string]*Pages // of further newsletters, by their slugs
	log     *slog.Logger
}

// New reads the templates.
func New(store *subscribers.Store, keys *subscribers.Keys, o Options, log *slog.Logger) (*Pages, error) {
	set, err := templates.Public()
	if err != nil {
		return nil, err
	}
	words, err := templates.Locales()
	if err != nil {
		return nil, err
	}
	plurals, err := templates.NewPlurals()
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Front == "" {
		o.Front = o.BaseURL + "/"
	}
	if o.Visitor == nil {
		o.Visitor = peer
	}
	p := &Pages{store: store, keys: keys, options: o, pages: set, words: words, plurals: plurals, cross: http.NewCrossOriginProtection(), log: log}
	p.tags = languages(words, o.Language)
	// Behind a proxy that changes the Host header, our own origin is not the request's.
	if err := p.cross.AddTrustedOrigin(origin(o.BaseURL)); err != nil {
		return nil, fmt.Errorf("pages: base URL: %w", err)
	}
	return p, nil
}

// Register adds the pages to a mux, with those of further newsletters.
func (p *Pages) Register(mux *http.ServeMux, others ...*Pages) {
	p.others = map[string]*Pages{}
	p.registerForms(mux)
	for _, o := range others {
		p.others[o.options.Newsletter] = o
		o.registerForms(mux)
	}
	mux.Handle("GET /c/{token}", p.theirs(subscribers.PurposeConfirm, (*Pages).askToConfirm))
	mux.Handle("POST /c/{token}", p.own(p.theirs(subscribers.PurposeConfirm, (*Pages).confirm)))
	mux.Handle("GET /p/{token}", p.theirs(subscribers.PurposePreferences, (*Pages).preferences))
	for path, do := range map[string]func(*Pages, http.ResponseWriter, *http.Request){"": (*Pages).choose, "/pause": (*Pages).pause,
		"/address": (*Pages).changeAddress, "/data": (*Pages).download, "/erase": (*Pages).erase} {
		mux.Handle("POST /p/{token}"+path, p.own(p.theirs(subscribers.PurposePreferences, do)))
	}
	mux.Handle("GET /u/{token}", p.theirs(subscribers.PurposeUnsubscribe, (*Pages).askToLeave))
	mux.Handle("POST /u/{token}", p.theirs(subscribers.PurposeUnsubscribe, (*Pages).leave)) // from mail providers too: see the method
	for path, purpose := range map[string]subscribers.Purpose{"/o/{token}": subscribers.PurposeChangeOld, "/n/{token}": subscribers.PurposeChangeNew} {
		mux.Handle("GET "+path, p.theirs(purpose, func(p *Pages, w http.ResponseWriter, r *http.Request) { p.askToMove(w, r, purpose) }))
		mux.Handle("POST "+path, p.own(p.theirs(purpose, func(p *Pages, w http.ResponseWriter, r *http.Request) { p.move(w, r, purpose) })))
	}
}

// registerForms adds what strangers may ask for, each newsletter's at its own path.
func (p *Pages) registerForms(mux *http.ServeMux) {
	at := p.options.Path
	mux.HandleFunc("GET "+at+"/subscribe", p.askToSubscribe)
	mux.HandleFunc("POST "+at+"/subscribe", p.subscribe) // from other sites too: see the method
	mux.HandleFunc("GET "+at+"/subscribe/sent", p.sent)
	mux.HandleFunc("GET "+at+"/lost", p.askForLink)
	mux.Handle("POST "+at+"/lost", p.own(p.lost))
	mux.HandleFunc("GET "+at+"/lost/sent", p.lostSent)
	if at != "" { // the main newsletter's is among the API's routes
		mux.HandleFunc("GET "+at+"/api/subscriptions", p.apiForm)
		mux.HandleFunc("POST "+at+"/api/subscriptions", p.apiSubscribe)
	}
}

// theirs has a reader's page be one of the newsletter that they read.
func (p *Pages) theirs(purpose subscribers.Purpose, do func(*Pages, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if p.guessed(r, purpose) {
			p.refuse(w, r, subscribers.ErrToken)
			return
		}
		if len(p.others) == 0 {
			do(p, w, r)
			return
		}
		slug, err := p.store.NewsletterOf(r.Context(), purpose, r.PathValue("token"))
		if err != nil {
			p.refuse(w, r, err)
			return
		}
		if other := p.others[slug]; other != nil {
			do(other, w, r)
			return
		}
		do(p, w, r)
	}
}

// own lets through what comes from our own pages or from no browser at all.
func (p *Pages) own(do http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.cross.Check(r) != nil {
			p.refuse(w, r, errForeign)
			return
		}
		do(w, r)
	})
}

// frame is what every page has.
type frame struct {
	Title, Description, Name, Newsroom, Postal, BaseURL string
	Front                                               string // where the page leads back to
	Words                                               templates.Words
	Script                                              string   // the page's own, of the assets
	Languages                                           []choice // in which the page is there too

	Heading, Text string
}

// choice is one of several things to choose from.
type choice struct {
	Value, Label string
	Chosen       bool
}

// frame fills in what every page has; heading and text are keys of the words.
func (p *Pages) frame(language, heading, text string) frame {
	o, words := p.options, templates.In(p.words, language)
	f := frame{Name: o.Name, Newsroom: o.Newsroom, Postal: o.Postal, BaseURL: o.BaseURL, Front: o.Front, Words: words,
		Heading: words.Fill(heading, "name", o.Name), Text: words.Fill(text, "name", o.Name)}
	f.Title = f.Heading + " · " + o.Name
	return f
}

// message is a page of a heading, a sentence and at most one button.
type message struct {
	frame
	Button, Action, Field string
	Quiet, Home           bool
}

// What is wrong with a request itself.
var (
	errForeign = errors.New("it came from another site")
	errForm    = errors.New("the form is too large or not UTF-8")
)

// refuse answers a link or a form that is not good and says what to do, or that
// something broke.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, key := http.StatusInternalServerError, "error"
	m := message{}
	switch {
	case errors.Is(err, subscribers.ErrToken):
		p.wrong.note(p.neighbours(r), p.options.Now())
		status, key = http.StatusNotFound, "invalid"
	case errors.Is(err, subscribers.ErrExpired), errors.Is(err, subscribers.ErrNotFound):
		status, key, m.Button, m.Action = http.StatusGone, "expired", "subscribe", p.options.Path+"/subscribe"
	case errors.Is(err, errForeign):
		status, key = http.StatusForbidden, "foreign"
	case errors.Is(err, errForm):
		status, key = http.StatusBadRequest, "refused"
	default:
		p.log.Error("a subscriber's page failed", "err", err)
	}
	tag := p.language(r)
	m.frame = p.frame(tag, key+"_title", key+"_text")
	if m.Button != "" {
		p.write(w, status, "ask.html", askView{frame: m.frame, Link: m.Action + "?lang=" + m.Words["tag"], Label: m.Words[m.Button]})
		return
	}
	p.write(w, status, "message.html", m)
}

// write executes a template and sends the page with the headers of a personal one.
func (p *Pages) write(w http.ResponseWriter, status int, name string, view any) {
	var b bytes.Buffer
	if err := p.pages.ExecuteTemplate(&b, name, view); err != nil {
		p.log.Error("a template failed", "template", name, "err", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	personal(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// personal keeps what is one reader's own out of caches, other sites and indexes.
func personal(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address of the page is the reader's key
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
}
