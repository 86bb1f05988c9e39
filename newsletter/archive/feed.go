package archive

import (
	"fmt"
	"html"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"apta/newsletter/render"
	"apta/subscribers/database"
	"apta/templates"
)

// inFeed is how many issues a feed carries, whole.
const inFeed = 20

// feedEntry is one issue as the feeds carry it.
type feedEntry struct {
	ID, URL, Card, Title, Summary, Language string
	HTML                                    string
	Published                               time.Time
}

// feedEntries gives the newest issues, the newest first.
func (s *Site) feedEntries(r *http.Request) ([]feedEntry, error) {
	issues, err := s.store.Published(r.Context(), s.masthead.Slug, s.language, inFeed)
	if err != nil {
		return nil, err
	}
	entries := make([]feedEntry, len(issues))
	for n, i := range issues {
		paragraphs, err := s.renderer.Paragraphs(i.Issue)
		if err != nil {
			return nil, err
		}
		url := s.masthead.IssueURL(i.Issue)
		entries[n] = feedEntry{
			ID: permanent(i.ID), URL: url, Card: url + cardName, Title: render.OneLine(i.Title), Summary: render.OneLine(i.Standfirst),
			Language: i.Language, HTML: body(paragraphs, render.Latest(i.Issue), templates.In(s.words, i.Language)["latest"]), Published: i.Published,
		}
	}
	return entries, nil
}

// issueSpace is the name space of issues' UUIDs (RFC 9562, section 5.5).
var issueSpace = uuid.MustParse("6f0b8c1e-4a52-5d0b-9c55-2f4f61707461")

// permanent names an issue for ever: whatever becomes of its title, its texts
// and the site's address, a feed reader shows it once.
func permanent(id database.ID) string {
	return "urn:uuid:" + uuid.NewSHA1(issueSpace, []byte(id.String())).String()
}

// body is an issue's full text in HTML: paragraphs, and a list of headlines.
func body(paragraphs []template.HTML, latest []render.Story, heading string) string {
	var b strings.Builder
	for _, p := range paragraphs {
		fmt.Fprintf(&b, "<p>%s</p>\n", p)
	}
	if len(latest) == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, "<h2>%s</h2>\n<ul>\n", html.EscapeString(heading))
	for _, l := range latest {
		title := html.EscapeString(l.Title)
		if l.URL != "" {
			title = `<a href="` + html.EscapeString(l.URL) + `">` + title + `</a>`
		}
		fmt.Fprintf(&b, "<li>%s</li>\n", title)
	}
	b.WriteString("</ul>\n")
	return b.String()
}

// updated is when the newest of the entries was published. Without one it is a
// time before all: the feed's time must not change while nothing else does.
func updated(entries []feedEntry) time.Time {
	last := time.Unix(0, 0)
	for _, e := range entries {
		if e.Published.After(last) {
			last = e.Published
		}
	}
	return last
}

// stamp writes a time as RFC 3339 has it, in UTC.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// open lets programs that run in other sites' pages read a file of this media
// type, and nobody show it as a page.
func open(w http.ResponseWriter, kind string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
}
