// Package desk is where editors make the week: a web desk behind a sign-in. This
// package is its frame (who is let in and may do what, what all pages share, the
// schedule, feeds, readers, settings, numbers); the screen on which an issue is
// made is a Room of its own.
//
// Pages are made by the server; htmx swaps parts of them. Looking at a page
// changes nothing, and whatever changes something is written down in the audit log.
package desk

import (
	"context"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"apta/newsletter"
	"apta/newsletter/api"
	"apta/newsletter/delivery"
	"apta/newsletter/intake/feeds"
	"apta/newsletter/notice"
	"apta/newsletter/render"
	"apta/newsletter/webhooks"
	"apta/templates"

	"github.com/go-webauthn/webauthn/webauthn"
)

// A Room is a part of the desk that another package brings. Register adds its
// pages, below /desk/, each behind d.Require.
type Room interface {
	Register(mux *http.ServeMux, d *Desk) error
}

// Options are what the desk works on.
type Options struct {
	Newsroom    string // its name
	BaseURL     string
	Language    string       // of who says nothing else
	Newsletters []Newsletter // the main one first
	Store       *newsletter.Store
	Editors     *Editors
	Steering    *delivery.Steering
	Notices     *notice.Store
	Renderer    *render.Renderer
	Ledger      *delivery.Ledger
	Feeds       *feeds.Poller
	Tokens      *api.Tokens
	Webhooks    *webhooks.Hooks
	ReadPage    func(ctx context.Context, address string) (newsletter.Item, error)
	Identity    *Identity // nil where there is no identity provider
	Week        Room      // the screen of an issue, /desk/issues/{id}; nil shows the issue and changes nothing
	// Visitor gives the address of who asks; nil takes the connection's.
	Visitor func(*http.Request) netip.Addr
	Now     func() time.Time
	Log     *slog.Logger
}

// Desk serves the editors' pages. It is safe for concurrent use.
type Desk struct {
	Options
	mux     *http.ServeMux
	pages   *template.Template
	words   map[string]templates.Words
	plurals *templates.Plurals
	cross   *http.CrossOriginProtection
	counted counted
	party   *webauthn.WebAuthn // of passkeys; nil where there can be none
	secure  bool               // browsers reach it by https only
}

// New reads the templates and puts the pages together.
func New(o Options) (*Desk, error) {
	pages, err := templates.Desk()
	if err != nil {
		return nil, err
	}
	words, plurals, err := templates.DeskLocales()
	if err != nil {
		return nil, err
	}
	d := &Desk{Options: o, mux: http.NewServeMux(), pages: pages, words: words, plurals: plurals,
		cross: http.NewCrossOriginProtection(), secure: strings.HasPrefix(o.BaseURL, "https:")}
	if d.Visitor == nil {
		d.Visitor = peer
	}
	base, err := url.Parse(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("desk: base URL: %w", err)
	}
	// Behind a proxy that changes the Host header, our own origin is not the request's.
	if err := d.cross.AddTrustedOrigin(base.Scheme + "://" + base.Host); err != nil {
		return nil, fmt.Errorf("desk: base URL: %w", err)
	}
	if d.party, err = passkeys(base, o.Newsroom); err != nil {
		return nil, fmt.Errorf("desk: passkeys: %w", err)
	}
	d.routes()
	if o.Week != nil {
		if err := o.Week.Register(d.mux, d); err != nil {
			return nil, fmt.Errorf("desk: %w", err)
		}
	} else {
		d.mux.Handle("GET /desk/issues/{id}", d.Require(Writer, d.showIssue))
	}
	return d, nil
}

func (d *Desk) routes() {
	d.mux.Handle("GET /desk/first/{link}", d.open(d.askFirst))
	d.mux.Handle("POST /desk/first/{link}", d.open(d.makeFirst))
	d.mux.Handle("GET /desk/signin", d.open(d.askSignIn))
	d.mux.Handle("POST /desk/signin", d.open(d.signIn))
	d.mux.Handle("POST /desk/signin/link", d.open(d.askLink))
	d.mux.Handle("GET /desk/signin/sent", d.open(d.linkSent))
	d.mux.Handle("GET /desk/oidc", d.open(d.toIdentity))
	d.mux.Handle("GET /desk/oidc/back", d.open(d.fromIdentity))
	d.mux.Handle("GET /desk/link/{link}", d.open(d.askUseLink))
	d.mux.Handle("POST /desk/link/{link}", d.open(d.useLink))
	d.mux.Handle("GET /desk/invited/{link}", d.open(d.askAccept))
	d.mux.Handle("POST /desk/invited/{link}", d.open(d.accept))
	d.mux.Handle("POST /desk/signout", d.Require(Writer, d.signOut))

	d.mux.Handle("GET /desk/me", d.Require(Writer, d.me))
	d.mux.Handle("POST /desk/me", d.Require(Writer, d.changeMe))
	d.mux.Handle("POST /desk/me/password", d.Require(Writer, d.changePassword))
	d.mux.Handle("POST /desk/me/sessions/{id}/end", d.Require(Writer, d.endSession))

	d.mux.Handle("GET /desk/people", d.Require(Owner, d.people))
	d.mux.Handle("POST /desk/people/invite", d.Require(Owner, d.invite))
	d.mux.Handle("POST /desk/people/uninvite", d.Require(Owner, d.uninvite))
	d.mux.Handle("POST /desk/people/{id}/role", d.Require(Owner, d.setRole))
	d.mux.Handle("POST /desk/people/{id}/signout", d.Require(Owner, d.signOutEditor))
	d.mux.Handle("POST /desk/people/{id}/remove", d.Require(Owner, d.removeEditor))
	d.feedRoutes()
	d.readerRoutes()
	d.settingRoutes()
	d.webhookRoutes()
	d.passkeyRoutes()
	d.lineRoutes()
	d.calendarRoutes()
	d.mux.Handle("GET /desk/numbers", d.Require(Writer, d.numbers))
	d.mux.Handle("GET /desk/audit", d.Require(Owner, d.auditLog))

	d.mux.Handle("GET /desk/{$}", d.Require(Writer, d.overview))
	d.mux.Handle("GET /desk/", d.Require(Writer, d.nothing))
}

// Register puts the desk into a site's mux.
func (d *Desk) Register(mux *http.ServeMux) {
	for _, method := range []string{"GET", "POST"} {
		mux.Handle(method+" /desk/", d)
	}
}

// ServeHTTP answers one request. Nothing it says is kept by anybody, shown in a
// frame, or told to another site.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer") // addresses hold links of one use
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "SAMEORIGIN") // for browsers that do not know frame-ancestors
	h.Set("X-Robots-Tag", "noindex")
	if err := d.cross.Check(r); err != nil {
		d.fail(w, r, errForeign)
		return
	}
	d.mux.ServeHTTP(w, r)
}

// policy lets a page load what is ours and nothing else. Frames of ours are the
// previews, which come with a policy of their own.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
	"manifest-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// peer is the address at the other end of the connection.
func peer(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr()
}

func (d *Desk) network(r *http.Request) string { return networkOf(d.Visitor(r)) }
