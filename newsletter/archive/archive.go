// Package archive shows the published issues to everyone: pages of issues and
// years, a search, feeds, a map for search engines and a picture of each issue.
// It needs no script, asks no other host for anything, and knows no reader: what
// it shows is made from the issue, not from a mail, and has no reader slots.
package archive

import (
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"sync"

	"apta/newsletter"
	"apta/newsletter/render"
	"apta/templates"
)

// Site serves the public pages of a newsletter, or of one of its languages. It is safe for concurrent use.
type Site struct {
	store    *newsletter.Store
	renderer *render.Renderer
	masthead newsletter.Masthead
	language string // of the issues that it shows; empty is every one
	pages    *template.Template
	words    map[string]templates.Words
	cards    *cards
	shelf    shelf
	writers  sync.Pool // of *gzip.Writer
	log      *slog.Logger
}

// New reads the templates and fonts.
func New(store *newsletter.Store, r *render.Renderer, m newsletter.Masthead, log *slog.Logger) (*Site, error) {
	pages, err := templates.Public()
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	words, err := templates.Locales()
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	cards, err := newCards()
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	s := &Site{store: store, renderer: r, masthead: m, pages: pages, words: words, cards: cards, log: log}
	if len(m.Languages) > 1 {
		s.language = m.Language
	}
	return s, nil
}

// Register adds the pages to a mux: the newest issues at / and /{newsletter}, an
// issue at /{newsletter}/{week} with its picture below it, a year at
// /{newsletter}/{year}, search, feeds and assets, and for every other path a page
// that says there is none. The others are those of further languages, whose pages
// are at /{newsletter}/{language} and below it, and of further newsletters.
func (s *Site) Register(mux *http.ServeMux, others ...*Site) error {
	assets, err := templates.Assets()
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	for _, a := range assets {
		mux.HandleFunc("GET "+a.Path, serveAsset(a))
	}
	mux.HandleFunc("GET /{$}", s.kept(s.front))
	mux.HandleFunc("GET /robots.txt", s.fresh(robots(append([]*Site{s}, others...))))
	mux.HandleFunc("GET "+newsletter.PicturePath+"{name}", s.picture)
	mux.HandleFunc("GET /sitemap.xml", s.kept(s.sitemap))
	mux.HandleFunc("GET /", s.fresh(s.notFound))
	s.registerOwn(mux)
	for _, o := range others {
		o.registerOwn(mux)
		if o.masthead.Further && o.path() == "/"+o.masthead.Slug {
			mux.HandleFunc("GET "+o.path()+"/sitemap.xml", o.kept(o.sitemap))
		}
	}
	return nil
}

// registerOwn adds the pages that are below the newsletter's or language's path.
func (s *Site) registerOwn(mux *http.ServeMux) {
	own := "GET " + s.path()
	mux.HandleFunc(own, s.kept(s.front))
	mux.HandleFunc(own+"/{week}", s.kept(s.issueOrYear))
	mux.HandleFunc(own+"/{week}/{file}", s.beside) // not card.png alone: that would be at odds with /{language}/{week}
	mux.HandleFunc(own+"/search", s.fresh(s.search))
	mux.HandleFunc(own+"/atom.xml", s.kept(s.atom))
	mux.HandleFunc(own+"/feed.json", s.kept(s.jsonFeed))
}

// path is where the pages are below the base URL, and root their address.
func (s *Site) path() string { return s.masthead.Path(s.masthead.Language) }
func (s *Site) root() string { return s.masthead.BaseURL + s.path() }
