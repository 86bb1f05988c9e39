package check

import (
	"path"
	"strings"

	"golang.org/x/net/html"
)

// uses counts what a mail asks of a mail program, by the slug of the data where
// it has one, else by name.
type uses struct {
	data     *Data
	features map[string]int
	unlisted map[string]int
}

// element groups are named once in the data.
var elementSlugs = map[string]string{
	"h1": "html-h1-h6", "h2": "html-h1-h6", "h3": "html-h1-h6", "h4": "html-h1-h6", "h5": "html-h1-h6", "h6": "html-h1-h6",
	"ul": "html-lists", "ol": "html-lists", "li": "html-lists", "dl": "html-lists", "dt": "html-lists", "dd": "html-lists",
	"tr": "html-table", "td": "html-table", "th": "html-table", "tbody": "html-table", "thead": "html-table", "tfoot": "html-table",
	"article": "html-semantics", "aside": "html-semantics", "details": "html-semantics", "figure": "html-semantics", "figcaption": "html-semantics", "footer": "html-semantics",
	"header": "html-semantics", "main": "html-semantics", "mark": "html-semantics", "nav": "html-semantics", "section": "html-semantics", "summary": "html-semantics", "time": "html-semantics",
}

// scan reads a mail's HTML token by token, as it is written: a parser would mend it first.
func scan(data *Data, page string) uses {
	u := uses{data, map[string]int{}, map[string]int{}}
	z := html.NewTokenizer(strings.NewReader(page))
	inStyle := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			return u
		case html.DoctypeToken:
			u.add("html-doctype", "<!doctype>")
		case html.CommentToken:
			u.add("html-comments", "<!-- -->")
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			u.element(t)
			inStyle = t.Data == "style"
		case html.EndTagToken:
			inStyle = false
		case html.TextToken:
			if inStyle {
				u.sheet(string(z.Raw()))
			}
		}
	}
}

// add counts a use of what the data calls slug, and otherwise has no entry for.
func (u uses) add(slug, name string) {
	if _, ok := u.data.features[slug]; ok {
		u.features[slug]++
		return
	}
	u.unlisted[name]++
}

func (u uses) element(t html.Token) {
	slug := elementSlugs[t.Data]
	if slug == "" {
		slug = "html-" + t.Data
	}
	u.add(slug, "<"+t.Data+">")
	for _, a := range t.Attr {
		u.attribute(t.Data, a)
	}
}

func (u uses) attribute(element string, a html.Attribute) {
	switch {
	case a.Key == "style":
		u.declarations(a.Val)
	case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
		u.add("html-anchor-links", `href="#"`)
	case a.Key == "href" && strings.HasPrefix(a.Val, "mailto:"):
		u.add("html-mailto-links", "mailto:")
	case element == "img" && a.Key == "src":
		u.image(a.Val)
	case element == "meta" && a.Key == "name" && a.Val == "color-scheme":
		u.add("html-meta-color-scheme", "color-scheme")
	case strings.HasPrefix(a.Key, "xmlns"), a.Key == "class", a.Key == "id":
		// A name; what it is good for is counted where a rule or a link uses it.
	default:
		slug := "html-" + a.Key
		if f, ok := u.data.features[slug]; !ok || !strings.Contains(f.Title, "attribute") {
			slug = ""
		}
		u.add(slug, element+" "+a.Key)
	}
}

func (u uses) image(src string) {
	if rest, ok := strings.CutPrefix(src, "data:"); ok {
		u.add("image-base64", "data: image")
		src, _, _ = strings.Cut(rest, ";")
		src = "x." + path.Base(src)
	}
	src, _, _ = strings.Cut(src, "?")
	kind := strings.TrimPrefix(strings.ToLower(path.Ext(strings.TrimSuffix(src, "@apta"))), ".")
	if kind == "jpeg" {
		kind = "jpg"
	}
	if kind != "" {
		u.add("image-"+kind, "image of type "+kind)
	}
}
