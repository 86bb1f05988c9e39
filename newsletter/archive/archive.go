// Package archive shows the published issues to everyone: a page that lists
// them and a page for each. It needs no script and asks no other host for anything.
package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"apta/newsletter"
	"apta/newsletter/render"
	"apta/templates"
)

// shown is how many issues the front page lists: about four years.
const shown = 200

// Site serves the public pages of a newsletter. It is safe for concurrent use.
type Site struct {
	store    *newsletter.Store
	renderer *render.Renderer
	masthead newsletter.Masthead
	pages    *template.Template
	words    map[string]templates.Words
	log      *slog.Logger
}

// New reads the templates.
func New(store *newsletter.Store, r *render.Renderer, m newsletter.Masthead, log *slog.Logger) (*Site, error) {
	pages, err := templates.Public()
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	words, err := templates.Locales()
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return &Site{store: store, renderer: r, masthead: m, pages: pages, words: words, log: log}, nil
}

// Register adds the pages to a mux: /, /{newsletter}, /{newsletter}/{week}, the
// assets, and for every other path a page that says there is none.
func (s *Site) Register(mux *http.ServeMux) error {
	assets, err := templates.Assets()
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	for _, a := range assets {
		mux.HandleFunc("GET "+a.Path, serveAsset(a))
	}
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /"+s.masthead.Slug, s.index)
	mux.HandleFunc("GET /"+s.masthead.Slug+"/{week}", s.issue)
	mux.HandleFunc("GET /", s.notFound)
	return nil
}

// page is what every template of these pages sees.
type page struct {
	Title, Description, Name, Newsroom, Postal, BaseURL string
	Canonical                                           string
	Words                                               templates.Words

	Issues []entry // the front page

	Issue      newsletter.Issue // an issue's page
	Dates      string
	Paragraphs []template.HTML
	Latest     []render.Story

	Heading, Text string // a page of a few words
	Button        string
	Home          bool
}

// entry is one issue in the list.
type entry struct{ URL, Title, Dates, Opening, Language string }

func (s *Site) page(title, language string) page {
	m := s.masthead
	return page{Title: title, Name: m.Name, Newsroom: m.Newsroom, Postal: m.Postal, BaseURL: m.BaseURL, Words: templates.In(s.words, language)}
}

func (s *Site) index(w http.ResponseWriter, r *http.Request) {
	issues, err := s.store.Published(r.Context(), s.masthead.Slug, shown)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	p := s.page(s.masthead.Name, s.masthead.Language)
	p.Canonical = s.masthead.BaseURL + "/"
	for _, i := range issues {
		e := entry{
			URL:      s.masthead.IssueURL(i),
			Title:    render.OneLine(i.Title),
			Dates:    render.Dates(templates.In(s.words, i.Language), i, s.masthead.Zone),
			Language: i.Language,
		}
		if len(i.Strands) > 0 {
			e.Opening = i.Strands[0].Text
		}
		p.Issues = append(p.Issues, e)
	}
	s.write(w, r, http.StatusOK, "index.html", p)
}

func (s *Site) issue(w http.ResponseWriter, r *http.Request) {
	issue, err := s.store.ByWeek(r.Context(), s.masthead.Slug, r.PathValue("week"))
	if errors.Is(err, newsletter.ErrNotFound) || err == nil && issue.Week != r.PathValue("week") {
		s.notFound(w, r) // the store finds an issue by its ID too; the public address is the week's only
		return
	}
	if err != nil {
		s.failed(w, r, err)
		return
	}
	p := s.page(render.OneLine(issue.Title)+" · "+s.masthead.Name, issue.Language)
	p.Description, p.Canonical = issue.Standfirst, s.masthead.IssueURL(issue)
	p.Issue, p.Dates, p.Latest = issue, render.Dates(p.Words, issue, s.masthead.Zone), render.Latest(issue)
	if p.Paragraphs, err = s.renderer.Paragraphs(issue); err != nil {
		s.failed(w, r, err)
		return
	}
	s.write(w, r, http.StatusOK, "issue.html", p)
}

func (s *Site) notFound(w http.ResponseWriter, r *http.Request) {
	p := s.page(s.masthead.Name, s.masthead.Language)
	p.Heading, p.Text, p.Home = p.Words["not_found"], p.Words["not_found_text"], true
	s.write(w, r, http.StatusNotFound, "message.html", p)
}

func (s *Site) failed(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		return // nobody waits for the answer
	}
	s.log.Error("a page failed", "path", r.URL.Path, "err", err)
	p := s.page(s.masthead.Name, s.masthead.Language)
	p.Heading, p.Text, p.Home = p.Words["error_title"], p.Words["error_text"], true
	s.write(w, r, http.StatusInternalServerError, "message.html", p)
}

// write executes a template whole before it sends a byte, so that an error is
// never half a page.
func (s *Site) write(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, name, p); err != nil {
		s.log.Error("a template failed", "template", name, "err", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	if status != http.StatusOK {
		h.Set("Cache-Control", "no-store") // the issue may be out a minute later
		w.WriteHeader(status)
		w.Write(b.Bytes())
		return
	}
	h.Set("ETag", etag(b.Bytes()))
	h.Set("Cache-Control", "public, max-age=60")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b.Bytes()))
}
