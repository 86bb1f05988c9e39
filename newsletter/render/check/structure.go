package check

import (
	"fmt"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"apta/newsletter"
)

// structure looks for what a reader, or a reader's screen reader, would miss.
func structure(m newsletter.Mail) []Finding {
	doc, err := html.Parse(strings.NewReader(m.HTML))
	if err != nil {
		return []Finding{{Level: Error, Kind: "structure", What: "HTML", Text: "The HTML cannot be read: " + err.Error()}}
	}
	var list []Finding
	bad := func(level Level, kind, what, format string, args ...any) {
		list = append(list, Finding{Level: level, Kind: kind, What: what, Text: fmt.Sprintf(format, args...)})
	}
	headings := 0
	for n := range doc.Descendants() {
		switch n.DataAtom {
		case atom.Html:
			if attr(n, "lang") == "" {
				bad(Error, "structure", "lang", "The mail does not say in which language it is.")
			}
		case atom.H1:
			headings++
		case atom.Img:
			src := attr(n, "src")
			if _, has := attribute(n, "alt"); !has {
				bad(Error, "image", src, "The picture %s has no alternative text.", src)
			}
			if attr(n, "width") == "" || attr(n, "height") == "" {
				bad(Warning, "image", src, "The picture %s does not say its width and height: the text jumps when it comes.", src)
			}
		case atom.A:
			href, isLink := attribute(n, "href")
			if isLink && strings.TrimSpace(words(n)) == "" {
				bad(Error, "link", href, "The link to %s has no words.", href)
			}
			if strings.HasPrefix(href, "http://") {
				bad(Note, "link", href, "The link to %s is not encrypted.", href)
			}
		case atom.Table:
			if attr(n, "role") != "presentation" {
				bad(Warning, "structure", "table", "A table without role=presentation is read out as a table.")
			}
		}
	}
	if headings != 1 {
		bad(Warning, "structure", "h1", "The mail has %d main headings, not one.", headings)
	}
	return list
}

func attr(n *html.Node, key string) string { v, _ := attribute(n, key); return v }

func attribute(n *html.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

// words are what is read out of an element: its text and its pictures' alternatives.
func words(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
		if c.DataAtom == atom.Img {
			b.WriteString(attr(c, "alt"))
		}
	}
	return b.String()
}
