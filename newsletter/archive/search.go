package archive

import (
	"net/http"
	"strconv"
	"strings"

	"apta/newsletter"
	"apta/newsletter/render"
)

const (
	maxFound = 20  // issues on a page of results
	maxQuery = 200 // characters of a query that are looked at
)

// search answers every query with a page: what no issue has is not found.
func (s *Site) search(w http.ResponseWriter, r *http.Request) {
	p := s.page("", s.masthead.Language)
	p.Heading, p.Canonical = p.Words["search_title"], s.root()+"/search"
	p.Title = p.Heading + " · " + s.masthead.Name
	p.Query = shorten(render.OneLine(r.URL.Query().Get("q")))
	if terms := newsletter.Terms(p.Query); len(terms) > 0 {
		if _, err := s.store.IndexPublic(r.Context(), s.masthead.Slug); err != nil {
			// A database that only reads still finds what was written down before.
			s.log.Error("the newest issues may be missing in the search", "err", err)
		}
		issues, err := s.store.Search(r.Context(), s.masthead.Slug, s.language, terms, maxFound+1)
		if err != nil {
			s.failed(w, r, err)
			return
		}
		s.results(&p, issues, terms)
	} else if p.Query != "" {
		p.Found = p.Words["found_none"]
	}
	w.Header().Set("X-Robots-Tag", "noindex")
	s.write(w, r, http.StatusOK, "search.html", p)
}

func (s *Site) results(p *page, issues []newsletter.PublicIssue, terms []string) {
	sentence := "found"
	switch {
	case len(issues) == 0:
		sentence = "found_none"
	case len(issues) > maxFound:
		sentence, issues = "found_many", issues[:maxFound]
	}
	p.Found = fill(p.Words[sentence], "{n}", strconv.Itoa(len(issues)))
	for _, i := range issues {
		e := s.entry(i.Issue)
		e.Marked, e.Snippet = mark(e.Title, terms), snippet(words(i.Issue), terms)
		p.Issues = append(p.Issues, e)
	}
}

// words is all that an issue's page says below its title, as search knows it.
func words(i newsletter.Issue) string {
	var parts []string
	for _, s := range i.Strands {
		parts = append(parts, s.Text)
	}
	for _, h := range i.Latest {
		parts = append(parts, h.Title)
	}
	return render.OneLine(strings.Join(parts, " "))
}

func shorten(query string) string {
	if r := []rune(query); len(r) > maxQuery {
		return string(r[:maxQuery])
	}
	return query
}

// fill puts a value into a sentence.
func fill(sentence, name, value string) string { return strings.ReplaceAll(sentence, name, value) }
