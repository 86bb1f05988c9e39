package archive

import (
	"bytes"
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

func (s *Site) atom(w http.ResponseWriter, r *http.Request) {
	entries, err := s.feedEntries(r)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	feed := atomFeed{
		Lang: s.masthead.Language, ID: s.root(), Title: s.masthead.Name, Updated: stamp(updated(entries)),
		Author: atomPerson{s.masthead.Newsroom}, Generator: "Apta",
		Links: []atomLink{{"self", "application/atom+xml", s.root() + "/atom.xml"}, {"alternate", "text/html", s.masthead.FrontURL()}},
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
