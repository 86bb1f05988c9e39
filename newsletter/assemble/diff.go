package assemble

import (
	"fmt"
	"slices"

	"apta/newsletter"
)

// Change is one difference between two revisions of an issue.
type Change struct {
	What string `json:"what"` // title, standfirst, subject, preheader, added, removed, moved, bridge or words
	URL  string `json:"url,omitempty"`
	Item string `json:"item,omitempty"` // its title
	Was  string `json:"was,omitempty"`  // of an item's place: the strand's name, or "latest"
	Is   string `json:"is,omitempty"`
}

// String says a change in one line.
func (c Change) String() string {
	switch c.What {
	case "added":
		return fmt.Sprintf("added to %s: %s", c.Is, c.Item)
	case "removed":
		return fmt.Sprintf("removed from %s: %s", c.Was, c.Item)
	case "moved":
		if c.Was == c.Is {
			return fmt.Sprintf("moved within %s: %s", c.Is, c.Item)
		}
		return fmt.Sprintf("moved from %s to %s: %s", c.Was, c.Is, c.Item)
	case "bridge", "words":
		return fmt.Sprintf("%s of %s: %q became %q", c.What, c.Item, c.Was, c.Is)
	}
	return fmt.Sprintf("%s: %q became %q", c.What, c.Was, c.Is)
}

// stand is an item's place in an issue.
type stand struct {
	where, title string
	at           int // in the whole of the page
	piece        newsletter.Piece
}

// Diff gives what is different in the second of two revisions: its texts, then
// what went, and then item by item in the order of the page.
func Diff(was, is newsletter.Issue) (changes []Change) {
	for _, t := range [][3]string{{"title", was.Title, is.Title}, {"standfirst", was.Standfirst, is.Standfirst},
		{"subject", was.Subject, is.Subject}, {"preheader", was.Preheader, is.Preheader}} {
		if t[1] != t[2] {
			changes = append(changes, Change{What: t[0], Was: t[1], Is: t[2]})
		}
	}
	old, oldOrder := stands(was)
	now, order := stands(is)
	for _, url := range oldOrder {
		if _, stays := now[url]; !stays {
			changes = append(changes, Change{What: "removed", URL: url, Item: old[url].title, Was: old[url].where})
		}
	}
	still := unmoved(old, order)
	for _, url := range order {
		a, b := old[url], now[url]
		change := Change{URL: url, Item: b.title, Was: a.where, Is: b.where}
		switch {
		case a.where == "":
			change.What = "added"
			changes = append(changes, change)
			continue
		case a.where != b.where || !still[url]:
			change.What = "moved"
			changes = append(changes, change)
		}
		switch {
		case a.piece.Bridge != b.piece.Bridge:
			changes = append(changes, Change{What: "bridge", URL: url, Item: b.title, Was: a.piece.Bridge, Is: b.piece.Bridge})
		case a.piece.Text != b.piece.Text && a.where != "latest" && b.where != "latest":
			changes = append(changes, Change{What: "words", URL: url, Item: b.title, Was: a.piece.Text, Is: b.piece.Text})
		}
	}
	return changes
}

func stands(i newsletter.Issue) (at map[string]stand, order []string) {
	at = map[string]stand{}
	for _, s := range i.Strands {
		for _, p := range s.Items {
			at[p.URL] = stand{s.Name, p.Title, len(order), p}
			order = append(order, p.URL)
		}
	}
	for _, h := range i.Latest {
		at[h.URL] = stand{where: "latest", title: h.Title, at: len(order)}
		order = append(order, h.URL)
	}
	return at, order
}

// unmoved are the URLs of the longest run that stands in the same order as it
// did (patience sorting): the fewest that can be said to have moved are the rest.
func unmoved(old map[string]stand, order []string) map[string]bool {
	var common []string
	for _, url := range order {
		if _, found := old[url]; found {
			common = append(common, url)
		}
	}
	var tops []int // of each pile, the index in common
	behind := make([]int, len(common))
	for i, url := range common {
		pile, _ := slices.BinarySearchFunc(tops, old[url].at, func(top, at int) int { return old[common[top]].at - at })
		behind[i] = -1
		if pile > 0 {
			behind[i] = tops[pile-1]
		}
		if pile == len(tops) {
			tops = append(tops, i)
		} else {
			tops[pile] = i
		}
	}
	still := map[string]bool{}
	if len(tops) > 0 {
		for i := tops[len(tops)-1]; i >= 0; i = behind[i] {
			still[common[i]] = true
		}
	}
	return still
}
