// Package assemble weaves a week's items into an issue. It is pure: the same
// items, window and style give the same issue, and a reason for every choice.
package assemble

import (
	"errors"
	"strings"

	"apta/newsletter"
	"apta/subscribers/database"
)

// ErrEmpty marks a week of which no review can be made: there is nothing, or less
// than the newsroom's rules want.
var ErrEmpty = errors.New("nothing to review")

// Past is what earlier work leaves to this composition.
type Past struct {
	Earlier map[string]string // the week of the issue that had a URL already
	Late    map[string]bool   // URLs of before the window that were stored too late for the issue before
	Draft   *newsletter.Issue // the week's issue as it stands; its locks hold
}

// Reasons says why an issue is as it is.
type Reasons struct {
	Items   []ItemReason   `json:"items"` // in the order they were weighed: by time, then URL
	Strands []StrandReason `json:"strands"`
	Bridges []BridgeReason `json:"bridges"` // in the order of the page
	Title   TitleReason    `json:"title"`
	Doubts  []string       `json:"doubts,omitempty"` // what an editor should look at
	Kept    []string       `json:"kept,omitempty"`   // what an editor's words decided
}

// StrandReason says why a paragraph's items stand together.
type StrandReason struct {
	Name  string `json:"name"`
	Items int    `json:"items"`
	Why   string `json:"why"`
}

// ItemReason says what became of one item.
type ItemReason struct {
	ID    database.ID `json:"id"`
	URL   string      `json:"url"`
	Title string      `json:"title"`
	In    bool        `json:"in"`
	Where string      `json:"where,omitempty"` // the strand, or "latest"
	Why   string      `json:"why"`
}

// Compose makes the issue of a window. The error wraps ErrEmpty where no item is
// left to write about or the rules want more of them, and says why.
func Compose(items []newsletter.Item, w newsletter.Window, s Style, past Past) (newsletter.Issue, Reasons, error) {
	c := &composer{style: s, phrases: s.phrases(), past: past, used: map[string]bool{}}
	review, latest := c.choose(items, w)
	if len(review) == 0 {
		return newsletter.Issue{}, c.reasons, c.empty(w, len(items))
	}
	if err := c.tooFew(review, latest, w); err != nil {
		return newsletter.Issue{}, c.reasons, err
	}
	issue := newsletter.Issue{Week: w.Name, From: w.From, To: w.To, Language: s.Language}
	kept := c.keep(review)
	groups := c.arrange(c.group(kept.loose), kept)
	number(groups)
	way := trail{places: map[string]int{}}
	for i, g := range groups {
		way.at, way.pieces = i, 0
		issue.Strands = append(issue.Strands, c.weave(g, &way))
	}
	for _, it := range latest {
		issue.Latest = append(issue.Latest, newsletter.Headline{ID: it.ID, Title: it.Title, URL: it.URL, Source: it.Source, Theme: it.Theme})
	}
	issue.Title, issue.Subject = c.title(groups)
	issue.Standfirst = strings.ReplaceAll(s.Standfirst, "{newsroom}", s.Newsroom)
	issue.Preheader = c.preheader(issue)
	c.keepWords(&issue)
	return issue, c.reasons, nil
}

// composer is one composition under way.
type composer struct {
	style   Style
	phrases *Phrases
	past    Past
	used    map[string]bool // bridges that the issue has
	corpus  corpus
	split   map[string][]word           // the words of the texts that were split already
	pieces  map[string]newsletter.Piece // those whose words are locked, by URL
	reasons Reasons
}

func (c *composer) say(it *newsletter.Item, in bool, where, why string) {
	c.reasons.Items = append(c.reasons.Items, ItemReason{ID: it.ID, URL: it.URL, Title: it.Title, In: in, Where: where, Why: why})
}
