// Package assemble weaves a week's items into an issue. It is pure: the same
// items, window and style give the same issue, and a reason for every choice.
package assemble

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"apta/newsletter"
	"apta/subscribers/database"
)

// ErrEmpty marks a week of which no review can be made.
var ErrEmpty = errors.New("nothing to review")

// Reasons says why an issue is as it is.
type Reasons struct {
	Items   []ItemReason `json:"items"` // in the order they were weighed: by time, then URL
	Strands []string     `json:"strands"`
	Title   string       `json:"title"`
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
	for i, g := range groups {
		var before *newsletter.Item
		if i > 0 {
			before = &groups[i-1].items[len(groups[i-1].items)-1]
		}
		issue.Strands = append(issue.Strands, c.weave(g, before))
	}
	for _, it := range latest {
		issue.Latest = append(issue.Latest, newsletter.Headline{ID: it.ID, Title: it.Title, URL: it.URL, Source: it.Source})
	}
	issue.Title = c.title(groups)
	issue.Standfirst = strings.ReplaceAll(s.Standfirst, "{newsroom}", s.Newsroom)
	issue.Subject, issue.Preheader = issue.Title, issue.Standfirst
	return issue, c.reasons, nil
}

// composer is one composition under way.
type composer struct {
	style   Style
	phrases *Phrases
	used    map[string]bool // bridges that the issue has
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

// title names the two themes with most items; among equals the first to appear.
func (c *composer) title(groups []group) string {
	count := map[string]int{}
	var order []string
	for _, g := range groups {
		for _, it := range g.items {
			if it.Theme == "" {
				continue
			}
			if count[it.Theme]++; count[it.Theme] == 1 {
				order = append(order, it.Theme)
			}
		}
	}
	slices.SortStableFunc(order, func(a, b string) int { return count[b] - count[a] })
	named := order[:min(2, len(order))]
	var themes string
	switch {
	case len(order) > 2:
		themes = strings.NewReplacer("{a}", named[0], "{b}", named[1]).Replace(c.phrases.Title.More)
	case len(order) == 2:
		themes = strings.NewReplacer("{a}", named[0], "{b}", named[1]).Replace(c.phrases.Title.Pair)
	case len(order) == 1:
		themes = named[0]
	}
	var why []string
	for _, t := range order {
		why = append(why, fmt.Sprintf("%s %d", t, count[t]))
	}
	c.reasons.Title = "the themes with most items: " + strings.Join(why, ", ")
	switch {
	case themes == "":
		c.reasons.Title = "no item has a theme"
		return c.style.TitlePrefix
	case c.style.TitlePrefix == "":
		return themes
	}
	return c.style.TitlePrefix + ": " + themes
}

// weave makes a paragraph of a group. before is the item in front of it, nil at
// the issue's beginning.
func (c *composer) weave(g group, before *newsletter.Item) newsletter.Strand {
	strand := newsletter.Strand{Name: g.name, Theme: g.theme()}
	var texts []string
	bridged := false
	for i := range g.items {
		it := &g.items[i]
		why := "as the editor's strand and order say"
		if g.made {
			why = "grouped by theme and place"
		}
		bridge := it.Bridge
		if bridge == "" && g.made && !bridged {
			bridge = c.bridge(it, before, i == 0)
			bridged = bridge != ""
			if bridge != "" {
				why += fmt.Sprintf("; %q was chosen as its bridge", bridge)
			}
		}
		p := c.piece(it, bridge)
		strand.Items = append(strand.Items, p)
		texts = append(texts, newsletter.PlainText(p.Text))
		c.say(it, true, g.name, why)
		before = it
	}
	strand.Text = strings.Join(texts, " ")
	c.reasons.Strands = append(c.reasons.Strands, fmt.Sprintf("%s: %d items", g.name, len(g.items)))
	return strand
}

// piece writes an item's sentences behind its bridge.
func (c *composer) piece(it *newsletter.Item, bridge string) newsletter.Piece {
	text := strings.Join(strings.Fields(it.Summary), " ")
	if text == "" {
		// A story without a summary is told by its title, which is made a sentence.
		text = escapeMarkdown(it.Title)
		if last, _ := utf8.DecodeLastRuneInString(text); unicode.IsLetter(last) || unicode.IsDigit(last) {
			text += "."
		}
	}
	plain := newsletter.PlainText(text)
	p := newsletter.Piece{ID: it.ID, Title: it.Title, URL: it.URL, Source: it.Source, Bridge: bridge, Text: text, Anchor: c.anchor(it.Title, text, plain)}
	if bridge == "" {
		return p
	}
	if strings.ContainsAny(bridge[len(bridge)-1:], ".!?") {
		p.Text = escapeMarkdown(bridge) + " " + text // a sentence of its own
		return p
	}
	p.Text = escapeMarkdown(bridge) + " " + c.lowerFirst(text)
	// The link may begin with the very word that lost its capital.
	if strings.HasPrefix(plain, p.Anchor) {
		p.Anchor = c.lowerFirst(p.Anchor)
	}
	return p
}

// lowerFirst takes the capital from the first word where that is a function
// word; names and abbreviations keep theirs.
func (c *composer) lowerFirst(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	if end < 0 {
		end = len(text)
	}
	if lower := strings.ToLower(text[:end]); c.phrases.function[lower] {
		return lower + text[end:]
	}
	return text
}

// escapeMarkdown lets plain words stand in Markdown as they are.
func escapeMarkdown(s string) string {
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, "&", `\&`, "#", `\#`).Replace(s)
}
