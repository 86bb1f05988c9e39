package render

import (
	"bytes"
	"html/template"
	"slices"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/util"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"apta/newsletter"
)

// prose makes HTML of the Markdown in a strand. Only a (to http and https), em,
// strong and code come through; everything else in a text is inert words.
type prose struct {
	markdown goldmark.Markdown
	policy   *bluemonday.Policy
}

func newProse() prose {
	// A text is one paragraph: "1. May" or "# 7" at its beginning is no list and no heading.
	paragraphs := parser.WithBlockParsers(util.Prioritized(parser.NewParagraphParser(), 100))
	inlines := parser.WithInlineParsers(parser.DefaultInlineParsers()...)

	policy := bluemonday.NewPolicy()
	policy.AllowElements("em", "strong", "code")
	policy.AllowAttrs("href").OnElements("a")
	policy.AllowURLSchemes("http", "https")
	policy.RequireParseableURLs(true)
	return prose{
		markdown: goldmark.New(goldmark.WithParser(parser.NewParser(paragraphs, inlines))),
		policy:   policy,
	}
}

// set joins the strand's pieces. The words are always those of Strand.Text, set as
// the language has it: where the pieces say something else, as after an editor's
// hand, the text itself is taken and the anchors are linked in it.
func (p prose) set(s newsletter.Strand, language string) []run {
	var all []run
	for i, piece := range s.Items {
		runs := linkPiece(p.runs(piece.Text), piece)
		if i > 0 && len(all) > 0 && len(runs) > 0 {
			all = append(all, run{text: " "})
		}
		all = append(all, runs...)
	}
	if squeeze(plain(all)) != squeeze(OneLine(s.Text)) {
		all = []run{{text: OneLine(s.Text)}}
		for _, piece := range s.Items {
			all = linkAnchor(all, piece.Anchor, WebURL(piece.URL))
		}
	}
	return typesetRuns(all, language)
}

// html sets runs in HTML. What is written here has no other elements; the policy
// is the second lock on the door.
func (p prose) html(runs []run) template.HTML { return template.HTML(p.policy.Sanitize(write(runs))) }

// runs reads Markdown into runs of words.
func (p prose) runs(markdown string) []run {
	var b bytes.Buffer
	if err := p.markdown.Convert([]byte(OneLine(markdown)), &b); err != nil {
		return []run{{text: markdown}}
	}
	clean := p.policy.SanitizeBytes(b.Bytes())
	nodes, err := html.ParseFragment(bytes.NewReader(clean), &html.Node{Type: html.ElementNode, Data: "p", DataAtom: atom.P})
	if err != nil {
		return []run{{text: markdown}}
	}
	var runs []run
	for _, n := range nodes {
		runs = appendRuns(runs, n, run{})
	}
	return trim(runs)
}

func appendRuns(runs []run, n *html.Node, style run) []run {
	if n.Type == html.TextNode {
		style.text = strings.ReplaceAll(n.Data, "\n", " ")
		return append(runs, style)
	}
	switch n.DataAtom {
	case atom.Em:
		style.em = true
	case atom.Strong:
		style.strong = true
	case atom.Code:
		style.code = true
	case atom.A:
		for _, a := range n.Attr {
			if a.Key == "href" {
				style.href = WebURL(a.Val)
			}
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		runs = appendRuns(runs, c, style)
	}
	return runs
}

// trim takes white space off both ends.
func trim(runs []run) []run {
	for len(runs) > 0 {
		if runs[0].text = strings.TrimLeft(runs[0].text, " "); runs[0].text != "" {
			break
		}
		runs = runs[1:]
	}
	for len(runs) > 0 {
		last := &runs[len(runs)-1]
		if last.text = strings.TrimRight(last.text, " "); last.text != "" {
			break
		}
		runs = runs[:len(runs)-1]
	}
	return runs
}

// squeeze makes any white space one blank, as a browser does.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// linkPiece sees to it that the piece leads to its story.
func linkPiece(runs []run, piece newsletter.Piece) []run {
	to := WebURL(piece.URL)
	if to == "" || slices.ContainsFunc(runs, func(r run) bool { return r.href == to }) {
		return runs
	}
	return linkAnchor(runs, piece.Anchor, to)
}
