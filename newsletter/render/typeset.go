package render

import (
	"strings"
	"unicode"

	"golang.org/x/text/language"
)

// quotes are the outer and inner quotation marks of languages whose readers find
// straight ones wrong. Other languages' texts are left as they are written.
var quotes = map[string][4]string{
	"ru": {"«", "»", "„", "“"}, "kk": {"«", "»", "„", "“"}, "ky": {"«", "»", "„", "“"}, "uk": {"«", "»", "„", "“"}, "be": {"«", "»", "„", "“"}, "tg": {"«", "»", "„", "“"},
}

// setter sets a text letter by letter: straight quotes become the language's, and
// a hyphen between blanks a dash that does not begin a line.
type setter struct {
	marks [4]string
	depth int  // of open quotes
	last  rune // before the one that is set
	low   bool // the text has low quotes: then a high one closes, and is right as it is
}

// newSetter gives nil for a language whose texts are left as they are.
func newSetter(tag string) *setter {
	marks, ok := quotes[baseOf(tag)]
	if !ok {
		return nil
	}
	return &setter{marks: marks, last: ' '}
}

// baseOf is the language of a tag: ru of ru-KZ.
func baseOf(tag string) string {
	base, _ := language.Make(tag).Base()
	return base.String()
}

// Typeset gives a line of words as their language sets it.
func Typeset(words, language string) string {
	s := newSetter(language)
	if s == nil || !strings.ContainsAny(words, "\"-–“”") {
		return words
	}
	s.low = strings.Contains(words, "„")
	return s.set(words, "")
}

func typesetRuns(runs []run, language string) []run {
	s := newSetter(language)
	if s == nil {
		return runs
	}
	s.low = strings.Contains(plain(runs), "„")
	for i := range runs {
		if runs[i].code {
			s.last = 'x'
			continue
		}
		next := ""
		if i+1 < len(runs) {
			next = runs[i+1].text
		}
		runs[i].text = s.set(runs[i].text, next)
	}
	return runs
}

// set sets a stretch of words; next is what follows it.
func (s *setter) set(words, next string) string {
	var b strings.Builder
	all := []rune(words + next)
	for i, c := range []rune(words) {
		after := ' '
		if i+1 < len(all) {
			after = all[i+1]
		}
		switch {
		case c == '"' || (c == '“' || c == '”') && !s.low:
			b.WriteString(s.quote(after))
		case (c == '-' || c == '–') && s.last == ' ' && after == ' ':
			b.WriteRune('—')
		default:
			b.WriteRune(c)
		}
		s.last = c
	}
	return b.String()
}

// quote is a quotation mark: one opens at the beginning of a word.
func (s *setter) quote(after rune) string {
	opens := (unicode.IsSpace(s.last) || strings.ContainsRune("([{«„—–-/\"", s.last)) && !unicode.IsSpace(after)
	if opens || s.depth == 0 {
		s.depth++
		return s.marks[min(s.depth-1, 1)*2]
	}
	s.depth--
	return s.marks[min(s.depth, 1)*2+1]
}
