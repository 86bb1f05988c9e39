package assemble

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"apta/newsletter"
)

// kept is what an editor's locks leave of the draft.
type kept struct {
	loose  []newsletter.Item // those of the review that no locked strand holds
	groups []group           // the locked strands, of what is left of them
	at     map[string]int    // where each URL stood in the draft, where the order is locked
}

// keep takes the items of the draft's locked strands out of the review, and notes
// which words an editor wrote. An editor's bridge is never repeated by one of ours.
func (c *composer) keep(review []newsletter.Item) kept {
	k := kept{loose: review}
	for i := range review {
		c.used[review[i].Bridge] = true
	}
	if c.past.Draft == nil {
		return k
	}
	items := map[string]newsletter.Item{}
	for _, it := range review {
		items[it.URL] = it
	}
	held := map[string]bool{}
	c.pieces = map[string]newsletter.Piece{}
	for i, s := range c.past.Draft.Strands {
		g := group{name: s.Name, locked: true, at: i}
		for _, p := range s.Items {
			it, here := items[p.URL]
			if !s.Locked && !p.Locked || held[p.URL] {
				continue
			}
			if !here {
				c.reasons.Kept = append(c.reasons.Kept, fmt.Sprintf("%q was locked, but is not among the week's items any more", p.Title))
				continue
			}
			c.pieces[p.URL] = p
			c.used[p.Bridge] = true
			if s.Locked {
				held[p.URL] = true
				g.items = append(g.items, it)
			}
		}
		if len(g.items) > 0 {
			k.groups = append(k.groups, g)
		}
	}
	k.loose = slices.DeleteFunc(slices.Clone(review), func(it newsletter.Item) bool { return held[it.URL] })
	if slices.Contains(c.past.Draft.Locks, newsletter.LockOrder) {
		k.at = places(c.past.Draft)
		c.reasons.Kept = append(c.reasons.Kept, "the order is an editor's; what is new stands behind it")
	}
	return k
}

// places numbers the items of an issue's strands as they stand.
func places(issue *newsletter.Issue) map[string]int {
	at := map[string]int{}
	for _, s := range issue.Strands {
		for _, p := range s.Items {
			at[p.URL] = len(at)
		}
	}
	return at
}

// arrange puts the locked strands back: by the draft's order where that is
// locked, and otherwise each to the place that it had.
func (c *composer) arrange(groups []group, k kept) []group {
	if k.at == nil {
		for _, g := range k.groups {
			groups = slices.Insert(groups, min(g.at, len(groups)), g)
		}
		return groups
	}
	place := func(it newsletter.Item) int {
		if at, found := k.at[it.URL]; found {
			return at
		}
		return math.MaxInt
	}
	first := func(g group) int {
		at := math.MaxInt
		for _, it := range g.items {
			at = min(at, place(it))
		}
		return at
	}
	groups = append(groups, k.groups...)
	for _, g := range groups {
		if !g.locked {
			slices.SortStableFunc(g.items, func(a, b newsletter.Item) int { return cmp.Compare(place(a), place(b)) })
		}
	}
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(first(a), first(b)) })
	return groups
}

// keepWords gives an issue the words of its draft that are locked.
func (c *composer) keepWords(issue *newsletter.Issue) {
	draft := c.past.Draft
	if draft == nil {
		return
	}
	issue.Locks, issue.Pins, issue.Excluded = slices.Clone(draft.Locks), slices.Clone(draft.Pins), slices.Clone(draft.Excluded)
	if slices.Contains(draft.Locks, newsletter.LockLatest) {
		told := places(issue)
		issue.Latest = slices.DeleteFunc(slices.Clone(draft.Latest), func(h newsletter.Headline) bool { _, is := told[h.URL]; return is })
		c.reasons.Kept = append(c.reasons.Kept, "the latest news are an editor's")
	}
	for _, part := range []struct {
		lock      newsletter.Lock
		was, made *string
	}{
		{newsletter.LockTitle, &draft.Title, &issue.Title},
		{newsletter.LockStandfirst, &draft.Standfirst, &issue.Standfirst},
		{newsletter.LockSubject, &draft.Subject, &issue.Subject},
		{newsletter.LockPreheader, &draft.Preheader, &issue.Preheader},
	} {
		if slices.Contains(draft.Locks, part.lock) {
			*part.made = *part.was
			c.reasons.Kept = append(c.reasons.Kept, fmt.Sprintf("the %s is an editor's: %s", part.lock, *part.was))
		}
	}
	// An editor's title is the subject too, unless the subject was written by itself.
	if slices.Contains(draft.Locks, newsletter.LockTitle) && !slices.Contains(draft.Locks, newsletter.LockSubject) {
		issue.Subject = issue.Title
	}
}
