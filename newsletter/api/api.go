// Package api is the HTTP interface for other programs: JSON in and out, bearer
// tokens, and an OpenAPI file that says all of it. A new kind of thing is a new
// file with its routes, named in routes, and its paths in openapi.yaml.
package api

import (
	"context"
	_ "embed"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/newsletter/webhooks"
	"apta/subscribers"
	"apta/subscribers/database"
)

//go:embed openapi.yaml
var openAPI []byte

// A Newsroom does what needs the whole configuration, as the command line does it.
type Newsroom interface {
	// Approve freezes an issue as it stands. by is who is said to have done it.
	Approve(ctx context.Context, issue newsletter.Issue, by string) error
	// PullBack makes a draft again of an approved issue, before its send begins.
	PullBack(ctx context.Context, issue newsletter.Issue, by, why string) error
	// Hold keeps an issue from being sent until it is approved again.
	Hold(ctx context.Context, issue newsletter.Issue, by, why string) error
	// Start begins the send of an approved issue.
	Start(ctx context.Context, issue newsletter.Issue) error
}

// Options are what the API works on.
type Options struct {
	Newsletter string // its slug
	Language   string // its main one: of a week with several issues, the one in it is meant
	Store      *newsletter.Store
	Steering   *delivery.Steering
	Newsroom   Newsroom
	Readers    *subscribers.Store
	Received   func(ctx context.Context, reader database.ID) ([]delivery.Received, error) // what was sent to a reader
	Webhooks   *webhooks.Hooks
	Tokens     *Tokens
	Now        func() time.Time
	Log        *slog.Logger

	// Subscriptions answers /api/subscriptions, where everybody may subscribe.
	Subscriptions http.Handler
}

// API is the handler of everything under /api/.
type API struct {
	Options
	mux      *http.ServeMux
	failures *failures
	others   map[string]*API // of further newsletters, by their slugs
}

// route is one thing that can be asked for.
type route struct {
	pattern string // of http.ServeMux
	scope   Scope  // what the token must be good for
	handle  func(http.ResponseWriter, *http.Request) error
}

// New makes the API.
func New(o Options) *API {
	a := &API{Options: o, mux: http.NewServeMux(), failures: newFailures(o.Now)}
	for _, r := range a.routes() {
		a.mux.Handle(r.pattern, a.guard(r))
	}
	return a
}

func (a *API) routes() []route {
	own := []route{{"GET /api/openapi.yaml", Public, a.description}}
	return slices.Concat(own, a.issueRoutes(), a.itemRoutes(), a.readerRoutes(), a.suppressionRoutes(), a.webhookRoutes())
}

// Register puts the API into a site's mux. It is named method by method: a
// pattern for all methods would be at odds with a site's "GET /".
func (a *API) Register(mux *http.ServeMux, others ...*API) {
	a.others = map[string]*API{}
	for _, o := range others {
		a.others[o.Newsletter], o.failures = o, a.failures
	}
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		mux.Handle(method+" /api/", a)
	}
}

// ServeHTTP answers one request. Whatever it says is for the one who asked.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if slug := r.URL.Query().Get("newsletter"); slug != "" && slug != a.Newsletter {
		if other := a.others[slug]; other != nil {
			other.ServeHTTP(w, r)
			return
		}
		write(w, &Problem{Status: http.StatusNotFound, Detail: "there is no such newsletter here"})
		return
	}
	h, pattern := a.mux.Handler(r)
	if pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	// The mux knows whether the path or only the method is wrong.
	said := &silent{header: http.Header{}, status: http.StatusNotFound}
	h.ServeHTTP(said, r)
	if allow := said.header.Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
		write(w, &Problem{Status: http.StatusMethodNotAllowed, Detail: r.Method + " is not possible here, only " + allow})
		return
	}
	write(w, &Problem{Status: http.StatusNotFound, Detail: "there is nothing at this address; /api/openapi.yaml says what there is"})
}

// silent is a response that nobody gets.
type silent struct {
	header http.Header
	status int
}

func (s *silent) Header() http.Header         { return s.header }
func (s *silent) Write(b []byte) (int, error) { return len(b), nil }
func (s *silent) WriteHeader(status int)      { s.status = status }

func (a *API) description(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	_, err := w.Write(openAPI)
	return err
}

func writeJSON(w http.ResponseWriter, v any) error { return writeStatus(w, http.StatusOK, v) }

func writeStatus(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
