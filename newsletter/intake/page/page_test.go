package page

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"apta/newsletter"

	"golang.org/x/text/encoding/charmap"
)

const full = `<!DOCTYPE html><html lang="en-GB"><head><title>Harbour reopens | The Quay Post</title>
<link rel="canonical" href="/2024/harbour?utm_source=x"><meta property="og:title" content="Harbour reopens &amp; ships come"><meta property="og:site_name" content="The Quay Post">
<meta property="og:description" content="The harbour *reopened* on Monday."><meta property="og:image" content="/h.jpg"><meta property="article:published_time" content="2024-10-14T09:00:00+05:00">
<meta name="author" content="A. Writer"></head><body><article><p>The harbour reopened on Monday, said the mayor, and ships came.</p></article></body></html>`

const linked = `<html><head><title>x</title><script type="application/ld+json">{"@context":"https://schema.org","@graph":[{"@type":"WebSite","name":"No"},
{"@type":["NewsArticle"],"headline":"Мост открыт","description":"Мост открыли.","datePublished":"14 октября 2024, 09:00","inLanguage":"ru-RU","author":[{"@type":"Person","name":"И. Автор"}],"publisher":{"name":"Порт"},"image":{"url":"https://x.example/m.jpg"}}]}</script></head><body></body></html>`

const bare = `<html><head><title>Council meets - Town News</title></head><body><nav>Menu</nav><article><h1>Council meets</h1><time datetime="2024-10-14">14 Oct</time>
<p>The council met on Monday and agreed, after a long debate on the bridge, to open it in spring, as engineers had asked for a year.</p><p>It was the last meeting of the year, and the longest so far, with twelve speakers on one subject.</p></article></body></html>`

func TestRead(t *testing.T) {
	almaty := time.FixedZone("", 5*3600)
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for what, c := range map[string]struct {
		text, address string
		want          newsletter.Item
	}{
		"Open Graph": {full, "https://www.x.example/2024/harbour?fbclid=1", newsletter.Item{URL: "https://www.x.example/2024/harbour", Title: "Harbour reopens & ships come", Summary: `The harbour \*reopened\* on Monday.`,
			Source: "The Quay Post", Language: "en", Published: at("2024-10-14T04:00:00Z"), Image: "https://www.x.example/h.jpg", Author: "A. Writer"}},
		"JSON-LD": {linked, "https://x.example/most", newsletter.Item{URL: "https://x.example/most", Title: "Мост открыт", Summary: "Мост открыли.", Source: "Порт", Language: "ru",
			Published: at("2024-10-14T04:00:00Z"), Image: "https://x.example/m.jpg", Author: "И. Автор"}},
	} {
		got, err := Read([]byte(c.text), "text/html", c.address, almaty)
		c.want.Published = c.want.Published.UTC()
		if err != nil || got != c.want {
			t.Errorf("%s: %+v (%v)\nnot %+v", what, got, err, c.want)
		}
	}
	got, err := Read([]byte(bare), "", "https://www.town.example/a", time.UTC)
	if err != nil || !strings.HasPrefix(got.Title, "Council meets") || !strings.HasPrefix(got.Summary, "The council met on Monday") || got.Source != "town.example" || got.Published.Format(time.DateOnly) != "2024-10-14" {
		t.Errorf("a page that says nothing of itself: %+v (%v)", got, err)
	}
	cp1251, _ := charmap.Windows1251.NewEncoder().String(`<html><head><meta charset="windows-1251"><title>Мост открыт</title></head></html>`)
	if got, err := Read([]byte(cp1251), "text/html", "https://x.example/", time.UTC); err != nil || got.Title != "Мост открыт" {
		t.Errorf("windows-1251: %+v (%v)", got, err)
	}
}

func TestWhatCanonicalIsBelieved(t *testing.T) {
	for canonical, want := range map[string]string{
		"https://news.x.example/story": "https://news.x.example/story", "https://other.example/story": "https://m.x.example/a", "/": "https://m.x.example/a", "": "https://m.x.example/a",
		"javascript:alert(1)": "https://m.x.example/a", "https://u:p@x.example/b": "https://m.x.example/a", "/b#c": "https://m.x.example/b",
	} {
		got, err := Read([]byte(`<title>x</title><link rel="canonical" href="`+canonical+`">`), "text/html", "https://m.x.example/a?utm_source=x", time.UTC)
		if err != nil || got.URL != want {
			t.Errorf("%q: %q (%v), not %q", canonical, got.URL, err, want)
		}
	}
}

func TestWhatIsNoPage(t *testing.T) {
	for _, c := range [][2]string{{"%PDF-1.4", "application/pdf"}, {"", "text/html"}, {"<p>no title", "image/png"}} {
		if got, err := Read([]byte(c[0]), c[1], "https://x.example/a", time.UTC); err == nil || !strings.Contains(err.Error(), "x.example/a") {
			t.Errorf("%q of %s: %+v (%v)", c[0], c[1], got, err)
		}
	}
}

func TestFault_F1_HostilePages(t *testing.T) {
	const size = 5 << 20
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for what, text := range map[string]string{
		"nested":          "<title>x</title>" + fill("<div>"),
		"formatting":      "<title>x</title>" + fill("<em><p>x"),
		"a bit of it":     "<title>x</title>" + strings.Repeat("<em><p>x", 9_000),
		"metadata":        "<title>x</title>" + fill(`<meta property="og:title" content="y">`),
		"attributes":      "<title>x</title><meta " + fill(`a="" `) + ">",
		"linked data":     `<title>x</title><script type="application/ld+json">[` + fill("{},") + "{}]</script>",
		"linked, nested":  `<title>x</title><script type="application/ld+json">` + strings.Repeat("[", 200_000) + "</script>",
		"one long title":  "<title>x" + fill("y") + "</title>",
		"a long og title": `<meta property="og:title" content="` + fill("y") + `">`,
	} {
		body := []byte(text)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		if _, err := Read(body, "text/html", "https://x.example/a", time.UTC); err != nil {
			t.Logf("%s: %.200s", what, err)
		}
		runtime.ReadMemStats(&after)
		// All that was allocated, freed or not, which is more than what was held.
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 128<<20 {
			t.Errorf("%s: %d MB were allocated", what, grown>>20)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(full)
	f.Add(linked)
	f.Fuzz(func(t *testing.T, text string) {
		it, err := Read([]byte(text), "text/html", "https://x.example/a", time.UTC)
		if err == nil && (it.Title == "" || strings.ContainsAny(it.Title+it.Summary+it.Source+it.Author+it.URL+it.Image, "\x00\r\n")) {
			t.Fatalf("%q gives %+v", text, it)
		}
	})
}
