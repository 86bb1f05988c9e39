package archive

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"apta/newsletter"
)

// attacks try every place where an item's words or address reach a page or a feed.
var attacks = []string{
	`<script>alert(1)</script>`, `</title><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `<svg/onload=alert(1)>`,
	`[x](javascript:alert(1))`, `[x](&#106;avascript:alert(1))`, `[x](data:text/html;base64,PHNjcmlwdD4=)`, `![x](https://tracker.example/p.gif)`,
	`javascript:alert(1)`, `<style>*{display:none}</style>`, `<base href="https://a.example/">`, `" onfocus="alert(1)" autofocus="`,
	`]]><script>alert(1)</script>`, `<![CDATA[<script>alert(1)</script>]]>`, `&lt;script&gt;alert(1)&lt;/script&gt;`, `--><script>alert(1)</script>`,
	`<mark><script>alert(1)</script></mark>`, "alert \u0000\u0008\u202e\ufffe(1)", `{{.Name}} {{template "head"}}`, `</textarea><iframe src=https://a.example>`,
}

// hostile is an issue that says the attack wherever an issue can.
func hostile(attack string) newsletter.Issue {
	i := issue("2024-W42", time.Date(2024, 10, 14, 0, 0, 0, 0, almaty), "en", attack, newsletter.Sent)
	i.Standfirst = attack
	for _, text := range []string{attack, "alert plain words"} {
		i.Strands = append(i.Strands, newsletter.Strand{Text: text, Items: []newsletter.Piece{
			{Text: attack, URL: attack, Title: attack, Anchor: attack}, {Text: attack, URL: "https://news.example/a", Title: attack, Anchor: "x"}}})
	}
	i.Latest = append(i.Latest, newsletter.Headline{Title: attack, URL: attack, Source: attack})
	return i
}

func TestFault_F3_Archive(t *testing.T) {
	for _, attack := range attacks {
		server := site(t, hostile(attack))
		for _, path := range []string{"/", "/weekly/2024-W42", "/weekly/2024", "/weekly/search?q=alert", "/weekly/search?q=" + url.QueryEscape(attack)} {
			resp, body := get(t, "GET", server.URL+path)
			if resp.StatusCode != 200 {
				t.Errorf("%s: status %d", path, resp.StatusCode)
			}
			secure(t, resp)
			alone(t, body)
			inert(t, body)
		}
		for _, body := range feedTexts(t, server.URL) {
			inert(t, body)
		}
		if resp, body := get(t, "GET", server.URL+"/weekly/2024-W42/card.png"); resp.StatusCode != 200 || !strings.HasPrefix(body, "\x89PNG") {
			t.Errorf("the card: status %d", resp.StatusCode)
		}
		if t.Failed() {
			t.Fatalf("by the attack %q", attack)
		}
	}
}

// feedTexts gives the HTML that programs take out of the feeds.
func feedTexts(t *testing.T, server string) []string {
	t.Helper()
	resp, body := get(t, "GET", server+"/weekly/atom.xml")
	if resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("Atom: status %d, %v", resp.StatusCode, resp.Header)
	}
	var texts []string
	for _, e := range parseAtom(t, body).Entries {
		texts = append(texts, e.Content.Text)
	}
	_, body = get(t, "GET", server+"/weekly/feed.json")
	var feed jsonFeed
	if err := json.Unmarshal([]byte(body), &feed); err != nil {
		t.Fatal(err)
	}
	for _, i := range feed.Items {
		texts = append(texts, i.HTML)
	}
	if len(texts) != 2 {
		t.Fatalf("the feeds have %d texts", len(texts))
	}
	return texts
}

// inert holds that nothing in some HTML acts: no element that loads or runs, no
// handler, no address but of the web.
func inert(t *testing.T, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "style", "img", "svg", "math", "iframe", "object", "embed", "base", "video", "audio", "textarea":
			t.Errorf("there is a <%s>", n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" || a.Key == "autofocus" {
				t.Errorf("<%s> has %s=%q", n.Data, a.Key, a.Val)
			}
			if u, err := url.Parse(a.Val); a.Key == "href" && (err != nil || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https") {
				t.Errorf("<%s> leads to %q", n.Data, a.Val)
			}
		}
	}
}

// No page has anything of a reader's: what a mail fills in for each is not there.
func TestNoReaderSlots(t *testing.T) {
	server := site(t, weeks()...)
	for _, path := range []string{"/", "/weekly/2024-W42", "/weekly/2024", "/weekly/search?q=ural", "/weekly/atom.xml", "/weekly/feed.json", "/sitemap.xml"} {
		_, body := get(t, "GET", server.URL+path)
		for _, slot := range newsletter.Slots {
			if strings.Contains(body, slot.Marker()) {
				t.Errorf("%s has the slot %s", path, slot)
			}
		}
		if strings.Contains(body, "/u/") || strings.Contains(body, "/p/") {
			t.Errorf("%s leads to a reader's own page", path)
		}
	}
}
