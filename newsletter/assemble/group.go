package assemble

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"apta/newsletter"
)

// group is the items of one paragraph.
type group struct {
	name   string
	items  []newsletter.Item
	made   bool   // grouped here, not by an editor
	locked bool   // as an editor left it in the draft
	at     int    // of a locked one: where it stood there
	why    string // what its items have in common
}

// theme is that of most of the group's items; among equals the first.
func (g group) theme() string { return themeOf(g.items) }

func themeOf(items []newsletter.Item) string {
	count := map[string]int{}
	best := ""
	for _, it := range items {
		count[it.Theme]++
	}
	for _, it := range items {
		if best == "" || count[it.Theme] > count[best] {
			best = it.Theme
		}
	}
	return best
}

// position is where an item wants to stand: the pinned ones first, then in an
// editor's order, and those without one behind, by time.
func (c *composer) position(it *newsletter.Item) int {
	if at := c.pinned(it.URL); at >= 0 {
		return at - math.MaxInt32 // before every order that an editor gives
	}
	if it.Order == 0 {
		return math.MaxInt
	}
	return it.Order
}

// place is where a paragraph wants to stand: where the first of its items does.
func (c *composer) place(g *group) int {
	place := math.MaxInt
	for i := range g.items {
		place = min(place, c.position(&g.items[i]))
	}
	return place
}

// group makes paragraphs: one for each strand that an editor named, in the order
// of their first items, and behind them those made of the remaining items.
func (c *composer) group(items []newsletter.Item) []group {
	slices.SortStableFunc(items, func(a, b newsletter.Item) int { return cmp.Compare(c.position(&a), c.position(&b)) })
	var groups []group
	at := map[string]int{}
	var loose []newsletter.Item
	for _, it := range items {
		if it.Strand == "" {
			loose = append(loose, it)
			continue
		}
		i, found := at[it.Strand]
		if !found {
			i = len(groups)
			at[it.Strand] = i
			groups = append(groups, group{name: it.Strand})
		}
		groups[i].items = append(groups[i].items, it)
	}
	made := c.groupLoose(loose)
	groups = append(groups, made...)
	// A pinned item, or a loose one with an order, takes its paragraph to that place.
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(c.place(&a), c.place(&b)) })
	return groups
}

// groupLoose makes paragraphs of the items that no editor placed: the stories of
// each theme, then what is left of it by place, and what is alone there joins
// its theme's shortest paragraph. Themes with more items come first.
func (c *composer) groupLoose(items []newsletter.Item) []group {
	var groups []group
	stories := c.stories(items)
	themes := partition(stories, themeOf)
	slices.SortStableFunc(themes, func(a, b [][]newsletter.Item) int { return count(b) - count(a) })
	for _, ofTheme := range themes {
		groups = append(groups, c.inOrder(c.paragraphsOf(ofTheme))...)
	}
	return groups
}

func count(stories [][]newsletter.Item) (n int) {
	for _, s := range stories {
		n += len(s)
	}
	return n
}

// number tells paragraphs of one name apart. An editor's names stay, but for that
// of a strand which goes on behind a locked one.
func number(groups []group) {
	count, taken, last, locked := map[string]int{}, map[string]bool{}, map[string]int{}, map[string]bool{}
	for _, g := range groups {
		count[g.name]++
		taken[g.name] = taken[g.name] || !g.made
		locked[g.name] = locked[g.name] || g.locked
	}
	for i, g := range groups {
		if g.locked || !g.made && !locked[g.name] || g.made && count[g.name] == 1 && !taken[g.name] {
			continue
		}
		name := g.name
		for name == g.name || taken[name] {
			last[g.name]++
			name = fmt.Sprintf("%s (%d)", g.name, last[g.name])
		}
		groups[i].name, taken[name] = name, true
	}
}

