package newsletter

import (
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// PlainText gives the words of a summary as a reader sees them: marks, links'
// addresses and raw HTML are gone, and all is one line.
func PlainText(markdown string) string {
	if isPlain(markdown) {
		return markdown
	}
	source := []byte(markdown)
	var b strings.Builder
	ast.Walk(parser.Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			if n.Type() == ast.TypeBlock {
				b.WriteByte(' ')
			}
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(unescape(n.Value(source), n.IsRaw()))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.AutoLink:
			b.Write(n.Label(source))
		case *ast.RawHTML, *ast.HTMLBlock:
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

// parser is made once: making one costs more than a summary's parsing.
var parser = goldmark.DefaultParser()

// isPlain reports whether a summary can hold no mark at all, which is so for
// nearly all of them and spares the parser.
func isPlain(s string) bool {
	if s == "" || strings.ContainsAny(s[:1], " \t#-+=~0123456789") || s[len(s)-1] == ' ' || strings.Contains(s, "  ") {
		return false
	}
	return !strings.ContainsAny(s, "\\`*_[]<>&\n\r\t")
}

// unescape resolves what Markdown's renderer resolves only when it writes.
func unescape(s []byte, raw bool) []byte {
	if raw {
		return s
	}
	return util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(s)))
}
