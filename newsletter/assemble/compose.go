// Package assemble weaves a week's items into an issue. It is pure: the same
// items, window and style give the same issue, and a reason for every choice.
package assemble

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"apta/newsletter"
	"apta/subscribers/database"
)

// ErrEmpty marks a week of which no review can be made.
var ErrEmpty = errors.New("nothing to review")

// Reasons says why an issue is as it is.
type Reasons struct {
	Items   []ItemReason   `json:"items"` // in the order they were weighed: by time, then URL
	Strands []string       `json:"strands"`
	Bridges []BridgeReason `json:"bridges"` // in the order of the page
	Title   TitleReason    `json:"title"`
}

// ItemReason says what became of one item.
type ItemReason struct {
	ID    database.ID `json:"id"`
	URL   string      `json:"url"`
	In    bool        `json:"in"`
	Where string      `json:"where,omitempty"` // the strand, or "latest"
	Why   string      `json:"why"`
}

// Compose makes the issue of a window. The error wraps ErrEmpty where no item is
// left to write about, and says why.
func Compose(items []newsletter.Item, w newsletter.Window, s Style) (newsletter.Issue, Reasons, error) {
	c := &composer{style: s, phrases: s.phrases(), used: map[string]bool{}}
	review, latest := c.choose(items, w)
	if len(review) == 0 {
		return newsletter.Issue{}, c.reasons, c.empty(w, len(items))
	}
	issue := newsletter.Issue{Week: w.Name, From: w.From, To: w.To, Language: s.Language}
	for _, it := range review {
		c.used[it.Bridge] = true // an editor's bridge is never repeated by one of ours
	}
	groups := c.group(review)
	way := trail{places: map[string]int{}}
	for i, g := range groups {
		way.at, way.pieces = i, 0
		issue.Strands = append(issue.Strands, c.weave(g, &way))
	}
	for _, it := range latest {
		issue.Latest = append(issue.Latest, newsletter.Headline{ID: it.ID, Title: it.Title, URL: it.URL, Source: it.Source})
	}
	issue.Title, issue.Subject = c.title(groups)
	issue.Standfirst = strings.ReplaceAll(s.Standfirst, "{newsroom}", s.Newsroom)
	issue.Preheader = c.preheader(issue)
	return issue, c.reasons, nil
}

// composer is one composition under way.
type composer struct {
	style   Style
	phrases *Phrases
	used    map[string]bool // bridges that the issue has
	corpus  corpus
	reasons Reasons
}

func (c *composer) say(it *newsletter.Item, in bool, where, why string) {
	c.reasons.Items = append(c.reasons.Items, ItemReason{ID: it.ID, URL: it.URL, In: in, Where: where, Why: why})
}

// choose parts the items into those of the review, in the order they are to
// appear, and the headlines, the newest first.
func (c *composer) choose(items []newsletter.Item, w newsletter.Window) (review, latest []newsletter.Item) {
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b newsletter.Item) int {
		return cmp.Or(a.Published.Compare(b.Published), cmp.Compare(a.URL, b.URL))
	})
	c.read(items)
	leads := map[string]bool{}
	for _, it := range items {
		leads[it.URL] = leads[it.URL] || !it.Latest && c.leftOut(&it, w) == ""
	}
	for i := range items {
		it := &items[i]
		why := c.leftOut(it, w)
		switch {
		case why != "":
			c.say(it, false, "", why)
		case !it.Latest:
			review = append(review, *it)
		case leads[it.URL]:
			c.say(it, false, "", "the review has this story already")
		default:
			latest = append(latest, *it)
		}
	}
	slices.Reverse(latest)
	for i := range latest {
		if i < c.style.MaxLatest {
			c.say(&latest[i], true, "latest", fmt.Sprintf("headline %d, the newest first", i+1))
		} else {
			c.say(&latest[i], false, "", fmt.Sprintf("%d newer headlines fill the latest news", c.style.MaxLatest))
		}
	}
	return review, latest[:min(len(latest), c.style.MaxLatest)]
}

// leftOut says why an item has no place in this issue, or "".
func (c *composer) leftOut(it *newsletter.Item, w newsletter.Window) string {
	switch {
	case it.Published.Before(w.From):
		return "published before the week began"
	case !it.Published.Before(w.To):
		return "published after the week ended; the next issue has it"
	case it.Language != "" && c.style.Language != "" && !strings.EqualFold(it.Language, c.style.Language):
		return fmt.Sprintf("its language is %s, the issue's is %s", it.Language, c.style.Language)
	}
	return ""
}

func (c *composer) empty(w newsletter.Window, looked int) error {
	err := fmt.Errorf("assemble: %s: %w: %d items were looked at", w.Name, ErrEmpty, looked)
	counts := map[string]int{}
	for _, r := range c.reasons.Items {
		if r.In {
			counts["only a headline"]++
		} else {
			counts[r.Why]++
		}
	}
	for _, why := range slices.Sorted(mapsKeys(counts)) {
		err = fmt.Errorf("%w; %d: %s", err, counts[why], why)
	}
	return err
}

func mapsKeys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
