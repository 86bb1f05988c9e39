package intake

import (
	"bytes"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/renderer/html"
	nethtml "golang.org/x/net/html"
)

// Whatever a feed or a page says, a summary is words and emphasis, even to a
// renderer that lets raw HTML through.
func TestFault_F3_SummariesAreInert(t *testing.T) {
	unsafe := goldmark.New(goldmark.WithRendererOptions(html.WithUnsafe()))
	s := NewScrubber()
	for _, attack := range []string{
		`<script>alert(1)</script>`, `<scr<script>ipt>alert(1)</scr</script>ipt>`, `<img src=x onerror=alert(1)>`, `<svg/onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`,
		`<a href="javascript:alert(1)">x</a>`, `<a href="&#106;avascript:alert(1)">x</a>`, `[x](javascript:alert(1))`, `![x](https://t.example/p.gif)`, `<javascript:alert(1)>`,
		`&lt;script&gt;alert(1)&lt;/script&gt;`, `&amp;lt;script&amp;gt;alert(1)`, `<p style="background:url(javascript:alert(1))">x</p>`, `<style>@import 'x';</style>x`,
		`<iframe src="data:text/html,<script>alert(1)</script>"></iframe>`, `<math><mi xlink:href="data:x,<script>alert(1)</script>">`, `<b onmouseover=alert(1)>x</b>`, `"><script>alert(1)</script>`,
		`<!--><script>alert(1)</script>-->`, `<![CDATA[<script>alert(1)</script>]]>`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `<template><script>alert(1)</script></template>`,
		`<form action=https://evil.example><input name=a></form>`, `<meta http-equiv=refresh content="0;url=https://evil.example">`, `<base href=https://evil.example>`, `<object data=x></object>`,
		"[x]: javascript:alert(1)\n[x]", "`<script>`", "<em><script>alert(1)</script></em>", "a\n\n<div onclick=alert(1)>b</div>", "https://evil.example/ <https://evil.example/>", "*x*<b>*y</b>",
	} {
		for _, text := range []string{attack, "Words. " + attack + " More.", strings.ToUpper(attack)} {
			var out bytes.Buffer
			summary := s.Summary(text)
			if err := unsafe.Convert([]byte(summary), &out); err != nil {
				t.Fatal(err)
			}
			for z := nethtml.NewTokenizer(&out); z.Next() != nethtml.ErrorToken; {
				token := z.Token()
				if token.Type == nethtml.TextToken || (token.Data == "p" || token.Data == "em" || token.Data == "strong") && len(token.Attr) == 0 {
					continue
				}
				t.Errorf("%q gives %q, which has %v", text, summary, token)
			}
		}
	}
}
