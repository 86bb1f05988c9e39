package archive

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"net/http"

	"apta/newsletter"
	"apta/newsletter/render"
	"apta/templates"
)

// page is what every template of these pages sees.
type page struct {
	Title, Description, Name, Newsroom, Postal, BaseURL string
	Canonical                                           string
	Front, Subscribe                                    string // addresses of the front page and of the form
	Root                                                string // address of the newsletter's pages
	Path                                                string // its path alone, for forms
	Words                                               templates.Words

	Translations []translation // the page in every language, where it is there in several

	Issues []entry  // the front page, a year, or what a search found
	Years  []string // that have issues, the latest first
	Year   string   // that of this page

	Query string // as the reader wrote it
	Found string // what came of it, in a sentence

	Issue          newsletter.Issue // an issue's page
	Published      string           // RFC 3339
	Card           string           // address of the issue's picture
	Dates          string
	Paragraphs     []template.HTML
	Latest         []render.Story
	Earlier, Later *entry // its neighbours

	Heading, Text string // a page of a few words
	Button        string
	Home          bool
}

// entry is one issue in a list.
type entry struct {
	URL, Title, Dates, Opening, Language string
	Marked, Snippet                      []fragment // title and text with the words that were looked for
}

func (s *Site) page(title, language string) page {
	m := s.masthead
	return page{Title: title, Name: m.Name, Newsroom: m.Newsroom, Postal: m.Postal, BaseURL: m.BaseURL,
		Front: m.FrontURL(), Subscribe: s.subscribe(), Root: s.root(), Path: s.path(), Words: templates.In(s.words, language)}
}

func (s *Site) entry(i newsletter.Issue) entry {
	e := entry{
		URL:      s.masthead.IssueURL(i),
		Title:    render.OneLine(i.Title),
		Dates:    render.Dates(templates.In(s.words, i.Language), i, s.masthead.Zone),
		Language: i.Language,
	}
	if len(i.Strands) > 0 {
		e.Opening = render.OneLine(i.Strands[0].Text)
	}
	return e
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

// policy lets a page load its style sheet and nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

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
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	if status != http.StatusOK {
		h.Set("Cache-Control", "no-store") // the issue may be out a minute later
	}
	w.WriteHeader(status)
	w.Write(b.Bytes())
}
