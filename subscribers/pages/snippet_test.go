package pages

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The form that docs/subscribing.md gives for other sites does what it says.
func TestSnippetOfTheDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/subscribing.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```html\n")
	snippet, _, found := strings.Cut(rest, "```")
	action := regexp.MustCompile(`<form action="https://news\.example(/[^"]+)" method="post">`).FindStringSubmatch(snippet)
	if !found || action == nil {
		t.Fatalf("there is no form in\n%s", snippet)
	}
	form := url.Values{}
	for _, field := range regexp.MustCompile(`name="(\w+)"(?: value="([^"]*)")?`).FindAllStringSubmatch(snippet, -1) {
		form.Set(field[1], field[2])
	}
	if !form.Has("email") {
		t.Fatalf("the form has the fields %v", form)
	}
	form.Set("email", "a@example.org")
	s := newSite(t, "")
	w := s.do("POST", action[1], form.Encode(), "Origin", "https://blog.example", "Sec-Fetch-Site", "cross-site")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), s.words(t, form.Get("language"), "again_title")) || !strings.Contains(w.Body.String(), `value="a@example.org"`) {
		t.Errorf("answer %d\n%s", w.Code, w.Body)
	}
}
