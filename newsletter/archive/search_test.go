package archive

import (
	"html"
	"net/url"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
)

func TestSearchPage(t *testing.T) {
	list := weeks()
	list[1].Strands[0].Text = "Жайықтың деңгейі көтерілді. ІРІ қала."
	list[1].Strands[0].Items = nil
	ru := issue("2024-W41", time.Date(2024, 10, 7, 0, 0, 0, 0, almaty), "ru", "Реки и «дороги»", newsletter.Sent)
	ru.Strands[0].Text = "Уровень Урала поднялся, <b>ёлка</b> стоит."
	server := site(t, append(list, ru)...)
	for query, want := range map[string]string{
		"ural":        `The <mark>Ural</mark> rose at Oral.`,
		"RIVERS rose": `<mark>Rivers</mark>, Railways, and More`,
		"bak cent":    `<mark>Bakery</mark> Marks a <mark>Century</mark>`,
		"урал елка":   `Уровень <mark>Урала</mark> поднялся, &lt;b&gt;<mark>ёлка</mark>&lt;/b&gt; стоит.`,
		"ЖАЙЫҚ ірі":   `<mark>Жайықтың</mark> деңгейі көтерілді. <mark>ІРІ</mark> қала.`,
		"қала":        "Issues found: 1",
		"hardly":      "Nothing was found.",
		"":            "the beginning of a word is enough",
		"%00<\"'":     "Nothing was found.",
	} {
		resp, body := get(t, "GET", server.URL+"/weekly/search?q="+url.QueryEscape(query))
		if resp.StatusCode != 200 || !strings.Contains(body, want) {
			t.Errorf("%q: status %d, without %q:\n%s", query, resp.StatusCode, want, body)
		}
		if !strings.Contains(body, `value="`) || query != "%00<\"'" && !strings.Contains(body, `value="`+html.EscapeString(query)+`"`) {
			t.Errorf("%q: the query is gone from its field", query)
		}
		if strings.Contains(body, "Not Out Yet") || strings.Contains(body, "Hardly Begun") || resp.Header.Get("X-Robots-Tag") != "noindex" {
			t.Errorf("%q: %v\n%s", query, resp.Header, body)
		}
		alone(t, body)
		secure(t, resp)
	}
	for _, raw := range []string{"", "?", "?q", "?q=%", "?q=%zz;x", "?q=a&q=b", "?q=%ff%fe%00", "?" + strings.Repeat("q=%28&", 2000), "?q=" + strings.Repeat("%D3%A9", 4000)} {
		if resp, _ := get(t, "GET", server.URL+"/weekly/search"+raw); resp.StatusCode != 200 {
			t.Errorf("%.30s: status %d", raw, resp.StatusCode)
		}
	}
}

func TestSnippet(t *testing.T) {
	long := strings.Repeat("word ", 100) + "needle, " + strings.Repeat("filler ", 100) + "Needles and thread. " + strings.Repeat("tail ", 50) + "end."
	for _, c := range []struct{ text, terms, want string }{
		{"", "x", ""},
		{"«Short» text.", "none", "«Short» text."},
		{"«Short» text.", "sh", "«[Short]» text."},
		{"— !", "x", ""},
		{long, "need", "… word word word word word word [needle], " + strings.TrimSpace(strings.Repeat("filler ", 25)) + " …"},
		{long, "thread needle", "… " + strings.Repeat("filler ", 6) + "[Needles] and [thread]. " + strings.TrimSpace(strings.Repeat("tail ", 23)) + " …"},
		{long, "end", "… " + strings.Repeat("tail ", 31) + "[end]."},
	} {
		var b strings.Builder
		for _, f := range snippet(c.text, strings.Fields(c.terms)) {
			if f.Hit {
				f.Text = "[" + f.Text + "]"
			}
			b.WriteString(f.Text)
		}
		if b.String() != c.want {
			t.Errorf("%q in %.30q:\ngot  %q\nwant %q", c.terms, c.text, b.String(), c.want)
		}
	}
}
