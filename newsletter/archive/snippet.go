package archive

import (
	"slices"
	"strings"

	"apta/newsletter"
)

// fragment is a piece of text; Hit is set where it is a word that was looked for.
type fragment struct {
	Text string
	Hit  bool
}

// window is how many words of a text a snippet shows.
const window = 32

// snippet gives the stretch of a text that has the most of the terms, or its
// beginning where it has none. It begins and ends between words.
func snippet(text string, terms []string) []fragment {
	all := slices.Collect(newsletter.Words(text))
	from := best(all, terms)
	to := min(from+window, len(all))
	if len(all) == 0 {
		return nil
	}
	begin, end := all[from].From, all[to-1].To
	if from == 0 {
		begin = 0
	}
	if to == len(all) {
		end = len(text)
	}
	parts := mark(text[begin:end], terms)
	if begin > 0 {
		parts = append([]fragment{{Text: "… "}}, parts...)
	}
	if end < len(text) {
		parts = append(parts, fragment{Text: " …"})
	}
	return parts
}

// best finds the word at which the window with the most different terms begins:
// a few words before the first of them, for its sense.
func best(all []newsletter.Word, terms []string) int {
	const before = 6
	var hits, which []int // words that are terms, and of which term
	for i, w := range all {
		if t := term(w.Folded, terms); t >= 0 {
			hits, which = append(hits, i), append(which, t)
		}
	}
	from, most := 0, 0
	for n, first := range hits {
		seen := make(map[int]bool)
		for m := n; m < len(hits) && hits[m] < first+window-before; m++ {
			seen[which[m]] = true
		}
		if len(seen) > most {
			from, most = first, len(seen)
		}
	}
	from -= before
	return max(0, min(from, len(all)-window))
}

// term gives the number of the term that a word begins with, or -1.
func term(word string, terms []string) int {
	return slices.IndexFunc(terms, func(t string) bool { return strings.HasPrefix(word, t) })
}

// mark parts a text into the words that were looked for and what is between them.
func mark(text string, terms []string) []fragment {
	var parts []fragment
	from := 0
	for w := range newsletter.Words(text) {
		if term(w.Folded, terms) < 0 {
			continue
		}
		if w.From > from {
			parts = append(parts, fragment{Text: text[from:w.From]})
		}
		parts = append(parts, fragment{text[w.From:w.To], true})
		from = w.To
	}
	if from < len(text) {
		parts = append(parts, fragment{Text: text[from:]})
	}
	return parts
}
