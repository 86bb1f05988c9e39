package assemble

import (
	"strings"
	"unicode"

	"apta/newsletter"
)

// Relation is what an item has to do with the one before it, named as its
// bridges are in a style file.
type Relation string

// The relations, from the nearest to the farthest.
const (
	SameStory  Relation = "same_story"
	Later      Relation = "later"    // the same story, on a later day
	Contrast   Relation = "contrast" // the one says the opposite of the other
	Parallel   Relation = "parallel"
	Elsewhere  Relation = "elsewhere" // the same theme in another place
	Return     Relation = "return"    // to a place that the review was in before
	NewSubject Relation = "new_subject"
)

// bridge chooses a connective by what an item has in common with the one before
// it, or none: where the summary opens with a connective itself, or the phrases
// for that relation are used up.
func (c *composer) bridge(it, before *newsletter.Item, opening bool) string {
	if before == nil || it.Summary == "" || c.opensItself(it.Summary) {
		return ""
	}
	relation := SameStory
	switch {
	case opening && it.Theme != before.Theme:
		relation = NewSubject
	case opening:
		return "" // the theme goes on: the paragraph's break is bridge enough
	case it.Place != before.Place:
		relation = Elsewhere
	}
	for _, b := range c.phrases.relations()[relation] {
		if !c.used[b] {
			c.used[b] = true
			return b
		}
	}
	return ""
}

func (c *composer) opensItself(summary string) bool {
	first := strings.FieldsFunc(newsletter.PlainText(summary), func(r rune) bool { return !unicode.IsLetter(r) && r != '-' })
	return len(first) == 0 || c.phrases.openers[strings.ToLower(first[0])]
}