// paragraphsOf makes the paragraphs of one theme.
func (c *composer) paragraphsOf(stories [][]newsletter.Item) []group {
	var groups []group
	var single []newsletter.Item
	for _, s := range stories {
		if len(s) == 1 {
			single = append(single, s[0])
			continue
		}
		_, by := c.bond(&s[0], &s[1])
		groups = append(groups, group{name: nameOf(s), items: s, made: true, why: "one story: " + c.spell(by)})
	}
	var alone []newsletter.Item
	for _, ofPlace := range partition(single, func(it newsletter.Item) string { return it.Place }) {
		if len(ofPlace) == 1 {
			alone = append(alone, ofPlace[0])
			continue
		}
		groups = append(groups, paragraphs(ofPlace, "one theme and place")...)
	}
	// One of the place of a story, or one that would stand all alone, joins others.
	var left []newsletter.Item
	for _, it := range alone {
		if i := roomFor(&it, groups); i >= 0 && (groups[i].items[0].Place == it.Place || len(alone) == 1) {
			groups[i].take(it)
		} else {
			left = append(left, it)
		}
	}
	return append(groups, paragraphs(left, "one theme")...)
}

// take lets an item join a paragraph: among those of its place by time, or at the end.
func (g *group) take(it newsletter.Item) {
	at := len(g.items)
	for at > 0 && g.items[at-1].Place == it.Place && it.Published.Before(g.items[at-1].Published) {
		at--
	}
	g.items = slices.Insert(slices.Clone(g.items), at, it)
	g.why += fmt.Sprintf("; %q joined it, alone in its place", it.Title)
}

// roomFor finds the paragraph of its theme that an item may join: one of its
// place, or the shortest, and among equals the last; -1 where all are full.
func roomFor(it *newsletter.Item, groups []group) int {
	best, room := -1, 0
	for i := range groups {
		n := 2 * (maxPieces - len(groups[i].items))
		if n > 0 && groups[i].items[0].Place == it.Place {
			n += 2 * maxPieces
		}
		if n > 0 && n >= room {
			best, room = i, n
		}
	}
	return best
}

// inOrder puts a theme's paragraphs into the order in which they read: the
// longest first, then always the one that has most to do with the one before,
// among equals the earlier.
func (c *composer) inOrder(groups []group) []group {
	if len(groups) > maxChained {
		return groups
	}
	for i := range groups {
		best, most := i, -1
		for j := i; j < len(groups); j++ {
			near := len(groups[j].items)
			if i > 0 {
				near = c.nearness(groups[i-1], groups[j])
			}
			if near > most {
				best, most = j, near
			}
		}
		chosen := groups[best]
		copy(groups[i+1:best+1], groups[i:best])
		groups[i] = chosen
	}
	return groups
}

// maxChained is how many paragraphs of one theme are put into order by what they
// have in common; no reader gets so far, and comparing all with all takes time.
const maxChained = 64

func (c *composer) nearness(a, b group) int {
	near := 0
	for i := range a.items {
		for j := range b.items {
			score, _ := c.bond(&a.items[i], &b.items[j])
			near += 2 * score
		}
	}
	if a.items[len(a.items)-1].Place == b.items[0].Place {
		near++
	}
	return near
}

// partition parts things by a key, the largest part first and among equals the
// one that appears first.
func partition[T any](things []T, key func(T) string) [][]T {
	var parts [][]T
	at := map[string]int{}
	for _, it := range things {
		i, found := at[key(it)]
		if !found {
			i = len(parts)
			at[key(it)] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], it)
	}
	slices.SortStableFunc(parts, func(a, b []T) int { return len(b) - len(a) })
	return parts
}

// paragraphs cuts items into paragraphs of nearly equal length, none longer than maxPieces.
func paragraphs(items []newsletter.Item, why string) (groups []group) {
	n := (len(items) + maxPieces - 1) / maxPieces
	for i := range n {
		part := slices.Clone(items[i*len(items)/n : (i+1)*len(items)/n])
		g := group{name: nameOf(part), items: part, made: true, why: why}
		if len(part) == 1 {
			g.why = "nothing else of its theme"
		}
		groups = append(groups, g)
	}
	return groups
}

// nameOf names a paragraph after its theme and place.
func nameOf(items []newsletter.Item) string {
	if name := strings.Trim(items[0].Theme+", "+items[0].Place, ", "); name != "" {
		return name
	}
	return "other news"
}
