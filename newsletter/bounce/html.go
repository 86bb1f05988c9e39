package bounce

import (
	"strings"

	"golang.org/x/net/html"
)

// plain gives the text of a page, with a line for each block.
func plain(page string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(page))
	for hidden := 0; ; {
		kind := z.Next()
		switch kind {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			if hidden == 0 {
				b.WriteString(strings.ReplaceAll(string(z.Text()), "\n", " "))
			}
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			name, _ := z.TagName()
			switch string(name) {
			case "style", "script", "title":
				if kind == html.EndTagToken {
					hidden = max(hidden-1, 0)
				} else if kind == html.StartTagToken {
					hidden++
				}
			case "br", "p", "div", "tr", "td", "li", "h1", "h2", "h3", "table", "pre", "hr":
				b.WriteByte('\n')
			}
		}
	}
}
