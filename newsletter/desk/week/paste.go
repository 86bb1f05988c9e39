package week

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"apta/newsletter/render"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// scrubber makes Markdown of what was copied from a word processor or a page:
// words, emphasis and links, and nothing else of it.
type scrubber struct{ policy *bluemonday.Policy }

func newScrubber() scrubber {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "div", "li", "td", "h1", "h2", "h3", "h4", "h5", "h6", "em", "i", "strong", "b")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https")
	return scrubber{p}
}

const (
	mostPasted = 16 << 20 // bytes of HTML: a page of Word is some hundred times its words
	maxMarks   = 3        // bold, leaning and a link
	mostWords  = 64 << 10 // bytes of what is made of it; far more than an issue takes
)

// markdown is what is left of a piece of HTML, on one line.
func (s scrubber) markdown(text string) string {
	clean := s.policy.SanitizeBytes(fragment([]byte(text)))
	z := html.NewTokenizer(bytes.NewReader(clean))
	var b strings.Builder
	var marks []mark
	for {
		kind := z.Next()
		if b.Len() > mostWords {
			kind = html.ErrorToken
		}
		switch kind {
		case html.ErrorToken:
			for len(marks) > 0 {
				marks = closeMark(&b, marks)
			}
			return strings.Join(strings.Fields(b.String()), " ")
		case html.TextToken:
			text := z.Text()
			if len(text) > mostWords {
				text = text[:mostWords]
			}
			b.WriteString(escaped(string(text)))
		case html.StartTagToken:
			marks = openMark(&b, marks, z)
		case html.EndTagToken:
			name, _ := z.TagName()
			a := atom.Lookup(name)
			if len(marks) > 0 && marks[len(marks)-1].element == a {
				marks = closeMark(&b, marks)
			} else if !inline(a) {
				b.WriteByte(' ')
			}
		default:
			b.WriteByte(' ')
		}
	}
}

// mark is an element under way.
type mark struct {
	element    atom.Atom
	sign, href string
	from       int // where its words begin
}

func inline(a atom.Atom) bool {
	return a == atom.Em || a == atom.I || a == atom.Strong || a == atom.B || a == atom.A
}

func openMark(b *strings.Builder, marks []mark, z *html.Tokenizer) []mark {
	name, more := z.TagName()
	m := mark{element: atom.Lookup(name), from: b.Len()}
	switch m.element {
	case atom.Em, atom.I:
		m.sign = "*"
	case atom.Strong, atom.B:
		m.sign = "**"
	case atom.A:
		for more {
			var key, value []byte
			key, value, more = z.TagAttr()
			if string(key) == "href" {
				m.href = render.WebURL(string(value))
			}
		}
	default:
		b.WriteByte(' ')
		return marks
	}
	if len(marks) == maxMarks || slices.ContainsFunc(marks, func(o mark) bool { return o.sign == m.sign }) {
		m.element = 0 // bold within bold is bold
	}
	if m.element == 0 {
		return marks
	}
	return append(marks, m)
}

// closeMark puts the signs around the words themselves: Markdown knows none with
// a space at its inner side.
func closeMark(b *strings.Builder, marks []mark) []mark {
	m := marks[len(marks)-1]
	all := b.String()
	words := all[m.from:]
	inner := strings.TrimSpace(words)
	b.Reset()
	b.WriteString(all[:m.from])
	lead, trail := words[:len(words)-len(strings.TrimLeftFunc(words, unicode.IsSpace))], ""
	if inner != "" {
		trail = words[len(lead)+len(inner):]
	}
	b.WriteString(lead)
	switch {
	case inner == "":
	case m.sign != "":
		b.WriteString(m.sign + inner + m.sign)
	case m.href != "":
		b.WriteString("[" + inner + "](" + strings.NewReplacer("(", "%28", ")", "%29").Replace(m.href) + ")")
	default:
		b.WriteString(inner)
	}
	b.WriteString(trail)
	return marks[:len(marks)-1]
}

// fragment is what a program says was copied, where it says so: around it Word
// writes its own style sheets, comments and lists.
func fragment(text []byte) []byte {
	const start, end = "<!--StartFragment-->", "<!--EndFragment-->"
	if at := bytes.Index(text, []byte(start)); at >= 0 {
		text = text[at+len(start):]
	}
	if at := bytes.LastIndex(text, []byte(end)); at >= 0 {
		text = text[:at]
	}
	return text
}

// escaped keeps words from being read as marks.
func escaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == utf8.RuneError, r < ' ' && !unicode.IsSpace(r), r == 0x7f:
			continue
		case strings.ContainsRune("\\`*_[]<>", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// paste gives what was copied as Markdown.
func (s *Screen) paste(w http.ResponseWriter, r *http.Request) error {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostPasted))
	if err != nil {
		http.Error(w, "that is more than can be pasted", http.StatusRequestEntityTooLarge)
		return nil
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, s.scrub.markdown(string(text)))
	return nil
}
