package assemble

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"apta/newsletter"
)

// Rules say which items a review takes. An item that an editor pinned or gave an
// order, or locked in the draft, is always among them.
type Rules struct {
	Min, Max  int      // items of the review; 0 is no bound
	MinLatest int      // headlines of latest news
	Pins      []string // URLs that open the review, in this order
	Exclude   []string // URLs that stay out
	Themes    []ThemeRule
}

// ThemeRule bounds the items of one theme.
type ThemeRule struct {
	Name      string
	Min       int // fewer in the review, and there is no issue
	Max       int // in the review; 0 is no bound
	MinLatest int // fewer headlines of it, and there is no issue either
	MaxLatest int // headlines of it; 0 is no bound
	Weight    int // what an item of it weighs more than others, or less
}

func (r Rules) theme(name string) ThemeRule {
	for _, t := range r.Themes {
		if t.Name == name {
			return t
		}
	}
	return ThemeRule{Name: name}
}

// choose parts the items into those of the review, in the order of time, and the
// headlines, the newest first.
func (c *composer) choose(items []newsletter.Item, w newsletter.Window) (review, latest []newsletter.Item) {
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b newsletter.Item) int {
		return cmp.Or(a.Published.Compare(b.Published), cmp.Compare(a.URL, b.URL))
	})
	var inside []newsletter.Item
	for i := range items {
		if why := c.leftOut(&items[i], w); why != "" {
			c.say(&items[i], false, "", why)
		} else {
			inside = append(inside, items[i])
		}
	}
	c.read(inside)
	for _, it := range inside {
		if c.keptHeadline(it.URL) {
			c.say(&it, true, "latest", "an editor put it there")
			continue
		}
		if it.Latest {
			latest = append(latest, it)
		} else {
			review = append(review, it)
		}
	}
	slices.Reverse(latest)
	latest = c.headlines(latest, review)
	return c.heaviest(review, inside, w), latest
}

// leftOut says why an item has no place in this issue, or "".
func (c *composer) leftOut(it *newsletter.Item, w newsletter.Window) string {
	switch {
	case slices.Contains(c.style.Rules.Exclude, it.URL), c.past.Draft != nil && slices.Contains(c.past.Draft.Excluded, it.URL):
		return "left out by an editor"
	case c.past.Earlier[it.URL] != "":
		return fmt.Sprintf("the issue of %s had it", c.past.Earlier[it.URL])
	case it.Published.Before(w.From) && !c.past.Late[it.URL]:
		return "published before the week began"
	case !it.Published.Before(w.To):
		return "published after the week ended; the next issue has it"
	case it.Language != "" && c.style.Language != "" && !strings.EqualFold(it.Language, c.style.Language):
		return fmt.Sprintf("its language is %s, the issue's is %s", it.Language, c.style.Language)
	}
	return ""
}

// headlines are the newest of those that the review does not tell already. A
// lead keeps its story out even if the rules keep the lead out: it was looked at.
func (c *composer) headlines(latest, review []newsletter.Item) (list []newsletter.Item) {
	leads := c.titles(review)
	owed, all := map[string]int{}, 0 // places that the themes' minimums still want
	taken := map[string]int{}
	for _, t := range c.style.Rules.Themes {
		owed[t.Name] = t.MinLatest
		all += t.MinLatest
	}
	for i := range latest {
		it := &latest[i]
		switch lead := leads.same(c, it); {
		case lead != "":
			c.say(it, false, "", fmt.Sprintf("the review has this story already: %s", lead))
		case taken[it.Theme] > 0 && taken[it.Theme] == c.style.Rules.theme(it.Theme).MaxLatest:
			c.say(it, false, "", fmt.Sprintf("%d newer headlines of %s are all that the latest news may have", taken[it.Theme], it.Theme))
		case len(list) >= c.style.MaxLatest:
			c.say(it, false, "", fmt.Sprintf("%d newer headlines fill the latest news", c.style.MaxLatest))
		case owed[it.Theme] == 0 && len(list)+all >= c.style.MaxLatest:
			c.say(it, false, "", "the places left in the latest news are for themes that must be there")
		default:
			list = append(list, *it)
			taken[it.Theme]++
			if owed[it.Theme] > 0 {
				owed[it.Theme]--
				all--
			}
			c.say(it, true, "latest", fmt.Sprintf("headline %d, the newest first", len(list)))
		}
	}
	return list
}

