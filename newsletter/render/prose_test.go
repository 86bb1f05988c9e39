package render

import (
	"html/template"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"apta/newsletter"
)

func TestParagraph(t *testing.T) {
	const to = "https://news.example/a"
	tests := []struct {
		name, markdown, anchor, url string
		plain                       string // empty where it is the Markdown itself
		want                        string
	}{
		{"anchor", "The Ural rose at Oral.", "rose", to, "", `The Ural <a href="https://news.example/a">rose</a> at Oral.`},
		{"first of two", "It rose and rose.", "rose", to, "", `It <a href="https://news.example/a">rose</a> and rose.`},
		{"no anchor", "The Ural rose. It fell again.", "", to, "", `<a href="https://news.example/a">The Ural rose</a>. It fell again.`},
		{"anchor not found", "In 3.5 hours it rose! Then not.", "fell", to, "", `<a href="https://news.example/a">In 3.5 hours it rose</a>! Then not.`},
		{"one sentence without a stop", "It rose", "", to, "", `<a href="https://news.example/a">It rose</a>`},
		{"linked by the Markdown", "The [Ural](https://news.example/a) rose.", "rose", to, "The Ural rose.",
			`The <a href="https://news.example/a">Ural</a> rose.`},
		{"another link in the Markdown", "The [Ural](https://b.example/) rose.", "rose", to, "The Ural rose.",
			`The <a href="https://b.example/">Ural</a> <a href="https://news.example/a">rose</a>.`},
		{"anchor inside another link", "It rose: [it rose](https://b.example/).", "it rose", to, "It rose: it rose.",
			`<a href="https://news.example/a">It rose:</a> <a href="https://b.example/">it rose</a>.`},
		{"all of it another link", "[It rose](https://b.example/)", "It", to, "It rose", `<a href="https://news.example/a">It rose</a>`},
		{"anchor across a mark", "The **Ural rose** at Oral.", "rose at", to, "The Ural rose at Oral.",
			`The <strong>Ural </strong><a href="https://news.example/a"><strong>rose</strong> at</a> Oral.`},
		{"nested marks", "***Both*** and `code`.", "and", to, "Both and code.",
			`<strong><em>Both</em></strong> <a href="https://news.example/a">and</a> <code>code</code>.`},
		{"no block marks", "1. May was *dry*.", "dry", to, "1. May was dry.", `1. May was <a href="https://news.example/a"><em>dry</em></a>.`},
		{"no heading", "# 7 is open", "open", to, "", `# 7 is <a href="https://news.example/a">open</a>`},
		{"signs", `5 < 6 & "so" it's`, "so", to, "", `5 &lt; 6 &amp; &#34;<a href="https://news.example/a">so</a>&#34; it&#39;s`},
		{"entity look-alikes", "A &copy B", "B", to, "", `A &amp;copy <a href="https://news.example/a">B</a>`},
		{"address with blanks and quotes", "It rose.", "rose", `https://news.example/a b?c="d"&e=<f>`, "",
			`It <a href="https://news.example/a%20b?c=%22d%22&amp;e=%3Cf%3E">rose</a>.`},
		{"no address", "It rose.", "rose", "", "", "It rose."},
		{"the editor's words win", "It rose.", "rose", to, "In the end the Ural rose after all.",
			`In the end the Ural <a href="https://news.example/a">rose</a> after all.`},
		{"address in other letters", "It rose.", "rose", "https://қаз/а", "", `It <a href="https://xn--80ao21a/%D0%B0">rose</a>.`},
		{"cyrillic", "Жайық деңгейі көтерілді. Тағы.", "деңгейі", to, "", `Жайық <a href="https://news.example/a">деңгейі</a> көтерілді. Тағы.`},
	}
	p := newProse()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plain := tt.plain
			if plain == "" {
				plain = tt.markdown
			}
			got := string(paragraphOf(p, newsletter.Strand{Text: plain, Items: []newsletter.Piece{{URL: tt.url, Text: tt.markdown, Anchor: tt.anchor}}}))
			if !sameHTML(t, got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func paragraphOf(p prose, s newsletter.Strand) template.HTML { return p.html(p.set(s, "en")) }

// sameHTML compares what a browser reads: how a sign is escaped does not matter.
func sameHTML(t *testing.T, a, b string) bool {
	t.Helper()
	return canonical(t, a) == canonical(t, b)
}

func canonical(t *testing.T, fragment string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(fragment))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := html.Render(&b, doc); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestParagraphJoinsPieces(t *testing.T) {
	s := newsletter.Strand{
		Text: "One rose. Meanwhile, two fell.",
		Items: []newsletter.Piece{
			{URL: "https://news.example/1", Text: "One *rose*.", Anchor: "One"},
			{URL: "https://news.example/2", Text: "Meanwhile, two fell.", Anchor: "two fell", Bridge: "Meanwhile,"},
		},
	}
	want := `<a href="https://news.example/1">One</a> <em>rose</em>. Meanwhile, <a href="https://news.example/2">two fell</a>.`
	if got := string(paragraphOf(newProse(), s)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// FuzzParagraph holds that no Markdown brings other elements than the four,
// other links than to the web, or other words than the strand's.
func FuzzParagraph(f *testing.F) {
	f.Add("The **Ural** [rose](https://a.example/) at `Oral`.", "The Ural rose at Oral.", "rose", "https://news.example/a")
	f.Add("<script>alert(1)</script> & <b onclick=x>", "x", "b", "javascript:alert(1)")
	f.Add("[a](javascript:alert(1)) ![i](data:text/html,x) <http://b.example>", "a http://b.example", "a", "data:text/html,x")
	f.Add("a\x00b\u202e\u200d\r\nc", "ab c", "", "//c.example")
	p := newProse()
	f.Fuzz(func(t *testing.T, markdown, words, anchor, url string) {
		s := newsletter.Strand{Text: words, Items: []newsletter.Piece{{Text: markdown, Anchor: anchor, URL: url}}}
		nodes, err := html.Parse(strings.NewReader("<!doctype html><p>" + string(paragraphOf(p, s)) + "</p>"))
		if err != nil {
			t.Fatal(err)
		}
		inert(t, nodes, "html", "head", "body", "p", "a", "em", "strong", "code")
		if got, want := squeeze(textOf(nodes)), squeeze(OneLine(words)); got != want {
			t.Errorf("got the words %q, want %q", got, want)
		}
	})
}
