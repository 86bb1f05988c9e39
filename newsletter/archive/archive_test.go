package archive

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"apta/newsletter"
	"apta/newsletter/render"
	"apta/subscribers/database"
)

var almaty = time.FixedZone("+05", 5*60*60)

// site serves a newsletter over a real database with the issues given.
func site(t *testing.T, issues ...newsletter.Issue) *httptest.Server {
	t.Helper()
	server, _ := siteAndStore(t, issues...)
	return server
}

func siteAndStore(t *testing.T, issues ...newsletter.Issue) (*httptest.Server, *newsletter.Store) {
	t.Helper()
	ctx := t.Context()
	db, err := database.Open(ctx, filepath.Join(t.TempDir(), "apta.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(ctx, newsletter.Schema()); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Date(2024, 11, 5, 9, 0, 0, 0, time.UTC) }
	store := newsletter.NewStore(db, database.NewIDs(now, nil), now)
	for _, i := range issues {
		if _, err := store.SaveIssue(ctx, i); err != nil {
			t.Fatal(err)
		}
	}
	r, err := render.New()
	if err != nil {
		t.Fatal(err)
	}
	m := newsletter.Masthead{Slug: "weekly", Name: "The Week", Newsroom: "Steppe Courier", Postal: "3 Abai Street, Oral", BaseURL: "https://courier.example", Language: "en", Zone: almaty}
	s, err := New(store, r, m, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	if err := s.Register(mux); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server, store
}

func issue(week string, monday time.Time, language, title string, status newsletter.Status) newsletter.Issue {
	return newsletter.Issue{
		Newsletter: "weekly", Week: week, From: monday, To: monday.AddDate(0, 0, 7), Language: language, Title: title,
		Standfirst: "A standfirst.", Status: status,
		Strands: []newsletter.Strand{{Text: "The Ural rose at Oral.", Items: []newsletter.Piece{{URL: "https://news.example/ural", Text: "The Ural rose at Oral.", Anchor: "rose"}}}},
		Latest:  []newsletter.Headline{{Title: "Bakery Marks a Century", URL: "https://news.example/bakery"}, {Title: "Nowhere", URL: "javascript:alert(1)"}},
	}
}

func weeks() []newsletter.Issue {
	monday := time.Date(2024, 10, 14, 0, 0, 0, 0, almaty)
	return []newsletter.Issue{
		issue("2024-W42", monday, "en", "Rivers, Railways, and More", newsletter.Sent),
		issue("2024-W43", monday.AddDate(0, 0, 7), "kk", "Өзендер, теміржол және тағы басқа", newsletter.Sending),
		issue("2024-W44", monday.AddDate(0, 0, 14), "en", "Not Out Yet", newsletter.Approved),
		issue("2024-W45", monday.AddDate(0, 0, 21), "en", "Hardly Begun", newsletter.Draft),
	}
}

func get(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "identity") // or the client would unpack by itself
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestPages(t *testing.T) {
	server := site(t, weeks()...)
	tests := []struct {
		path    string
		status  int
		holds   []string
		without []string
	}{
		{"/", 200, []string{"Rivers, Railways, and More", "14–20 October 2024", "2024 жылғы 21–27 қазан", `href="https://courier.example/weekly/2024-W42"`, `<li lang="kk"`},
			[]string{"Not Out Yet", "Hardly Begun"}},
		{"/weekly", 200, []string{"Rivers, Railways, and More", `<link rel="canonical" href="https://courier.example/">`}, []string{"Not Out Yet"}},
		{"/weekly/2024-W42", 200, []string{`<html lang="en"`, `The Ural <a href="https://news.example/ural">rose</a> at Oral.`, "Latest news", `<a href="https://news.example/bakery">Bakery Marks a Century</a>`, "<li dir=\"auto\">Nowhere</li>",
			`<meta property="og:image" content="https://courier.example/weekly/2024-W42/card.png">`, `rel="next" href="https://courier.example/weekly/2024-W43" lang="kk"`},
			[]string{"javascript:"}},
		{"/weekly/2024-W43", 200, []string{`<html lang="kk"`, "Соңғы жаңалықтар"}, nil},
		{"/weekly/2024", 200, []string{"Issues of 2024", "Rivers, Railways, and More", `aria-current="page">2024</a>`, "14–20 October 2024"}, []string{"Not Out Yet", "Hardly Begun"}},
		{"/weekly/2023", 404, nil, nil},
		{"/weekly/20245", 404, nil, nil},
		{"/weekly/2024-W44/card.png", 404, nil, []string{"Not Out Yet"}},
		{"/weekly/2024-W44", 404, []string{"There is no such page"}, []string{"Not Out Yet"}},
		{"/weekly/2024-W45", 404, nil, []string{"Hardly Begun"}},
		{"/weekly/2031-W01", 404, nil, nil},
		{"/weekly/x' OR 1=1", 404, nil, nil},
		{"/other", 404, nil, nil},
		{"/weekly/2024-W42/more", 404, nil, nil},
		{"/assets/site.css", 404, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			resp, body := get(t, "GET", server.URL+strings.ReplaceAll(tt.path, " ", "%20"))
			if resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d", resp.StatusCode, tt.status)
			}
			for _, s := range tt.holds {
				if !strings.Contains(body, s) {
					t.Errorf("%q is missing in\n%s", s, body)
				}
			}
			for _, s := range tt.without {
				if strings.Contains(body, s) {
					t.Errorf("%q should not be there", s)
				}
			}
			secure(t, resp)
			alone(t, body)
		})
	}
}

func TestNoIssueYet(t *testing.T) {
	server := site(t, issue("2024-W45", time.Date(2024, 11, 4, 0, 0, 0, 0, almaty), "en", "Hardly Begun", newsletter.Held))
	resp, body := get(t, "GET", server.URL+"/")
	if resp.StatusCode != 200 || !strings.Contains(body, "The first issue is being made") {
		t.Errorf("status %d:\n%s", resp.StatusCode, body)
	}
}

func secure(t *testing.T, resp *http.Response) {
	t.Helper()
	csp := resp.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the Content-Security-Policy %q has no %s", csp, want)
		}
	}
	if strings.Contains(csp, "unsafe") {
		t.Errorf("Content-Security-Policy: %s", csp)
	}
	if got := resp.Header.Get("X-Content-Type-Options"); got != "nosniff" {
		t.Errorf("X-Content-Type-Options: %q", got)
	}
}

