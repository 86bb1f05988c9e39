package intake

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
)

// longestSummary bounds a summary, in characters: what is longer ends with the
// last sentence that fits.
const longestSummary = 600

// longestText bounds what is looked at of a text, in bytes: some send the whole
// story, some a bomb, and a summary is at its beginning.
const longestText = 64 << 10

// head gives a text's beginning.
func head(text string) string {
	if len(text) <= longestText {
		return text
	}
	return strings.ToValidUTF8(text[:longestText], "")
}

// Scrubber makes summaries of other people's HTML. It is safe for concurrent use.
type Scrubber struct{ policy *bluemonday.Policy }

// NewScrubber makes a scrubber.
func NewScrubber() Scrubber {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "div", "li", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "td", "em", "i", "cite", "strong", "b")
	return Scrubber{p}
}

// Summary gives the first sentences of a text in HTML as Markdown on one line:
// words, emphasis, and nothing else. Links give up their addresses, because the
// words of a summary carry the item's own; pictures go, those that count readers
// among them.
func (s Scrubber) Summary(text string) string {
	var b strings.Builder
	write(&b, s.policy.Sanitize(head(text)))
	return shorten(strings.Join(strings.Fields(b.String()), " "), longestSummary)
}

// longestTitle bounds what Words gives, in characters.
const longestTitle = 500

// Words gives a text in HTML as plain words on one line, as for a title.
func (s Scrubber) Words(text string) string {
	z := html.NewTokenizer(strings.NewReader(s.policy.Sanitize(head(text))))
	var b strings.Builder
	for {
		switch z.Next() {
		case html.ErrorToken:
			words := []rune(oneLine(strings.ToValidUTF8(b.String(), "")))
			if len(words) > longestTitle {
				return strings.TrimSpace(string(words[:longestTitle])) + "…"
			}
			return string(words)
		case html.TextToken:
			b.Write(z.Text())
		default:
			if name, _ := z.TagName(); mark(string(name)) == "" {
				b.WriteByte(' ')
			}
		}
	}
}

// mark is the Markdown that stands before and behind an element.
func mark(element string) string {
	switch element {
	case "em", "i", "cite":
		return "*"
	case "strong", "b":
		return "**"
	}
	return ""
}

// write makes Markdown of HTML that the policy has let through. Emphasis is only
// written around words, not around spaces, within one paragraph, and not nested:
// otherwise its asterisks would be read as asterisks.
func write(b *strings.Builder, clean string) {
	z := html.NewTokenizer(strings.NewReader(clean))
	open := ""
	var inside strings.Builder
	flush := func() {
		words := strings.Join(strings.Fields(inside.String()), " ")
		inside.Reset()
		if words != "" {
			b.WriteString(open + words + open)
		}
		open = ""
	}
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			flush()
			return
		case html.TextToken:
			text := escape(string(z.Text()))
			if open == "" {
				b.WriteString(text)
			} else {
				inside.WriteString(text)
			}
		default:
			name, _ := z.TagName()
			m := mark(string(name))
			switch {
			case m == "": // a paragraph ends or a line does
				flush()
				b.WriteByte(' ')
			case open == "" && kind == html.StartTagToken && standsAlone(b.String()):
				open = m
			case open == m && kind == html.EndTagToken:
				flush()
			}
		}
	}
}

// standsAlone reports whether emphasis may begin behind a text: in the middle of
// a word Markdown would not always take it for emphasis.
func standsAlone(before string) bool {
	r, n := utf8.DecodeLastRuneInString(before)
	return n == 0 || unicode.IsSpace(r) || strings.ContainsRune("(\"«„“—–-", r)
}

// escape keeps words from being read as marks. Controls go: no database keeps a
// NUL, and no mail has use for the others.
func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == utf8.RuneError, r < ' ' && !unicode.IsSpace(r), r == 0x7f:
			continue
		case strings.ContainsRune("\\`*_[]<>&", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// shorten cuts a text behind the last sentence that fits, or else behind the last
// word, and never within emphasis.
func shorten(s string, limit int) string {
	if s != "" && strings.ContainsAny(s[:1], "#-+=~0123456789") {
		s = guardStart(s)
	}
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	sentence, word, n, stars := 0, 0, 0, 0
	runes := []rune(s)
	for i, r := range runes[:limit] {
		if r == '*' && (i == 0 || runes[i-1] != '\\') {
			stars++
		}
		if r != ' ' || stars%2 != 0 || inStrong(runes[:i]) {
			continue
		}
		word = i
		if n = i - 1; n > 0 && strings.ContainsRune(".!?…", runes[n]) {
			sentence = i
		}
	}
	if sentence > limit/4 {
		return string(runes[:sentence])
	}
	return strings.TrimRight(string(runes[:word]), " ,;:—–-") + "…"
}

// inStrong reports whether a text ends inside ** and **.
func inStrong(s []rune) bool { return strings.Count(string(s), "**")%2 != 0 }

// guardStart escapes what would begin a list or a heading.
func guardStart(s string) string {
	digits := strings.TrimLeft(s, "0123456789")
	if len(digits) == len(s) {
		return "\\" + s
	}
	if digits != "" && (digits[0] == '.' || digits[0] == ')') {
		return s[:len(s)-len(digits)] + "\\" + digits
	}
	return s
}
