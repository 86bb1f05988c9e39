package archive

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"regexp"

	"apta/newsletter"
	"apta/newsletter/render"
)

// onFront is how many issues the front page lists: a quarter. Its years lead to
// the rest.
const onFront = 13

func (s *Site) front(w http.ResponseWriter, r *http.Request) {
	issues, err := s.store.Published(r.Context(), s.masthead.Slug, s.language, onFront)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	p := s.page(s.masthead.Name, s.masthead.Language)
	p.Canonical, p.Translations = s.masthead.FrontURL(), s.fronts()
	if err := s.list(r, &p, issues); err != nil {
		s.failed(w, r, err)
		return
	}
	s.write(w, r, http.StatusOK, "index.html", p)
}

// list fills in issues, and the years that lead to all of them.
func (s *Site) list(r *http.Request, p *page, issues []newsletter.PublicIssue) (err error) {
	for _, i := range issues {
		p.Issues = append(p.Issues, s.entry(i.Issue))
	}
	p.Years, err = s.store.Years(r.Context(), s.masthead.Slug, s.language)
	return err
}

var year = regexp.MustCompile(`^[0-9]{4}$`)

func (s *Site) issueOrYear(w http.ResponseWriter, r *http.Request) {
	if year.MatchString(r.PathValue("week")) {
		s.year(w, r, r.PathValue("week"))
		return
	}
	s.issue(w, r)
}

func (s *Site) year(w http.ResponseWriter, r *http.Request, year string) {
	issues, err := s.store.PublishedIn(r.Context(), s.masthead.Slug, s.language, year)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	if len(issues) == 0 {
		s.notFound(w, r)
		return
	}
	p := s.page("", s.masthead.Language)
	p.Heading = fill(p.Words["year_title"], "{y}", year)
	p.Title, p.Year, p.Canonical = p.Heading+" · "+s.masthead.Name, year, s.root()+"/"+year
	if err := s.list(r, &p, issues); err != nil {
		s.failed(w, r, err)
		return
	}
	s.write(w, r, http.StatusOK, "year.html", p)
}

// public finds the issue that a request's path names, and the week's others. It
// answers where there is none; where there is one in another language only, it
// leads there.
func (s *Site) public(w http.ResponseWriter, r *http.Request) (issue newsletter.PublicIssue, all []newsletter.PublicIssue, ok bool) {
	all, err := s.store.ByWeek(r.Context(), s.masthead.Slug, "", r.PathValue("week"))
	switch {
	case err != nil:
		s.failed(w, r, err)
		return issue, nil, false
	case len(all) == 0:
		s.notFound(w, r)
		return issue, nil, false
	}
	for _, i := range all {
		if s.language == "" || i.Language == s.language {
			return i, all, true
		}
	}
	http.Redirect(w, r, s.masthead.IssueURL(all[0].Issue), http.StatusFound)
	return issue, nil, false
}

// beside serves what is below an issue's page: its picture.
func (s *Site) beside(w http.ResponseWriter, r *http.Request) {
	if "/"+r.PathValue("file") != cardName {
		s.fresh(s.notFound)(w, r)
		return
	}
	s.card(w, r)
}

func (s *Site) issue(w http.ResponseWriter, r *http.Request) {
	issue, all, ok := s.public(w, r)
	if !ok {
		return
	}
	p, err := s.issuePage(r.Context(), issue)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	p.Translations = s.translations(all)
	s.write(w, r, http.StatusOK, "issue.html", p)
}

// Preview makes the page of an issue that is not public yet, as it will be.
func (s *Site) Preview(ctx context.Context, issue newsletter.Issue) ([]byte, error) {
	p, err := s.issuePage(ctx, newsletter.PublicIssue{Issue: issue})
	if err != nil {
		return nil, fmt.Errorf("archive: preview of %s: %w", issue.Week, err)
	}
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, "issue.html", p); err != nil {
		return nil, fmt.Errorf("archive: preview of %s: %w", issue.Week, err)
	}
	return b.Bytes(), nil
}

func (s *Site) issuePage(ctx context.Context, issue newsletter.PublicIssue) (p page, err error) {
	p = s.page(render.OneLine(issue.Title)+" · "+s.masthead.Name, issue.Language)
	p.Description, p.Canonical, p.Published = render.OneLine(issue.Standfirst), s.masthead.IssueURL(issue.Issue), stamp(issue.Published)
	p.Card = p.Canonical + cardName
	p.Issue, p.Dates, p.Latest = issue.Issue, render.Dates(p.Words, issue.Issue, s.masthead.Zone), render.Latest(issue.Issue)
	if p.Paragraphs, err = s.renderer.Paragraphs(issue.Issue); err != nil {
		return p, err
	}
	earlier, later, err := s.store.Beside(ctx, issue.Issue, s.language)
	p.Earlier, p.Later = s.neighbour(earlier), s.neighbour(later)
	return p, err
}

func (s *Site) neighbour(i *newsletter.PublicIssue) *entry {
	if i == nil {
		return nil
	}
	e := s.entry(i.Issue)
	return &e
}
