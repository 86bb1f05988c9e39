package assemble

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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

// BridgeReason says why an item opens as it does.
type BridgeReason struct {
	URL      string   `json:"url"`
	Relation Relation `json:"relation,omitempty"`
	Bridge   string   `json:"bridge,omitempty"` // empty where the item opens itself
	Why      string   `json:"why"`
}

// trail is the way that the review has gone so far.
type trail struct {
	before  *newsletter.Item
	bridged bool           // before has a bridge
	pieces  int            // how many the paragraph has so far
	places  map[string]int // the paragraph that was there last
	at      int            // the paragraph being written
}

// relate says what an item has to do with the one before it, and by what that
// is seen. No relation is claimed that the two texts do not show.
func (c *composer) relate(it *newsletter.Item, t *trail) (Relation, string) {
	opening := t.pieces == 0
	before := t.before
	score, by := c.bond(before, it)
	story := c.oneStory(before, it, score)
	if it.Theme == before.Theme || story {
		if was, is := c.opposed(before, it); was != "" {
			return Contrast, fmt.Sprintf("%q against %q", is, was)
		}
	}
	alike := c.alike(before, it)
	last, seen := t.places[it.Place]
	switch {
	case story && it.Published.Sub(before.Published) >= 24*time.Hour:
		return Later, "one story, a later day: " + c.spell(by)
	case story:
		return SameStory, "one story: " + c.spell(by)
	case opening && it.Place != "" && seen && last < t.at-1 && !c.names(it.Place, firstSentence(it)):
		return Return, fmt.Sprintf("paragraph %d was in %s", last+1, it.Place)
	case it.Theme != before.Theme:
		return NewSubject, fmt.Sprintf("%s behind %s", orNone(it.Theme), orNone(before.Theme))
	case it.Place != before.Place && alike != "":
		return Parallel, "both titles have " + alike
	case it.Place != before.Place && it.Place != "" && before.Place != "":
		return Elsewhere, fmt.Sprintf("%s in %s, before it in %s", it.Theme, it.Place, before.Place)
	case opening:
		return "", "the theme goes on: the paragraph's break is bridge enough"
	}
	return SameStory, "the same theme and place"
}

func orNone(theme string) string {
	if theme == "" {
		return "no theme"
	}
	return theme
}

// bridge chooses a connective for an item, or none, and says why.
func (c *composer) bridge(it *newsletter.Item, t *trail) string {
	none := func(relation Relation, why string) string {
		c.reasons.Bridges = append(c.reasons.Bridges, BridgeReason{URL: it.URL, Relation: relation, Why: why})
		return ""
	}
	switch {
	case t.before == nil:
		return none("", "it opens the issue")
	case it.Summary == "":
		return none("", "it is told by its title alone")
	case c.corpus.facts[it.URL].connects:
		return none("", "its summary opens with a connective or says how it connects")
	}
	relation, evidence := c.relate(it, t)
	moved := it.Place != t.before.Place && !c.names(it.Place, newsletter.PlainText(it.Summary))
	if moved && (relation == Parallel || relation == Elsewhere) {
		relation, evidence = Elsewhere, evidence+", and it does not name its place"
	}
	strong := relation == Contrast || relation == Return || relation == NewSubject || relation == Elsewhere && moved
	switch {
	case relation == "":
		return none("", evidence)
	case t.bridged && !strong:
		return none(relation, evidence+"; the item before it has a bridge already")
	case relation == NewSubject && t.pieces > 0:
		return none(relation, evidence+"; but its paragraph tells one story")
	case relation == SameStory && t.pieces < 2:
		return none(relation, evidence+"; its sentences join by themselves")
	case relation == Later && c.corpus.facts[it.URL].ownDays:
		return none(relation, evidence+"; it says itself when it happened")
	}
	choices := c.phrases.relations()[relation]
	if relation == Return && it.Theme != t.before.Theme {
		choices = slices.Concat(choices, c.phrases.relations()[NewSubject])
	}
	if t.bridged && relation == Elsewhere { // only to say where it is
		choices = slices.DeleteFunc(slices.Clone(choices), func(b string) bool { return !strings.Contains(b, "{place}") })
	}
	b, why := c.pick(it, t.before, choices)
	if b == "" {
		return none(relation, evidence+"; "+why)
	}
	named := strings.ReplaceAll(b, "{place}", it.Place)
	c.used[b], c.used[named] = true, true
	b = named
	c.reasons.Bridges = append(c.reasons.Bridges, BridgeReason{URL: it.URL, Relation: relation, Bridge: b, Why: evidence})
	return b
}

