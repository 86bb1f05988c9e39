package assemble

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"apta/newsletter"
)

// Bounds of how many items share a word that is still worth a link between them.
const (
	minCommon = 3
	maxCommon = 12
)

// corpus is what the week's texts say about words: which are names, and which
// items they join. Everything assembly believes about a text it has from here.
type corpus struct {
	facts  map[string]*facts // by URL
	lower  map[string]int    // how often a stem stands in lower case
	upper  map[string]int    // and how often with a capital inside a sentence
	places map[string]bool   // stems of the places
	shared map[string]int    // how many items have a stem
	spelt  map[string]string // a word of the texts for a stem, for people to read
	limit  int               // a stem that more items have joins none
}

// facts are what one item's words are.
type facts struct {
	index    int // in the order of time
	stems    map[string]bool
	title    map[string]bool // the stems of the title alone
	sides    map[side]string // the opposites it has, with the word
	ownDays  bool            // says itself when it happened
	leans    bool            // opens with a pronoun, and so speaks of what stands before it
	connects bool            // opens with a connective, or has one in its first sentence
}

// read takes in the texts of all items that may come into the issue.
func (c *composer) read(items []newsletter.Item) {
	c.corpus = corpus{facts: map[string]*facts{}, lower: map[string]int{}, upper: map[string]int{}, places: map[string]bool{},
		shared: map[string]int{}, spelt: map[string]string{}, limit: min(max(len(items)/5, minCommon), maxCommon)}
	places := map[string]bool{}
	for i := range items {
		it := &items[i]
		f := &facts{index: i, stems: map[string]bool{}, title: map[string]bool{}, sides: map[side]string{}}
		c.corpus.facts[it.URL] = f
		c.readTitle(f, it.Title)
		c.readSummary(f, newsletter.PlainText(it.Summary))
		for stem := range f.stems {
			c.corpus.shared[stem]++
		}
		places[it.Place] = true
	}
	for place := range places {
		for _, w := range c.words(place) {
			c.corpus.places[w.stem] = true
		}
	}
}

// readTitle believes a title's small letters, but not its capitals: many
// newsrooms give one to every word.
func (c *composer) readTitle(f *facts, title string) {
	for _, w := range c.words(title) {
		if !startsUpper(title[w.start:]) {
			c.corpus.lower[w.stem]++
		}
		c.note(f, w, title)
		if !w.stop {
			f.title[w.stem] = true
		}
	}
}

func (c *composer) readSummary(f *facts, plain string) {
	list := c.words(plain)
	sentence := 0
	for i, w := range list {
		begins := i == 0
		if i > 0 {
			between := plain[list[i-1].end:w.start]
			if strings.ContainsAny(between, ".!?…") {
				sentence++
			}
			begins = strings.ContainsAny(between, ".!?…:\"“«")
		}
		switch {
		case !startsUpper(plain[w.start:]):
			c.corpus.lower[w.stem]++
		case !begins:
			c.corpus.upper[w.stem]++
		}
		word := strings.ToLower(plain[w.start:w.end])
		if i == 0 && c.phrases.openers[word] || sentence == 0 && c.phrases.connectives[word] {
			f.connects = true
		}
		f.leans = f.leans || i == 0 && c.phrases.pronouns[word]
		for _, s := range c.phrases.sides[word] {
			f.sides[s] = word
		}
		f.ownDays = f.ownDays || c.phrases.days.has(word)
		c.note(f, w, plain)
	}
}

// note keeps a word by which an item may be joined with another.
func (c *composer) note(f *facts, w word, text string) {
	if first, _ := utf8.DecodeRuneInString(w.stem); !w.stop && utf8.RuneCountInString(w.stem) > 2 && unicode.IsLetter(first) {
		f.stems[w.stem] = true
		if _, found := c.corpus.spelt[w.stem]; !found {
			c.corpus.spelt[w.stem] = text[w.start:w.end]
		}
	}
}

// spell gives stems as words that people know, in an order of their own.
func (c *composer) spell(stems []string) string {
	list := make([]string, len(stems))
	for i, stem := range stems {
		list[i] = c.corpus.spelt[stem]
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func startsUpper(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsUpper(r)
}

// isName reports whether the week's texts write a word with a capital inside
// their sentences and never without.
func (k *corpus) isName(stem string) bool { return k.upper[stem] > 0 && k.lower[stem] == 0 }

// bond is what joins two items: the names and other words that both have and
// few others do. Places are left out, they have a measure of their own.
func (c *composer) bond(a, b *newsletter.Item) (score int, by []string) {
	fa, fb := c.corpus.facts[a.URL], c.corpus.facts[b.URL]
	if len(fa.stems) > len(fb.stems) {
		fa, fb = fb, fa
	}
	for stem := range fa.stems {
		if fb.stems[stem] {
			if n := c.worth(stem); n > 0 {
				score += n
				by = append(by, stem)
			}
		}
	}
	return score, by
}

// worth is how much a stem says when two items have it.
func (c *composer) worth(stem string) int {
	switch n := c.corpus.shared[stem]; {
	case n < 2 || n > c.corpus.limit || c.corpus.places[stem]:
		return 0
	case c.corpus.isName(stem):
		return 2
	}
	return 1
}

// opposed gives the words in which an item says the opposite of another: one
// says the left of a pair and the other the right, and neither says both.
func (c *composer) opposed(a, b *newsletter.Item) (ofA, ofB string) {
	fa, fb := c.corpus.facts[a.URL], c.corpus.facts[b.URL]
	best := -1
	for s, word := range fa.sides {
		other := side{s.pair, !s.left}
		if against := fb.sides[other]; against != "" && fa.sides[other] == "" && fb.sides[s] == "" && (best < 0 || s.pair < best) {
			best, ofA, ofB = s.pair, word, against
		}
	}
	return ofA, ofB
}
