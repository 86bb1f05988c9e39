package intake

import (
	"strings"
	"testing"

	"apta/newsletter"
)

func TestSummary(t *testing.T) {
	s := NewScrubber()
	for in, want := range map[string]string{
		"<p>The harbour <b>reopened</b> on <i>Monday</i>.</p><p>Ships came.</p>":                                                                      "The harbour **reopened** on *Monday*. Ships came.",
		`Rain <a href="javascript:alert(1)">fell</a>.<img src="https://t.example/p.gif" width=1 height=1><script>alert(1)</script><style>p{}</style>`: "Rain fell.",
		"A &lt;script&gt; is text, 2*3*4, a_b, [x](y) &amp;amp; `c`":                                                                                  "A \\<script\\> is text, 2\\*3\\*4, a\\_b, \\[x\\](y) \\&amp; \\`c\\`",
		"# not a heading":              "\\# not a heading",
		"1. Mai war Feiertag":          "1\\. Mai war Feiertag",
		"7 people":                     "7 people",
		"<em> </em>x<em><b>y</b>":      "xy",
		"<b>a<i>b</i></b> c":           "**ab** c",
		"half a <b>paragraph<p>next":   "half a **paragraph** next",
		"<svg onload=alert(1)>x</svg>": "x",
		"a\x00b<br>c&nbsp;d":           "ab c d",
	} {
		if got := s.Summary(in); got != want {
			t.Errorf("%q gives %q, not %q", in, got, want)
		}
	}
	if got := s.Words("Two <b>sh</b>ips &amp; a <br>boat"); got != "Two ships & a boat" {
		t.Errorf("words %q", got)
	}
}

func TestLongSummariesEndWithASentence(t *testing.T) {
	s := NewScrubber()
	got := s.Summary(strings.Repeat("The council met and agreed on nothing at all. ", 40))
	if n := len([]rune(got)); n > longestSummary || n < longestSummary/2 || !strings.HasSuffix(got, "all.") {
		t.Errorf("%d characters: %q", n, got)
	}
	got = s.Summary("<b>" + strings.Repeat("қала ", 400))
	if strings.Count(got, "**")%2 != 0 {
		t.Errorf("cut within emphasis: %q", got)
	}
	if got = s.Summary(strings.Repeat("қала ", 400)); !strings.HasSuffix(got, "қала…") || len([]rune(got)) > longestSummary+1 {
		t.Errorf("%q", got)
	}
}

func FuzzSummary(f *testing.F) {
	f.Add("<p>A <b>b</b> *c* &lt;d&gt; 1. e")
	f.Add("<script>x</script><em>y<p>z</em>")
	s := NewScrubber()
	f.Fuzz(func(t *testing.T, in string) {
		got := s.Summary(in)
		if strings.ContainsAny(got, "\n\r\x00") {
			t.Fatalf("%q gives %q", in, got)
		}
		if plain := newsletter.PlainText(got); strings.Contains(strings.ToLower(got), "<script") || strings.Contains(plain, "\x00") {
			t.Fatalf("%q gives %q, which reads %q", in, got, plain)
		}
	})
}