// alone holds that a page works without a script and asks no other host for
// anything: what it loads is its own, what it leads to is only followed by hand.
func alone(t *testing.T, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" || n.Data == "style" || n.Data == "iframe" {
			t.Errorf("there is a <%s>", n.Data)
		}
		attr := make(map[string]string)
		for _, a := range n.Attr {
			attr[a.Key] = a.Val
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s %s=%q> is against the page's own policy", n.Data, a.Key, a.Val)
			}
		}
		if rel := attr["rel"]; n.Data == "link" && rel != "canonical" && rel != "alternate" && !strings.HasPrefix(attr["href"], "/assets/") {
			t.Errorf("the page loads %s", attr["href"])
		}
		if _, ok := attr["src"]; ok {
			t.Errorf("the page loads %s", attr["src"])
		}
	}
}

func TestUnchangedPage(t *testing.T) {
	server := site(t, weeks()...)
	first, body := get(t, "GET", server.URL+"/weekly/2024-W42")
	tag := first.Header.Get("ETag")
	if tag == "" || first.Header.Get("Cache-Control") != "public, max-age=60" {
		t.Fatalf("ETag %q, Cache-Control %q", tag, first.Header.Get("Cache-Control"))
	}
	again, empty := get(t, "GET", server.URL+"/weekly/2024-W42", "If-None-Match", `"other", `+tag)
	if again.StatusCode != http.StatusNotModified || empty != "" {
		t.Errorf("status %d with %d bytes", again.StatusCode, len(empty))
	}
	changed, whole := get(t, "GET", server.URL+"/weekly/2024-W42", "If-None-Match", `"other"`)
	if changed.StatusCode != 200 || whole != body {
		t.Errorf("status %d with %d bytes", changed.StatusCode, len(whole))
	}
	head, none := get(t, "HEAD", server.URL+"/weekly/2024-W42")
	if head.StatusCode != 200 || none != "" || head.ContentLength != int64(len(body)) || head.Header.Get("ETag") != tag {
		t.Errorf("HEAD: status %d, %d bytes, length %d, ETag %q", head.StatusCode, len(none), head.ContentLength, head.Header.Get("ETag"))
	}
	missing, _ := get(t, "GET", server.URL+"/weekly/2024-W44")
	if got := missing.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("a page that may come soon has Cache-Control %q", got)
	}
	if post, _ := get(t, "POST", server.URL+"/weekly/2024-W42"); post.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", post.StatusCode)
	}
}

func TestAssets(t *testing.T) {
	server := site(t)
	_, body := get(t, "GET", server.URL+"/")
	paths := regexp.MustCompile(`/assets/[a-z]+\.[0-9a-f]{8}\.(?:css|svg)`).FindAllString(body, -1)
	if len(paths) != 2 {
		t.Fatalf("the page names %q", paths)
	}
	for _, path := range paths {
		resp, content := get(t, "GET", server.URL+path)
		kind := map[bool]string{true: "text/css; charset=utf-8", false: "image/svg+xml"}[strings.HasSuffix(path, ".css")]
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != kind || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: status %d, %v", path, resp.StatusCode, resp.Header)
		}
		if strings.Contains(content, "@import") || regexp.MustCompile(`url\(`).MatchString(content) {
			t.Errorf("%s loads something else", path)
		}
	}
}
