package archive

import (
	"encoding/xml"
	"fmt"
	"net/http"

	"apta/newsletter"
)

// siteMap is the document of sitemaps.org.
type siteMap struct {
	XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
	URLs    []mapURL `xml:"url"`
}

type mapURL struct {
	Loc     string `xml:"loc"`
	LastMod string `xml:"lastmod,omitempty"`
}

// sitemap lists every page for search engines (sitemaps.org, version 0.9).
func (s *Site) sitemap(w http.ResponseWriter, r *http.Request) {
	const most = 49_000 // of the 50,000 that a file may have; the years need some
	issues, err := s.store.Published(r.Context(), s.masthead.Slug, "", most)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	years, err := s.store.Years(r.Context(), s.masthead.Slug, s.language)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	s.writeXML(w, r, "application/xml; charset=utf-8", s.siteMap(issues, years))
}

func (s *Site) siteMap(issues []newsletter.PublicIssue, years []string) siteMap {
	m := siteMap{URLs: []mapURL{{Loc: s.masthead.FrontURL()}}}
	latest := make(map[string]string) // by year
	for _, i := range issues {
		m.URLs = append(m.URLs, mapURL{s.masthead.IssueURL(i.Issue), stamp(i.Published)})
		if y := i.Week[:min(4, len(i.Week))]; latest[y] == "" {
			latest[y] = stamp(i.Published)
		}
	}
	if len(issues) > 0 {
		m.URLs[0].LastMod = stamp(issues[0].Published)
	}
	for _, t := range s.fronts() {
		if t.URL != m.URLs[0].Loc {
			m.URLs = append(m.URLs, mapURL{Loc: t.URL})
		}
	}
	for _, y := range years {
		m.URLs = append(m.URLs, mapURL{s.root() + "/" + y, latest[y]})
	}
	return m
}

// robots keeps robots out of readers' own pages and of the searches (RFC 9309).
func robots(sites []*Site) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		open(w, "text/plain; charset=utf-8")
		fmt.Fprint(w, "User-agent: *\nDisallow: /u/\nDisallow: /p/\n")
		for _, s := range sites {
			fmt.Fprintf(w, "Disallow: %s/search\n", s.path())
		}
		fmt.Fprintf(w, "\nSitemap: %s/sitemap.xml\n", sites[0].masthead.BaseURL)
		for _, s := range sites[1:] {
			if m := s.masthead; m.Further && s.path() == "/"+m.Slug {
				fmt.Fprintf(w, "Sitemap: %s/sitemap.xml\n", s.root())
			}
		}
	}
}
