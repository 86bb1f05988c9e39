package newsletter

import (
	"iter"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Words gives the words of a text as search compares them, each with its place:
// text[from:to] is the word as it was written. A word is a run of letters,
// digits and the marks that belong to them, in any script.
func Words(text string) iter.Seq[Word] {
	return func(yield func(Word) bool) {
		from := -1
		for i, c := range text {
			inside := unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.IsMark(c) && from >= 0
			if inside && from < 0 {
				from = i
			}
			if !inside && from >= 0 {
				if !yield(Word{Fold(text[from:i]), from, i}) {
					return
				}
				from = -1
			}
		}
		if from >= 0 {
			yield(Word{Fold(text[from:]), from, len(text)})
		}
	}
}

// Word is a word of a text, folded, and its place in bytes.
type Word struct {
	Folded   string
	From, To int
}

// breve makes и into й, another letter, where other accents only dress one.
const breve = '\u0306'

// Fold makes equal what a reader takes for the same when searching: capitals
// and small letters of every script, composed and decomposed letters, wide and
// narrow forms, accents and none (café, cafe; ёлка, елка). й stays й, and the
// letters of Kazakh are letters of their own: Қ is қ and not к.
func Fold(word string) string {
	if folded, ok := foldPlain(word); ok {
		return folded
	}
	var b strings.Builder
	var last rune
	for _, c := range norm.NFKD.String(cases.Fold().String(strings.ToValidUTF8(word, ""))) {
		if c < 0x300 || c > 0x36f || c == breve && last == 'и' {
			b.WriteRune(c)
		}
		last = c
	}
	return norm.NFC.String(cases.Fold().String(b.String()))
}

// foldPlain folds words of unaccented Latin and of Russian and Kazakh letters,
// which is nearly all, without the tables of Unicode.
func foldPlain(word string) (folded string, ok bool) {
	same := true
	for _, c := range word {
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || 'а' <= c && c <= 'я' || strings.ContainsRune("әғқңөұүһі", c):
		case 'A' <= c && c <= 'Z' || 'А' <= c && c <= 'Я':
			same = false
		default:
			return "", false
		}
	}
	if same {
		return word, true
	}
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' || 'А' <= c && c <= 'Я' {
			return c + 'a' - 'A' // the same step in both scripts
		}
		return c
	}, word), true
}
