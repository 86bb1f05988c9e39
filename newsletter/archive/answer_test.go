package archive

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"apta/newsletter"
)

func TestTakesGzip(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "gzip": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.0, *": false, "*": true, "*;q=0": false,
		"identity": false, "x-gzip": true, "deflate, br": false, "gzip;q=x": false,
	} {
		if got := takesGzip(accept); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}

func TestCompressedPage(t *testing.T) {
	server := site(t, weeks()...)
	for _, path := range []string{"/", "/weekly/2024-W42", "/weekly/2024", "/weekly/search?q=ural", "/weekly/atom.xml", "/weekly/feed.json", "/sitemap.xml", "/robots.txt"} {
		plain, body := get(t, "GET", server.URL+path)
		for range 2 { // the second with a writer used before
			packed, zipped := get(t, "GET", server.URL+path, "Accept-Encoding", "gzip")
			r, err := gzip.NewReader(strings.NewReader(zipped))
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if unzipped, err := io.ReadAll(r); err != nil || string(unzipped) != body {
				t.Errorf("%s: the compressed page is another (%v)", path, err)
			}
			tag := packed.Header.Get("ETag")
			if tag == plain.Header.Get("ETag") || strings.HasPrefix(tag, "W/") || packed.Header.Get("Vary") != "Accept-Encoding" || plain.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s: %v", path, packed.Header)
			}
			if again, _ := get(t, "GET", server.URL+path, "Accept-Encoding", "gzip", "If-None-Match", tag); again.StatusCode != 304 {
				t.Errorf("%s: unchanged, but status %d", path, again.StatusCode)
			}
		}
		head, none := get(t, "HEAD", server.URL+path)
		if head.StatusCode != 200 || none != "" || head.Header.Get("ETag") != plain.Header.Get("ETag") || head.Header.Get("Content-Type") != plain.Header.Get("Content-Type") {
			t.Errorf("%s: HEAD gives %d, %v", path, head.StatusCode, head.Header)
		}
	}
}

// A page is made once and kept, but never longer than what it shows is so.
func TestKeptPagesAreNotStale(t *testing.T) {
	server, store := siteAndStore(t, weeks()...)
	paths := []string{"/", "/weekly/2024", "/weekly/2024-W43", "/weekly/atom.xml", "/weekly/feed.json", "/sitemap.xml", "/weekly/search?q=out"}
	shows := func(title, week string) (n int) {
		t.Helper()
		for _, path := range paths {
			_, first := get(t, "GET", server.URL+path)
			if _, again := get(t, "GET", server.URL+path); again != first {
				t.Errorf("%s changes by itself", path)
			}
			if strings.Contains(first, title) || strings.Contains(first, week) {
				n++
			}
		}
		return n
	}
	if n := shows("Not Out Yet", "2024-W44"); n != 0 {
		t.Errorf("%d pages show an issue that is not out", n)
	}
	i, err := store.Issue(t.Context(), "weekly", "2024-W44")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Move(t.Context(), i.ID, newsletter.Sending, "", newsletter.Approved); err != nil {
		t.Fatal(err)
	}
	if n := shows("Not Out Yet", "2024-W44"); n != len(paths) {
		t.Errorf("%d of %d pages show an issue that is out", n, len(paths))
	}
	if err := store.Move(t.Context(), i.ID, newsletter.Held, "", newsletter.Sending); err != nil {
		t.Fatal(err)
	}
	if n := shows("Not Out Yet", "2024-W44"); n != 0 {
		t.Errorf("%d pages show an issue that was taken back", n)
	}
	if resp, _ := get(t, "GET", server.URL+"/weekly/2024-W44"); resp.StatusCode != 404 {
		t.Errorf("it is still there: status %d", resp.StatusCode)
	}
}
