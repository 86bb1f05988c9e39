package week

import (
	"strings"
	"testing"
)

func TestPasted(t *testing.T) {
	s := newScrubber()
	for _, c := range []struct{ html, want string }{
		{"plain words", "plain words"},
		{"<p>One <b>bold </b>word and <i> leaning</i> ones.</p><p>Another.</p>", "One **bold** word and *leaning* ones. Another."},
		{`<a href="https://quaypost.example/a_(b)">the story</a> and <a href="javascript:alert(1)">not this</a>`, "[the story](https://quaypost.example/a_%28b%29) and not this"},
		{"2 * 3 [x] _y_ a\\b", `2 \* 3 \[x\] \_y\_ a\\b`},
		{"<html><head><style>p{color:red}</style></head><body><!--StartFragment--><p class=MsoNormal><b style='mso-x:y'>Bold</b><o:p>&nbsp;</o:p></p><!--EndFragment-->rest</body>", "**Bold**"},
		{"<script>alert(1)</script><img src=x onerror=alert(1)>words", "words"},
		{"<b>never closed", "**never closed**"},
		{"", ""},
		{"a\x00b\x1bc", "abc"},
	} {
		if got := s.markdown(c.html); got != c.want {
			t.Errorf("%q\n got %q\nwant %q", c.html, got, c.want)
		}
	}
}

// What is pasted ends, however much of it there is and however it is nested.
func TestPastedIsBounded(t *testing.T) {
	s := newScrubber()
	for name, text := range map[string]string{
		"marks": strings.Repeat("<b>x</b> ", 300_000), "open": strings.Repeat("<b>", 200_000) + "x", "words": strings.Repeat("<p>word ", 300_000),
		"styles": "<style>" + strings.Repeat("p{}", 700_000) + "</style>x", "nested": strings.Repeat("<i><b>", 50_000) + "x" + strings.Repeat("</b></i>", 50_000),
	} {
		if got := s.markdown(text); len(got) > 6*mostWords {
			t.Errorf("%s: %d bytes came of %d", name, len(got), len(text))
		}
	}
}
