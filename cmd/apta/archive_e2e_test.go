package main

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"apta/newsletter"
)

// TestArchiveInABrowser has e2e/archive.mjs look at the public pages in each language.
func TestArchiveInABrowser(t *testing.T) {
	if os.Getenv("APTA_E2E") == "" {
		t.Skip("a browser is started by make e2e only")
	}
	if _, err := os.Stat("e2e/node_modules/playwright-core"); err != nil {
		install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		install.Dir = "e2e"
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
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
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "node", "archive.mjs")
			cmd.Dir = "e2e"
			cmd.Env = append(os.Environ(), "APTA_SITE="+site, "APTA_LANGUAGE="+c.language, "APTA_EXPECT="+string(expect))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
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
