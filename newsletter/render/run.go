package render

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// run is a stretch of words set in one way.
type run struct {
	text             string
	em, strong, code bool
	href             string
}

// plain is the words of the runs without their setting.
func plain(runs []run) string {
	var b strings.Builder
	for _, r := range runs {
		b.WriteString(r.text)
	}
	return b.String()
}

// linkAnchor links the first occurrence of the anchor that is free of other
// links. Where there is none it links the first sentence as far as that is free,
// and where nothing of it is free it takes the sentence from the other links: a
// piece without a way to its story would be worse.
func linkAnchor(runs []run, anchor, to string) []run {
	words := plain(runs)
	if to == "" || strings.TrimSpace(words) == "" {
		return runs
	}
	if anchor != "" {
		for at := 0; ; {
			i := strings.Index(words[at:], anchor)
			if i < 0 {
				break
			}
			if from := at + i; isFree(runs, from, from+len(anchor)) {
				return link(runs, from, from+len(anchor), to)
			}
			_, size := utf8.DecodeRuneInString(words[at+i:])
			at += i + size
		}
	}
	from, end := freeSentence(runs, words)
	return link(runs, from, end, to)
}

// freeSentence is the first sentence, or its longest beginning without a link
// of its own, or all of it where it begins with one.
func freeSentence(runs []run, words string) (from, end int) {
	end = sentence(words)
	at := 0
	for _, r := range runs {
		if r.href != "" {
			if at < end && strings.ContainsFunc(words[:at], unicode.IsLetter) {
				end = len(strings.TrimRightFunc(words[:at], unicode.IsSpace))
			}
			break
		}
		at += len(r.text)
	}
	return 0, end
}

// sentence is the length of the first sentence without its full stop. A full
// stop ends one where white space and no small letter follows.
func sentence(words string) int {
	for i, c := range words {
		rest := words[i+utf8.RuneLen(c):]
		switch c {
		case '.', '!', '?', '…':
			after := strings.TrimLeftFunc(rest, unicode.IsSpace)
			next, _ := utf8.DecodeRuneInString(after)
			if after == "" || len(after) < len(rest) && !unicode.IsLower(next) {
				return i
			}
		}
	}
	return len(words)
}

func isFree(runs []run, from, end int) bool {
	at := 0
	for _, r := range runs {
		if r.href != "" && at < end && at+len(r.text) > from {
			return false
		}
		at += len(r.text)
	}
	return true
}

// link sets the bytes [from, end) of the words as a link.
func link(runs []run, from, end int, to string) []run {
	var linked []run
	at := 0
	for _, r := range runs {
		a := min(max(from-at, 0), len(r.text))
		b := min(max(end-at, 0), len(r.text))
		at += len(r.text)
		before, inside, after := r, r, r
		before.text, inside.text, after.text = r.text[:a], r.text[a:b], r.text[b:]
		inside.href = to
		for _, part := range []run{before, inside, after} {
			if part.text != "" {
				linked = append(linked, part)
			}
		}
	}
	return linked
}

// write sets the runs in HTML. Neighbours with one target are one link.
func write(runs []run) string {
	var b strings.Builder
	href := ""
	for _, r := range runs {
		if r.href != href {
			if href != "" {
				b.WriteString("</a>")
			}
			if href = r.href; href != "" {
				b.WriteString(`<a href="` + html.EscapeString(href) + `">`)
			}
		}
		text := html.EscapeString(r.text)
		if r.code {
			text = "<code>" + text + "</code>"
		}
		if r.em {
			text = "<em>" + text + "</em>"
		}
		if r.strong {
			text = "<strong>" + text + "</strong>"
		}
		b.WriteString(text)
	}
	if href != "" {
		b.WriteString("</a>")
	}
	return b.String()
}
