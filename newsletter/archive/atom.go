package archive

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
)

// The elements of an Atom feed (RFC 4287) that are used here.
type (
	atomFeed struct {
		XMLName   xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		Lang      string      `xml:"xml:lang,attr,omitempty"`
		ID        string      `xml:"id"`
		Title     string      `xml:"title"`
		Updated   string      `xml:"updated"`
		Author    atomPerson  `xml:"author"`
		Links     []atomLink  `xml:"link"`
		Generator string      `xml:"generator"`
		Entries   []atomEntry `xml:"entry"`
	}
	atomPerson struct {
		Name string `xml:"name"`
	}
	atomLink struct {
		Rel  string `xml:"rel,attr"`
		Type string `xml:"type,attr,omitempty"`
		Href string `xml:"href,attr"`
	}
	atomEntry struct {
		Lang      string     `xml:"xml:lang,attr,omitempty"`
		ID        string     `xml:"id"`
		Title     string     `xml:"title"`
		Links     []atomLink `xml:"link"`
		Published string     `xml:"published"`
		Updated   string     `xml:"updated"`
		Summary   string     `xml:"summary,omitempty"`
		Content   *atomText  `xml:"content"`
	}
	atomText struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	}
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

func (s *Site) atom(w http.ResponseWriter, r *http.Request) {
	entries, err := s.feedEntries(r)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	feed := atomFeed{
		Lang: s.masthead.Language, ID: s.root(), Title: s.masthead.Name, Updated: stamp(updated(entries)),
		Author: atomPerson{s.masthead.Newsroom}, Generator: "Apta",
		Links: []atomLink{{"self", "application/atom+xml", s.root() + "/atom.xml"}, {"alternate", "text/html", s.masthead.BaseURL + "/"}},
	}
	for _, e := range entries {
		feed.Entries = append(feed.Entries, atomEntry{
			Lang: e.Language, ID: e.ID, Title: e.Title, Links: []atomLink{{"alternate", "text/html", e.URL}},
			Published: stamp(e.Published), Updated: stamp(e.Published), Summary: e.Summary, Content: &atomText{"html", e.HTML},
		})
	}
	s.writeXML(w, r, "application/atom+xml; charset=utf-8", feed)
}

func (s *Site) writeXML(w http.ResponseWriter, r *http.Request, kind string, doc any) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(doc); err != nil {
		s.failed(w, r, err)
		return
	}
	open(w, kind)
	w.Write(b.Bytes())
}

// The members of a JSON Feed 1.1 (jsonfeed.org) that are used here.
type (
	jsonFeed struct {
		Version  string       `json:"version"`
		Title    string       `json:"title"`
		Home     string       `json:"home_page_url"`
		Feed     string       `json:"feed_url"`
		Language string       `json:"language,omitempty"`
		Authors  []jsonAuthor `json:"authors"`
		Items    []jsonItem   `json:"items"`
	}
	jsonAuthor struct {
		Name string `json:"name"`
	}
	jsonItem struct {
		ID        string `json:"id"`
		URL       string `json:"url"`
		Title     string `json:"title"`
		HTML      string `json:"content_html"`
		Summary   string `json:"summary,omitempty"`
		Image     string `json:"image"`
		Published string `json:"date_published"`
		Language  string `json:"language,omitempty"`
	}
)

func (s *Site) jsonFeed(w http.ResponseWriter, r *http.Request) {
	entries, err := s.feedEntries(r)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	feed := jsonFeed{
		Version: "https://jsonfeed.org/version/1.1", Title: s.masthead.Name, Home: s.masthead.BaseURL + "/", Feed: s.root() + "/feed.json",
		Language: s.masthead.Language, Authors: []jsonAuthor{{s.masthead.Newsroom}}, Items: []jsonItem{},
	}
	for _, e := range entries {
		feed.Items = append(feed.Items, jsonItem{e.ID, e.URL, e.Title, e.HTML, e.Summary, e.Card, stamp(e.Published), e.Language})
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(feed); err != nil {
		s.failed(w, r, err)
		return
	}
	open(w, "application/feed+json; charset=utf-8")
	w.Write(b.Bytes())
}