// leadTitles finds a lead by its URL or by the words of its title.
type leadTitles struct {
	urls  map[string]string
	items []newsletter.Item
	words map[string][]int // by stem
}

func (c *composer) titles(review []newsletter.Item) leadTitles {
	l := leadTitles{urls: map[string]string{}, items: review, words: map[string][]int{}}
	for i, it := range review {
		l.urls[it.URL] = it.Title
		for stem := range c.corpus.facts[it.URL].title {
			l.words[stem] = append(l.words[stem], i)
		}
	}
	return l
}

// maxTelling is how many leads may have a word by which a headline is held
// against them: a word of more tells no story.
const maxTelling = 20

// same gives the title of the lead whose story a headline tells: it has its URL,
// or two in three of their titles' words are the same.
func (l leadTitles) same(c *composer, it *newsletter.Item) string {
	if title, found := l.urls[it.URL]; found {
		return title
	}
	title := c.corpus.facts[it.URL].title
	count := map[int]int{}
	for stem := range title {
		if list := l.words[stem]; len(list) <= maxTelling {
			for _, i := range list {
				count[i]++
			}
		}
	}
	for _, i := range slices.Sorted(maps.Keys(count)) {
		all := len(title) + len(c.corpus.facts[l.items[i].URL].title) - count[i]
		if count[i] >= 3 && 3*count[i] >= 2*all {
			return l.items[i].Title
		}
	}
	return ""
}

// weighed is an item with what it weighs among the others.
type weighed struct {
	at     int // in the order of time
	weight int
	fixed  bool // by an editor
	why    string
}

// heaviest takes what the rules let in: pinned and ordered items first, then each
// theme's minimum, then the heaviest that are left. What stays keeps the order of time.
func (c *composer) heaviest(review, all []newsletter.Item, w newsletter.Window) []newsletter.Item {
	rules := c.style.Rules
	if rules.Max == 0 && !slices.ContainsFunc(rules.Themes, func(t ThemeRule) bool { return t.Max > 0 }) {
		return review
	}
	ranked := c.weigh(review, all, w)
	taken, ofTheme, n := make([]bool, len(review)), map[string]int{}, 0
	take := func(when func(weighed, ThemeRule) bool) {
		for _, r := range ranked {
			theme := rules.theme(review[r.at].Theme)
			if !taken[r.at] && when(r, theme) {
				taken[r.at] = true
				ofTheme[theme.Name]++
				n++
			}
		}
	}
	take(func(r weighed, _ ThemeRule) bool { return r.fixed })
	take(func(_ weighed, t ThemeRule) bool { return ofTheme[t.Name] < t.Min })
	take(func(_ weighed, t ThemeRule) bool {
		return (rules.Max == 0 || n < rules.Max) && (t.Max == 0 || ofTheme[t.Name] < t.Max)
	})
	for _, r := range ranked {
		if it := &review[r.at]; !taken[r.at] {
			t := rules.theme(it.Theme)
			if t.Max > 0 && ofTheme[t.Name] >= t.Max {
				c.say(it, false, "", fmt.Sprintf("%s has its %d items, and others weigh more than %s", t.Name, t.Max, r.why))
			} else {
				c.say(it, false, "", fmt.Sprintf("the review has its %d items, and others weigh more than %s", rules.Max, r.why))
			}
		}
	}
	at := -1
	return slices.DeleteFunc(review, func(newsletter.Item) bool { at++; return !taken[at] })
}

// weigh ranks items, the heaviest first and among equals the newer: two for every
// further source of the story, the theme's weight, and one for the newer half of the week.
func (c *composer) weigh(review, all []newsletter.Item, w newsletter.Window) []weighed {
	sources := c.sources(all)
	half := w.From.Add(w.To.Sub(w.From) / 2)
	ranked := make([]weighed, len(review))
	for i := range review {
		it := &review[i]
		n, theme, fresh := max(len(sources[it.URL]), 1+it.Others), c.style.Rules.theme(it.Theme).Weight, 0
		if !it.Published.Before(half) {
			fresh = 1
		}
		ranked[i] = weighed{at: i, weight: 2*(n-1) + theme + fresh, fixed: it.Order != 0 || c.pinned(it.URL) >= 0 || c.locked(it.URL)}
		ranked[i].why = fmt.Sprintf("its %d (sources %d, theme %d, freshness %d)", ranked[i].weight, n, theme, fresh)
	}
	slices.SortStableFunc(ranked, func(a, b weighed) int { return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(b.at, a.at)) })
	return ranked
}

