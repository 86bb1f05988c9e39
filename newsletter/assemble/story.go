package assemble

import (
	"cmp"
	"slices"

	"apta/newsletter"
)

// What two items must have in common to be one story: a name counts two, any
// other word that few items have counts one. The nearer they are anyhow, the
// less it takes.
const (
	bondTwins = 2 // of one theme and one place
	bondTheme = 3
	bondPlace = 5
	bondFar   = 6
	bondLeans = 1 // of one theme or place, and the later opens with a pronoun
)

// oneStory reports whether what joins two items makes them one story.
func (c *composer) oneStory(a, b *newsletter.Item, bond int) bool {
	place := a.Place == b.Place && a.Place != ""
	switch {
	case (a.Theme == b.Theme || place) && bond >= bondLeans && c.corpus.facts[b.URL].leans && a.Published.Before(b.Published):
		return true
	case a.Theme == b.Theme && place:
		return bond >= bondTwins
	case a.Theme == b.Theme:
		return bond >= bondTheme
	case place:
		return bond >= bondPlace
	}
	return bond >= bondFar
}

// pair is two items that may be one story.
type pair struct{ a, b, bond int }

// stories parts items, which are in the order of time, into stories of at most
// maxPieces. Each is in the order of time too: what happened first is told
// first, and a cause stands before its effect. The strongest bonds are tied first.
func (c *composer) stories(items []newsletter.Item) [][]newsletter.Item {
	story := make([]int, len(items)) // the first item of the story that an item is in
	size := make([]int, len(items))
	for i := range items {
		story[i], size[i] = i, 1
	}
	for _, p := range c.pairs(items) {
		a, b := story[p.a], story[p.b]
		if a == b || size[a]+size[b] > maxPieces || !c.oneStory(&items[p.a], &items[p.b], p.bond) {
			continue
		}
		a, b = min(a, b), max(a, b)
		for i := range story {
			if story[i] == b {
				story[i] = a
			}
		}
		size[a] += size[b]
	}
	at := map[int]int{}
	var parts [][]newsletter.Item
	for i, it := range items {
		n, found := at[story[i]]
		if !found {
			n = len(parts)
			at[story[i]] = n
			parts = append(parts, nil)
		}
		parts[n] = append(parts[n], it)
	}
	return parts
}

// pairs finds the items that have a telling word in common, the strongest bond
// first and among equals those that are earlier.
func (c *composer) pairs(items []newsletter.Item) []pair {
	having := map[string][]int{}
	for i := range items {
		for stem := range c.corpus.facts[items[i].URL].stems {
			if c.worth(stem) > 0 {
				having[stem] = append(having[stem], i)
			}
		}
	}
	bonds := map[[2]int]int{}
	for stem, list := range having {
		worth := c.worth(stem)
		for n, a := range list {
			for _, b := range list[n+1:] {
				bonds[[2]int{a, b}] += worth
			}
		}
	}
	pairs := make([]pair, 0, len(bonds))
	for ab, bond := range bonds {
		pairs = append(pairs, pair{ab[0], ab[1], bond})
	}
	slices.SortFunc(pairs, func(x, y pair) int {
		return cmp.Or(cmp.Compare(y.bond, x.bond), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
	})
	return pairs
}
