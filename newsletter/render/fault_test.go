package render

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"apta/newsletter"
)

// inert reports everything in a page that could act: other elements than those
// allowed, event handlers, and addresses that are not of the web.
func inert(t *testing.T, doc *html.Node, elements ...string) {
	t.Helper()
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if !slices.Contains(elements, n.Data) {
			t.Errorf("there is an element <%s>", n.Data)
		}
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"):
				t.Errorf("<%s> has a handler %s=%q", n.Data, a.Key, a.Val)
			case a.Key == "href" && !strings.HasPrefix(a.Val, "http://") && !strings.HasPrefix(a.Val, "https://") && !strings.HasPrefix(a.Val, "AptaSlot") && !strings.HasPrefix(a.Val, "#p"):
				t.Errorf("<%s> leads to %q", n.Data, a.Val)
			case a.Key == "src" || a.Key == "srcset" || a.Key == "action" || a.Key == "formaction":
				t.Errorf("<%s> has %s=%q", n.Data, a.Key, a.Val)
			}
		}
	}
}

// attacks try every place where an item's words or address reach a page.
var attacks = []string{
	`<script>alert(1)</script>`,
	`</title><script>alert(1)</script>`,
	`</style><script>alert(1)</script>`,
	`<img src=x onerror=alert(1)>`,
	`<svg/onload=alert(1)>`,
	`<svg><script>alert(1)</script></svg>`,
	`<math><mi xlink:href="javascript:alert(1)">x</mi></math>`,
	`<a href="javascript:alert(1)">x</a>`,
	`[x](javascript:alert(1))`,
	`[x](JaVaScRiPt:alert(1))`,
	"[x](java\tscript:alert(1))",
	`[x](&#106;avascript:alert(1))`,
	`[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)`,
	`[x](vbscript:msgbox(1))`,
	`![x](https://tracker.example/pixel.gif)`,
	`![x](javascript:alert(1))`,
	`<javascript:alert(1)>`,
	`<https://a.example/"onmouseover="alert(1)>`,
	`[x](https://a.example/"onmouseover="alert(1))`,
	`<b onmouseover=alert(1)>b</b>`,
	`<p style="background:url(javascript:alert(1))">x</p>`,
	`<div style="position:fixed;inset:0">x</div>`,
	`<iframe src="https://a.example/"></iframe>`,
	`<object data="data:text/html,x"></object>`,
	`<form action="https://a.example/"><button>x</button></form>`,
	`<meta http-equiv="refresh" content="0;url=https://a.example/">`,
	`<base href="https://a.example/">`,
	`<link rel=stylesheet href=https://a.example/x.css>`,
	`<!--[if mso]><script>alert(1)</script><![endif]-->`,
	`--><script>alert(1)</script><!--`,
	`{{.Masthead}} {{template "open"}}`,
	"`<script>alert(1)</script>`",
	`\<script>alert(1)\</script>`,
	`&lt;script&gt;alert(1)&lt;/script&gt;`,
	`" onfocus="alert(1)" autofocus="`,
	`javascript:alert(1)`,
	`data:text/html,<script>alert(1)</script>`,
}

// mailElements are those of the mail's own template.
var mailElements = []string{"html", "head", "meta", "title", "style", "body", "div", "table", "tbody", "tr", "td", "h1", "h2", "p", "ul", "li", "br",
	"a", "em", "strong", "code", "ol", "b", "span"}

func TestFault_F3_ScriptsAreInert(t *testing.T) {
	r := newRenderer(t)
	for _, attack := range attacks {
		issue := sample(t, "en")
		issue.Title, issue.Standfirst, issue.Subject, issue.Preheader = attack, attack, attack, attack
		for _, text := range []string{attack, "plain words"} {
			issue.Strands = append(issue.Strands, newsletter.Strand{Text: text, Items: []newsletter.Piece{
				{Text: attack, URL: attack, Title: attack, Anchor: attack},
				{Text: attack, URL: "https://news.example/a", Title: attack, Anchor: "x"},
			}})
		}
		issue.Latest = append(issue.Latest, newsletter.Headline{Title: attack, URL: attack, Source: attack})
		m := masthead("en")
		m.Name, m.Newsroom, m.Postal, m.Reason = attack, attack, attack, attack
		mail, err := r.Mail(issue, m)
		if err != nil {
			t.Fatalf("%s: %v", attack, err)
		}
		doc, err := html.Parse(strings.NewReader(mail.HTML))
		if err != nil {
			t.Fatal(err)
		}
		inert(t, doc, mailElements...)
		for c := range doc.Descendants() {
			if c.Type == html.CommentNode && strings.Contains(c.Data, "script>") {
				t.Errorf("a comment that Outlook reads holds %q", c.Data)
			}
		}
		if regexp.MustCompile(`(?m)^\[\d+\] (javascript|data):`).MatchString(mail.Text) {
			t.Error("the text part has a link of another scheme than http and https")
		}
		if t.Failed() {
			t.Fatalf("by the attack %s", attack)
		}
	}
}

func TestFault_E3_OddTitles(t *testing.T) {
	tests := []struct{ name, title string }{
		{"500 characters", strings.Repeat("A title without end,", 25)},
		{"500 without a blank", strings.Repeat("Ұ", 500)},
		{"right to left", "אתמול בערב: הרכבת חוזרת (2024)"},
		{"right to left among left to right", "The paper الأسبوع في سطور is out"},
		{"override", "The \u202eyadot\u202c news"},
		{"emoji", "Weather: ☀️ then 🌧️, says 👩🏽‍🔬 of 🇰🇿"},
		{"zero width", "Zero\u200bwidth\u200d and\ufeff soft\u00adhyphen"},
		{"combining", "Z̸̢̛a͟l̕g̵o and Äffin"},
		{"line ends", "One\r\nBcc: x@example.com\r\n\r\ntwo\u2028three"},
		{"controls", "Bell\a, NUL\x00, escape\x1b[31m"},
		{"not UTF-8", "Caf\xe9"},
	}
	r := newRenderer(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			issue := sample(t, "en")
			issue.Title, issue.Subject, issue.Preheader = tt.title, tt.title, tt.title
			issue.Strands[0].Text, issue.Strands[0].Items = tt.title, []newsletter.Piece{{Text: tt.title, Title: tt.title, URL: "https://news.example/odd"}}
			issue.Latest[0].Title = tt.title
			mail, err := r.Mail(issue, masthead("en"))
			if err != nil {
				t.Fatal(err)
			}
			sameWords(t, issue, mail)
			markersLast(t, mail)
			if i := strings.IndexFunc(mail.Subject+mail.Preheader, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\u2028' }); i >= 0 {
				t.Errorf("a header would hold a control character: %q", mail.Subject)
			}
			for line := range strings.Lines(mail.Text) {
				if strings.HasPrefix(line, "Bcc:") || strings.Trim(line, "-\n") == "" && len(line) > 73 {
					t.Errorf("the text part has a line %q", line)
				}
			}
			if strings.HasPrefix(tt.name, "right to left") && !strings.Contains(mail.HTML, `<h1 dir="auto"`) {
				t.Error("the title does not choose its own direction")
			}
		})
	}
}