// pinned is an item's place among those that open the review, those of the draft
// behind those of the rules; -1 is none.
func (c *composer) pinned(url string) int {
	if at := slices.Index(c.style.Rules.Pins, url); at >= 0 || c.past.Draft == nil {
		return at
	}
	if at := slices.Index(c.past.Draft.Pins, url); at >= 0 {
		return len(c.style.Rules.Pins) + at
	}
	return -1
}

// keptHeadline reports whether an editor's list of latest news has an item.
func (c *composer) keptHeadline(url string) bool {
	draft := c.past.Draft
	return draft != nil && slices.Contains(draft.Locks, newsletter.LockLatest) && !c.locked(url) &&
		slices.ContainsFunc(draft.Latest, func(h newsletter.Headline) bool { return h.URL == url })
}

// locked reports whether the draft has an item in words that stay.
func (c *composer) locked(url string) bool {
	return c.past.Draft != nil && slices.ContainsFunc(c.past.Draft.Strands, func(s newsletter.Strand) bool {
		return slices.ContainsFunc(s.Items, func(p newsletter.Piece) bool { return p.URL == url && (p.Locked || s.Locked) })
	})
}

// sources are those who told an item's story, headlines included.
func (c *composer) sources(all []newsletter.Item) map[string]map[string]bool {
	sources := map[string]map[string]bool{}
	add := func(url, source string) {
		if sources[url] == nil {
			sources[url] = map[string]bool{}
		}
		sources[url][source] = true
	}
	for i := range all {
		add(all[i].URL, all[i].Source)
	}
	for _, p := range c.pairs(all) {
		if a, b := &all[p.a], &all[p.b]; c.oneStory(a, b, p.bond) {
			add(a.URL, b.Source)
			add(b.URL, a.Source)
		}
	}
	return sources
}

func ofTheme(items []newsletter.Item, theme string) (n int) {
	for _, it := range items {
		if it.Theme == theme {
			n++
		}
	}
	return n
}

// tooFew says what the rules want that the week does not have.
func (c *composer) tooFew(review, latest []newsletter.Item, w newsletter.Window) error {
	var short []string
	if len(review) < c.style.Rules.Min {
		short = append(short, fmt.Sprintf("%d items, wanted are %d", len(review), c.style.Rules.Min))
	}
	if len(latest) < c.style.Rules.MinLatest {
		short = append(short, fmt.Sprintf("%d headlines of latest news, wanted are %d", len(latest), c.style.Rules.MinLatest))
	}
	for _, t := range c.style.Rules.Themes {
		n := ofTheme(review, t.Name)
		if n < t.Min {
			short = append(short, fmt.Sprintf("%d of %s, wanted are %d", n, t.Name, t.Min))
		}
		if n := ofTheme(latest, t.Name); n < t.MinLatest {
			short = append(short, fmt.Sprintf("%d headlines of %s, wanted are %d", n, t.Name, t.MinLatest))
		}
	}
	if len(short) == 0 {
		return nil
	}
	for i := range review {
		c.say(&review[i], false, "", "the week has too few items for an issue")
	}
	return fmt.Errorf("assemble: %s: %w as the rules want it: it has %s", w.Name, ErrEmpty, strings.Join(short, "; "))
}

func (c *composer) empty(w newsletter.Window, looked int) error {
	counts := map[string]int{}
	for _, r := range c.reasons.Items {
		if r.In {
			counts["only a headline"]++
		} else {
			counts[r.Why]++
		}
	}
	why := []string{fmt.Sprintf("%d items were looked at", looked)}
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		why = append(why, fmt.Sprintf("%d: %s", counts[reason], reason))
	}
	return fmt.Errorf("assemble: %s: %w: %s", w.Name, ErrEmpty, strings.Join(why, "; "))
}
