package archive

import (
	"encoding/json"
	"encoding/xml"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"

	"apta/subscribers/database"
)

func parseAtom(t *testing.T, text string) (feed atomFeed) {
	t.Helper()
	if err := xml.Unmarshal([]byte(text), &feed); err != nil {
		t.Fatal(err)
	}
	return feed
}

// TestAtom holds the feed against what RFC 4287 asks for in words; that it
// follows its grammar is TestAtomGrammar's.
func TestAtom(t *testing.T) {
	server := site(t, weeks()...)
	resp, body := get(t, "GET", server.URL+"/weekly/atom.xml")
	if resp.Header.Get("Content-Type") != "application/atom+xml; charset=utf-8" || resp.Header.Get("ETag") == "" {
		t.Errorf("%v", resp.Header)
	}
	feed := parseAtom(t, body)
	if feed.ID != "https://courier.example/weekly" || feed.Title != "The Week" || feed.Author.Name != "Steppe Courier" || len(feed.Entries) != 2 {
		t.Fatalf("%+v", feed)
	}
	if l := feed.Links[0]; l.Rel != "self" || l.Href != "https://courier.example/weekly/atom.xml" {
		t.Errorf("%+v", l)
	}
	if feed.Entries[0].Title != "Өзендер, теміржол және тағы басқа" || feed.Entries[1].Title != "Rivers, Railways, and More" {
		t.Errorf("the newest is not the first: %+v", feed.Entries)
	}
	seen := make(map[string]bool)
	for _, e := range feed.Entries {
		if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(e.ID) || seen[e.ID] {
			t.Errorf("ID %q", e.ID)
		}
		seen[e.ID] = true
		for _, at := range []string{e.Published, e.Updated, feed.Updated} {
			if when, err := time.Parse(time.RFC3339, at); err != nil || when.Year() != 2024 {
				t.Errorf("time %q (%v)", at, err)
			}
		}
		if e.Content.Type != "html" || !strings.Contains(e.Content.Text, `The Ural <a href="https://news.example/ural">rose</a> at Oral.`) || !strings.Contains(e.Content.Text, "Bakery Marks a Century") {
			t.Errorf("content %+v", e.Content)
		}
		if u, err := url.Parse(e.Links[0].Href); err != nil || !u.IsAbs() || e.Links[0].Rel != "alternate" {
			t.Errorf("%+v", e.Links)
		}
	}
	again, empty := get(t, "GET", server.URL+"/weekly/atom.xml", "If-None-Match", resp.Header.Get("ETag"))
	if again.StatusCode != 304 || empty != "" {
		t.Errorf("unchanged: status %d", again.StatusCode)
	}
}

// TestAtomGrammar validates feeds with the RELAX NG grammar of RFC 4287, appendix B.
func TestAtomGrammar(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skip("skipped: no xmllint is installed here")
	}
	for name, server := range map[string]string{"two": site(t, weeks()...).URL, "none": site(t).URL, "hostile": site(t, hostile("\x00\ufffe<&]]>")).URL} {
		_, body := get(t, "GET", server+"/weekly/atom.xml")
		file := filepath.Join(t.TempDir(), "atom.xml")
		validate := func(text string) ([]byte, error) {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			return exec.CommandContext(t.Context(), "xmllint", "--nonet", "--noout", "--relaxng", "testdata/atom.rng", file).CombinedOutput()
		}
		if out, err := validate(body); err != nil {
			t.Errorf("%s: %s\n%s", name, out, body)
		}
		if _, err := validate(strings.Replace(body, "<id>", "<ident>", 1)); err == nil {
			t.Error("the validator takes anything")
		}
		if _, err := validate(strings.Replace(body, "<updated>", "<updated>on ", 1)); err == nil {
			t.Error("the validator takes any time")
		}
	}
}

// TestJSONFeed holds the feed against jsonfeed.org's version 1.1.
func TestJSONFeed(t *testing.T) {
	server := site(t, weeks()...)
	resp, body := get(t, "GET", server.URL+"/weekly/feed.json")
	if resp.Header.Get("Content-Type") != "application/feed+json; charset=utf-8" || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%v", resp.Header)
	}
	var feed struct {
		Version, Title, Language string
		Home                     string `json:"home_page_url"`
		Feed                     string `json:"feed_url"`
		Authors                  []struct{ Name string }
		Items                    []map[string]any
	}
	if err := json.Unmarshal([]byte(body), &feed); err != nil {
		t.Fatal(err)
	}
	if feed.Version != "https://jsonfeed.org/version/1.1" || feed.Title != "The Week" || feed.Home != "https://courier.example/" ||
		feed.Feed != "https://courier.example/weekly/feed.json" || len(feed.Authors) != 1 || feed.Authors[0].Name == "" || len(feed.Items) != 2 {
		t.Fatalf("%+v", feed)
	}
	atom := parseAtom(t, func() string { _, b := get(t, "GET", server.URL+"/weekly/atom.xml"); return b }())
	for n, i := range feed.Items {
		for _, key := range []string{"id", "url", "title", "content_html", "image", "date_published", "language"} {
			if s, ok := i[key].(string); !ok || s == "" {
				t.Errorf("item %d: %s is %v", n, key, i[key])
			}
		}
		if _, err := time.Parse(time.RFC3339, i["date_published"].(string)); err != nil {
			t.Error(err)
		}
		if _, err := language.Parse(i["language"].(string)); err != nil {
			t.Error(err)
		}
		if i["id"] != atom.Entries[n].ID {
			t.Errorf("the feeds call one issue %v and %v", i["id"], atom.Entries[n].ID)
		}
	}
}

// An issue keeps its ID for ever: this one was given when feeds began.
func TestPermanentID(t *testing.T) {
	id, err := database.ParseID("01jb0000000d1")
	if err != nil {
		t.Fatal(err)
	}
	if got := permanent(id); got != "urn:uuid:0eec6c8b-073f-5c5b-91d1-d245c7435c3b" {
		t.Errorf("the ID became %s", got)
	}
}

func TestSitemap(t *testing.T) {
	server := site(t, weeks()...)
	resp, body := get(t, "GET", server.URL+"/sitemap.xml")
	var m siteMap
	if err := xml.Unmarshal([]byte(body), &m); err != nil || resp.StatusCode != 200 {
		t.Fatalf("status %d (%v)", resp.StatusCode, err)
	}
	var locs []string
	for _, u := range m.URLs {
		locs = append(locs, u.Loc)
		if _, err := time.Parse(time.RFC3339, u.LastMod); err != nil {
			t.Errorf("%s: %v", u.Loc, err)
		}
		path := strings.TrimPrefix(u.Loc, "https://courier.example")
		if resp, page := get(t, "GET", server.URL+path); resp.StatusCode != 200 || !strings.Contains(page, `<link rel="canonical" href="`+u.Loc+`">`) {
			t.Errorf("%s: status %d, or its canonical address is another", u.Loc, resp.StatusCode)
		}
	}
	if got := strings.Join(locs, " "); got != "https://courier.example/ https://courier.example/weekly/2024-W43 https://courier.example/weekly/2024-W42 https://courier.example/weekly/2024" {
		t.Errorf("the map has %s", got)
	}
	resp, body = get(t, "GET", server.URL+"/robots.txt")
	if resp.StatusCode != 200 || !strings.Contains(body, "Disallow: /u/\n") || !strings.Contains(body, "\nSitemap: https://courier.example/sitemap.xml\n") {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
}
