package render

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"apta/newsletter"
)

var update = flag.Bool("update", false, "write the golden files anew")

func newRenderer(t testing.TB) *Renderer {
	t.Helper()
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func masthead(language string) newsletter.Masthead {
	m := newsletter.Masthead{
		Slug:     "weekly",
		BaseURL:  "https://courier.example",
		Language: language,
		Zone:     time.FixedZone("+05", 5*60*60),
		Name:     "The Week",
		Newsroom: "Steppe Courier",
		Postal:   "3 Abai Street, 090000 Oral, Kazakhstan",
		Reason:   "You asked for it at courier.example.",
	}
	switch language {
	case "ru":
		m.Name, m.Newsroom, m.Postal, m.Reason = "Неделя", "Степной курьер", "ул. Абая, 3, 090000 Уральск, Казахстан", ""
	case "kk":
		m.Name, m.Newsroom, m.Postal, m.Reason = "Апта", "Дала хабаршысы", "Абай көшесі, 3, 090000 Орал, Қазақстан", ""
	}
	return m
}

func sample(t testing.TB, language string) newsletter.Issue {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "issue."+language+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var i newsletter.Issue
	if err := json.Unmarshal(b, &i); err != nil {
		t.Fatal(err)
	}
	return i
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// breakable puts a line end before every element that begins a line of its own,
// so that a difference in a golden file can be read.
func breakable(page string) string {
	for _, tag := range []string{"<head", "<meta", "<title", "<!--[if", "<style", "<body", "<div", "<table", "<tr", "<td", "<h1", "<h2", "<p ", "<ol", "<ul", "<li", "</table", "</body"} {
		page = strings.ReplaceAll(page, tag, "\n"+tag)
	}
	return page + "\n"
}

func TestMail(t *testing.T) {
	r := newRenderer(t)
	for _, language := range []string{"en", "ru", "kk"} {
		t.Run(language, func(t *testing.T) {
			issue := sample(t, language)
			mail, err := r.Mail(issue, masthead(language))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "mail."+language+".html", breakable(mail.HTML))
			golden(t, "mail."+language+".txt", mail.Text)
			if mail.Subject != issue.Subject || mail.Preheader != issue.Preheader || mail.Language != language {
				t.Errorf("subject %q, preheader %q, language %q", mail.Subject, mail.Preheader, mail.Language)
			}
			sameWords(t, issue, mail)
			markersLast(t, mail)
		})
	}
}

func TestMailIsPure(t *testing.T) {
	r := newRenderer(t)
	issue := sample(t, "en")
	first, err := r.Mail(issue, masthead("en"))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := r.Mail(issue, masthead("en"))
		if err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(again, first) {
			t.Fatal("the same issue gave other bytes")
		}
	}
	if diff := cmp.Diff(sample(t, "en"), issue); diff != "" {
		t.Error("Mail changed its issue:", diff)
	}
}

func TestMailFallsBack(t *testing.T) {
	issue := sample(t, "en")
	issue.Language, issue.Subject, issue.Preheader = "ky-KG", "", ""
	m := masthead("en")
	m.Reason, m.Postal, m.Zone = "", "", nil
	mail, err := newRenderer(t).Mail(issue, m)
	if err != nil {
		t.Fatal(err)
	}
	if mail.Subject != issue.Title || mail.Preheader != issue.Standfirst || mail.Language != "ky-KG" {
		t.Errorf("subject %q, preheader %q, language %q", mail.Subject, mail.Preheader, mail.Language)
	}
	if want := "You receive this mail because you subscribed to The Week."; !strings.Contains(mail.Text, want) || !strings.Contains(mail.HTML, want) {
		t.Errorf("%q is missing", want)
	}
	if !strings.Contains(mail.HTML, `lang="ky-KG"`) {
		t.Error("the HTML does not say its language")
	}
}

// linkMark is the number behind the words of a link in the text part.
var linkMark = regexp.MustCompile(` \[\d+\]`)

// sameWords holds both parts to the words of the issue.
func sameWords(t *testing.T, issue newsletter.Issue, mail newsletter.Mail) {
	t.Helper()
	lines := strings.Split(linkMark.ReplaceAllString(mail.Text, ""), "\n")
	blocks := blocks(t, mail.HTML)
	for _, s := range issue.Strands {
		if !contains(lines, OneLine(s.Text)) {
			t.Errorf("the text part has no line %q", s.Text)
		}
		if !contains(blocks["p"], squeeze(OneLine(s.Text))) {
			t.Errorf("the HTML part has no paragraph %q", s.Text)
		}
	}
	for _, h := range issue.Latest {
		if !contains(lines, "- "+OneLine(h.Title)) {
			t.Errorf("the text part has no headline %q", h.Title)
		}
		if !contains(blocks["li"], squeeze(OneLine(h.Title))) {
			t.Errorf("the HTML part has no headline %q", h.Title)
		}
	}
	if !contains(lines, OneLine(issue.Title)) || !contains(blocks["h1"], squeeze(OneLine(issue.Title))) {
		t.Errorf("the title %q is not in both parts", issue.Title)
	}
}

// markersLast holds the reader slots to the end of both parts: what stands
// before the first of them is hashed and signed once for all readers.
func markersLast(t *testing.T, mail newsletter.Mail) {
	t.Helper()
	for part, body := range map[string]string{"HTML": mail.HTML, "text": mail.Text} {
		for _, s := range []newsletter.Slot{newsletter.SlotUnsubscribe, newsletter.SlotPreferences} {
			if n := strings.Count(body, s.Marker()); n != 1 {
				t.Errorf("%s: %d markers of %s, not one", part, n, s)
			}
			if left := len(body) - strings.Index(body, s.Marker()); left > 400 {
				t.Errorf("%s: %d bytes after the marker of %s", part, left, s)
			}
		}
	}
}

func contains(list []string, want string) bool {
	for _, s := range list {
		if s == want {
			return true
		}
	}
	return false
}

// blocks gives the text of every element by its name, as a browser shows it.
func blocks(t *testing.T, page string) map[string][]string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string][]string)
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode {
			found[n.Data] = append(found[n.Data], squeeze(textOf(n)))
		}
	}
	return found
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}
