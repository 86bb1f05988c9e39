package feeds

import (
	"strings"
	"testing"

	"apta/newsletter/intake/heaptest"
)

// bombs are feeds of at most five megabytes, which is all that is fetched.
func bombs() map[string]string {
	const head, size = `<rss version="2.0" xmlns:x="urn:x"><channel><title>F</title><item><title>A</title><link>https://x.example/a</link>`, 5<<20 - 1000
	fill := func(piece string) string { return strings.Repeat(piece, size/len(piece)) }
	lol := `<!DOCTYPE lolz [<!ENTITY lol "lol">`
	for i := range 9 {
		lol += "<!ENTITY lol" + string(rune('1'+i)) + ` "` + strings.Repeat("&lol;", 10) + `">`
	}
	return map[string]string{
		"entities":           lol + `]><rss version="2.0"><channel><title>&lol9;</title></channel></rss>`,
		"an outside entity":  `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel><title>&e;</title></channel></rss>`,
		"a million deep":     head + strings.Repeat("<x:a>", 1_000_000),
		"deep and closed":    head + strings.Repeat("<x:a>", 400_000) + strings.Repeat("</x:a>", 400_000),
		"empty elements":     head + fill("<x:a/>"),
		"items":              head + "</item>" + fill("<item></item>"),
		"attributes":         head + "<x:a " + fill(`a="" `) + "/>",
		"comments":           head + "<x:a>" + fill("<!---->y"),
		"pieces of text":     head + "<x:a>" + fill("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy<b/>"),
		"nested HTML":        head + "<description><![CDATA[" + fill("<em><p>x") + "]]></description></item></channel></rss>",
		"escaped HTML":       head + "<description>" + fill("&lt;b&gt;") + "</description></item></channel></rss>",
		"HTML with a base":   `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://x.example/"><entry><content type="html"><![CDATA[` + fill("<em><p>x") + "]]></content></entry></feed>",
		"HTML in XHTML":      `<feed xmlns="http://www.w3.org/2005/Atom"><entry><content type="&#120;html"><![CDATA[` + fill("<em><p>x") + "]]></content></entry></feed>",
		"an unended comment": head + "<!--" + fill("-"),
		"an unended tag":     head + "<x " + fill("a "),
		"JSON, deep":         `{"items":` + strings.Repeat("[", 1_000_000),
		"JSON, items":        `{"version":"https://jsonfeed.org/version/1","items":[` + fill("{},") + "{}]}",
		"JSON, attachments":  `{"version":"https://jsonfeed.org/version/1","items":[{"id":"1","attachments":[` + fill("{},") + "{}]}]}",
	}
}

func TestFault_F1_BombsEndInAnError(t *testing.T) {
	for what, text := range bombs() {
		var p *Parsed
		var err error
		body := []byte(text)
		grown := heaptest.While(func() { p, err = reader().Read(body, "", "https://x.example/feed") })
		if err == nil {
			t.Errorf("%s: read as %d entries (%s)", what, len(p.Entries), p.Note)
		}
		if grown > 64<<20 {
			t.Errorf("%s: the heap grew by %d MB (%v)", what, grown>>20, err)
		}
	}
}

// What is large and yet a feed may be read, in bounded memory.
func TestFault_F1_LargeFeedsAreBounded(t *testing.T) {
	const head = `<rss version="2.0"><channel><title>F</title><item><title>A</title><link>https://x.example/a</link><description>`
	for what, text := range map[string]string{
		"one long text":  head + strings.Repeat("word ", 1_000_000) + "</description></item></channel></rss>",
		"many full ones": "<rss version=\"2.0\"><channel>" + strings.Repeat("<item><title>A</title><link>https://x.example/a</link><description>"+strings.Repeat("word ", 180)+"</description></item>", 5000) + "</channel></rss>",
	} {
		body := []byte(text)
		grown := heaptest.While(func() {
			if p, err := reader().Read(body, "", "https://x.example/feed"); err != nil || len(p.Entries) == 0 {
				t.Errorf("%s: %+v (%v)", what, p, err)
			}
		})
		if grown > 64<<20 {
			t.Errorf("%s: the heap grew by %d MB", what, grown>>20)
		}
	}
}
