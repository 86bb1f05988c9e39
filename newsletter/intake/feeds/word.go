package feeds

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// hasWord reports whether a word of the text begins like word: Russian and Kazakh
// words change at their ends.
func hasWord(text, word string) bool {
	text, word = strings.ToLower(text), strings.ToLower(word)
	for at := 0; ; {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return false
		}
		before, n := utf8.DecodeLastRuneInString(text[:at+i])
		if n == 0 || !unicode.IsLetter(before) && !unicode.IsDigit(before) {
			return true
		}
		at += i + len(word)
	}
}
