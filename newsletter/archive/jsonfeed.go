package archive

import (
	"bytes"
	"encoding/json"
	"net/http"
)

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
		Version: "https://jsonfeed.org/version/1.1", Title: s.masthead.Name, Home: s.masthead.FrontURL(), Feed: s.root() + "/feed.json",
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