// pick takes the first bridge that the issue does not have yet and the item's
// first sentence can follow, or says why there is none.
func (c *composer) pick(it, before *newsletter.Item, choices []string) (bridge, why string) {
	why = "every bridge for that stands in this issue already"
	_, sure := c.lowerFirst(it.Summary)
	for _, b := range choices {
		switch {
		case strings.Contains(b, "{place}") && (it.Place == "" || it.Place == before.Place || c.names(it.Place, firstSentence(it))):
		case c.used[b], c.used[strings.ReplaceAll(b, "{place}", it.Place)]:
		case !sure && !isSentence(b):
			why = "nothing in the week says whether its first word is a name"
		case strings.HasSuffix(b, ":") && strings.Contains(firstSentence(it), ":"):
			why = "its first sentence has a colon already"
		default:
			return b, ""
		}
	}
	return "", why
}

// isSentence reports whether a bridge stands by itself, and what follows keeps its capital.
func isSentence(bridge string) bool { return strings.ContainsAny(bridge[len(bridge)-1:], ".!?") }

// alike gives the words, other than names and places, that two titles share and
// few others in the week have: what makes the one like the other.
func (c *composer) alike(a, b *newsletter.Item) string {
	var shared []string
	for stem := range c.corpus.facts[b.URL].title {
		if c.corpus.facts[a.URL].title[stem] && c.worth(stem) == 1 {
			shared = append(shared, stem)
		}
	}
	return c.spell(shared)
}

// names reports whether a text names a place: where it does, a bridge that names
// it too would say it twice.
func (c *composer) names(place, text string) bool {
	for _, of := range c.words(place) {
		if slices.ContainsFunc(c.words(text), func(w word) bool { return w.stem == of.stem }) {
			return true
		}
	}
	return place == ""
}

func firstSentence(it *newsletter.Item) string {
	plain := newsletter.PlainText(it.Summary)
	if end := strings.Index(plain, ". "); end >= 0 {
		return plain[:end]
	}
	return plain
}

// lowerFirst takes the capital from the first word of a text unless it is a name
// or an abbreviation. Where neither the language's words nor the week's texts
// say which it is, it stays and sure is false.
func (c *composer) lowerFirst(text string) (lowered string, sure bool) {
	end := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' })
	if end < 0 {
		end = len(text)
	}
	first := strings.TrimRight(text[:end], "-")
	if first == "" {
		return text, true // a quotation, a figure or a mark
	}
	lower := strings.ToLower(first)
	if c.phrases.function[lower] || c.phrases.common[lower] {
		return lower + text[len(first):], true
	}
	_, size := utf8.DecodeRuneInString(first)
	stem := c.words(first)[0].stem
	switch {
	case strings.ContainsFunc(first[size:], unicode.IsUpper), c.corpus.places[stem]:
		return text, true
	case startsUpper(strings.TrimLeft(text[len(first):], " ")):
		return text, true // the first of a name's words
	case c.phrases.unlessName[lower]:
		return lower + text[len(first):], true
	case c.corpus.lower[stem] > 0 && c.corpus.upper[stem] == 0:
		return strings.ToLower(first[:size]) + text[size:], true
	}
	return text, c.corpus.isName(stem)
}
