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
	name  string
	items []newsletter.Item
	made  bool // grouped here, not by an editor
}

// theme is that of most of the group's items; among equals the first.
func (g group) theme() string {
	count := map[string]int{}
	best := ""
	for _, it := range g.items {
		count[it.Theme]++
	}
	for _, it := range g.items {
		if best == "" || count[it.Theme] > count[best] {
			best = it.Theme
		}
	}
	return best
}

// position is where an item wants to stand: an editor's order first, and those
// without one behind, by time.
func position(it *newsletter.Item) int {
	if it.Order == 0 {
		return math.MaxInt
	}
	return it.Order
}

// group makes paragraphs: one for each strand that an editor named, in the order
// of their first items, and behind them those made of the remaining items.
func (c *composer) group(items []newsletter.Item) []group {
	slices.SortStableFunc(items, func(a, b newsletter.Item) int { return cmp.Compare(position(&a), position(&b)) })
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
	// A loose item with an order of its own takes its paragraph to that place.
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(position(&a.items[0]), position(&b.items[0])) })
	return groups
}

// groupLoose groups by theme and then place. Themes with more items come first;
// what stands alone in its place joins others of its theme.
func (c *composer) groupLoose(items []newsletter.Item) []group {
	var groups []group
	for _, ofTheme := range partition(items, func(it newsletter.Item) string { return it.Theme }) {
		var alone []newsletter.Item
		first := len(groups)
		for _, ofPlace := range partition(ofTheme, func(it newsletter.Item) string { return it.Place }) {
			if len(ofPlace) == 1 {
				alone = append(alone, ofPlace...)
				continue
			}
			groups = append(groups, paragraphs(ofPlace)...)
		}
		if n := len(groups); len(alone) == 1 && n > first && len(groups[n-1].items) < maxPieces {
			groups[n-1].items = append(groups[n-1].items, alone[0])
		} else if len(alone) > 0 {
			groups = append(groups, paragraphs(alone)...)
		}
	}
	return groups
}

// partition parts items by a key, the largest part first and among equals the
// one that appears first.
func partition(items []newsletter.Item, key func(newsletter.Item) string) [][]newsletter.Item {
	var parts [][]newsletter.Item
	at := map[string]int{}
	for _, it := range items {
		i, found := at[key(it)]
		if !found {
			i = len(parts)
			at[key(it)] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], it)
	}
	slices.SortStableFunc(parts, func(a, b []newsletter.Item) int { return len(b) - len(a) })
	return parts
}

// paragraphs cuts items into paragraphs of nearly equal length, none longer than maxPieces.
func paragraphs(items []newsletter.Item) (groups []group) {
	n := (len(items) + maxPieces - 1) / maxPieces
	for i := range n {
		part := slices.Clone(items[i*len(items)/n : (i+1)*len(items)/n])
		name := strings.Trim(part[0].Theme+", "+part[0].Place, ", ")
		if name == "" {
			name = "other news"
		}
		if n > 1 {
			name += fmt.Sprintf(" (%d)", i+1)
		}
		groups = append(groups, group{name: name, items: part, made: true})
	}
	return groups
}
