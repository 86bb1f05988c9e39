package main

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"apta/newsletter"
)

// TestArchiveInABrowser has e2e/archive.mjs look at the public pages in each language.
func TestArchiveInABrowser(t *testing.T) {
	wants(t)
	npm(t, "playwright-core")
	for _, c := range []struct{ language, name, newsroom, term, found string }{
		{"en", "Week in Review", "Steppe Courier", "URAL ros", "Ural"},
		{"ru", "Обзор недели", "Степной курьер", "УРАЛ", "Урал"},
		{"kk", "Апта шолуы", "Дала хабаршысы", "ЖАЙЫҚ", "Жайық"},
	} {
		t.Run(c.language, func(t *testing.T) {
			server := httptest.NewUnstartedServer(nil)
			defer server.Close()
			site := "http://" + server.Listener.Addr().String()
			n := newNewsroom(t, func(config *Config) {
				config.BaseURL = site
				config.Newsletter.Name, config.Newsletter.Newsroom, config.Newsletter.Language = c.name, c.newsroom, c.language
			})
			n.at(t, "2024-11-08T09:00:00Z")
			storeWeeks(t, n, c.language)
			handler, err := n.handler(n.rooms)
			if err != nil {
				t.Fatal(err)
			}
			server.Config.Handler = handler
			server.Start()
			expect, err := json.Marshal(map[string]string{"week": "2024-W44", "year": "2024", "term": c.term, "found": c.found})
			if err != nil {
				t.Fatal(err)
			}
			runScript(t, "archive.mjs", "APTA_SITE="+site, "APTA_LANGUAGE="+c.language, "APTA_EXPECT="+string(expect))
		})
	}
}

// storeWeeks stores the sample issue of a language as the newest of several.
func storeWeeks(t *testing.T, n *newsroom, language string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "newsletter", "render", "testdata", "issue."+language+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var sample newsletter.Issue
	if err := json.Unmarshal(text, &sample); err != nil {
		t.Fatal(err)
	}
	for back := range 80 {
		i := sample
		i.From, i.To = sample.From.AddDate(0, 0, -7*back), sample.To.AddDate(0, 0, -7*back)
		i.Week, i.Status = newsletter.Week(i.From).Name, newsletter.Sent
		if back > 0 {
			i.Strands = sample.Strands[1+back%(len(sample.Strands)-1):]
			i.Latest = nil
			i.Title = sample.Latest[back%len(sample.Latest)].Title
		}
		if _, err := n.rooms.newsletter.SaveIssue(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
}
