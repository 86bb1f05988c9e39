package main

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"apta/subscribers"
)

// routesIn finds the routes that the source has, so that one which is added
// later is looked at too.
func routesIn(t *testing.T) (routes []string) {
	t.Helper()
	pattern := regexp.MustCompile(`"(?:GET |POST |PUT |PATCH |DELETE |HEAD )?(/[a-z{][^"\s]*)"`)
	for _, dir := range []string{"../../newsletter", "../../subscribers/pages", "."} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if !strings.Contains(string(text), "http.ServeMux") && !strings.Contains(string(text), "mux.Handle") && !strings.Contains(string(text), "route{") {
				return nil
			}
			for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
				if !slices.Contains(routes, m[1]) {
					routes = append(routes, m[1])
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return routes
}

// Every answer of every route, by every method, errors and lost pages included,
// keeps a browser from running, framing, sniffing and passing on.
func TestFault_W6_HeadersOnEveryAnswer(t *testing.T) {
	n, server := sentNewsroom(t, func(c *Config) { c.Metrics.Token = "0123456789abcdef-token" })
	reader := n.rooms.keys.Token(subscribers.PurposePreferences, 1, 0)
	routes := routesIn(t)
	if len(routes) < 25 {
		t.Fatalf("only %d routes were found: %v", len(routes), routes)
	}
	routes = append(routes, "/", "/weekly", "/weekly/2024-W42", "/weekly/2024-W42/card.png", "/weekly/search?q=%00", "/weekly/atom.xml", "/weekly/feed.json",
		"/lost?lang=ru", "/nothing/here", "/api/nothing", "//evil.example/", "/%2e%2e/etc/passwd", "/assets/none.css")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	statuses := map[int]int{}
	for _, route := range routes {
		values := []string{reader, "%0d%0aSet-Cookie:%20a=b"}
		if !strings.Contains(route, "{") {
			values = values[:1]
		}
		for _, value := range values {
			path := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(route, value)
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"} {
				statuses[headersOf(t, client, server, method, path)]++
			}
		}
	}
	if statuses[200] == 0 || statuses[404] == 0 || statuses[405] == 0 || statuses[500] > 0 {
		t.Errorf("answers by status: %v", statuses)
	}
	n.rooms.db.Close()
	for _, path := range []string{"/weekly/2024-W42", "/p/" + reader, "/subscribe", "/readyz"} {
		statuses[headersOf(t, client, server, "GET", path)]++
	}
	if statuses[500] == 0 {
		t.Errorf("nothing broke without a database: %v", statuses)
	}
}

func headersOf(t *testing.T, client *http.Client, server *httptest.Server, method, path string) int {
	t.Helper()
	req, err := http.NewRequest(method, server.URL+path, strings.NewReader("a=b"))
	if err != nil {
		return 0 // not an address at all
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return 0
	}
	defer resp.Body.Close()
	h := resp.Header
	csp := h.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("%s %s: %d: the policy %q lacks %s", method, path, resp.StatusCode, csp, want)
		}
	}
	if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
		t.Errorf("%s %s: the policy is %q", method, path, csp)
	}
	// The desk shows previews in frames of its own, and knows who signs in by a cookie.
	desk := strings.HasPrefix(path, "/desk")
	framed := h.Get("X-Frame-Options") == "DENY" || desk && h.Get("X-Frame-Options") == "SAMEORIGIN"
	cookie := h.Get("Set-Cookie")
	cookies := cookie == "" || desk && strings.Contains(cookie, "HttpOnly") && strings.Contains(cookie, "SameSite=")
	if h.Get("X-Content-Type-Options") != "nosniff" || !framed || h.Get("Referrer-Policy") == "" || !cookies {
		t.Errorf("%s %s: %d: headers %v", method, path, resp.StatusCode, h)
	}
	if l := h.Get("Location"); l != "" && !strings.HasPrefix(l, "/") || strings.HasPrefix(l, "//") {
		t.Errorf("%s %s leads away to %q", method, path, l)
	}
	return resp.StatusCode
}
