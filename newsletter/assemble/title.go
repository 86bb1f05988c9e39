package assemble

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"apta/newsletter"
)

// maxSubject is how many characters of a subject a mailbox's list shows as a rule.
const maxSubject = 60

// TitleReason says why an issue has its title.
type TitleReason struct {
	Why        string      `json:"why"`
	Candidates []Candidate `json:"candidates,omitempty"` // the best first
	Subject    string      `json:"subject"`              // why the subject is what it is
}

// Candidate is a title that the issue could have.
type Candidate struct {
	Title string `json:"title"`
	Score int    `json:"score"`
	Why   string `json:"why"`
}

// theme is what a title may name.
type theme struct {
	name  string
	items int
}

// title names the themes that most of the issue is about. The subject is the
// best title that a mailbox shows whole, with what the template sets around it.
func (c *composer) title(groups []group) (title, subject string) {
	themes := themesOf(groups)
	if len(themes) == 0 {
		c.reasons.Title = TitleReason{Why: "no item has a theme", Subject: "the title"}
		return c.style.TitlePrefix, c.subject(c.style.TitlePrefix)
	}
	list := c.candidates(themes)
	title, subject = list[0].Title, list[0].Title
	c.reasons.Title = TitleReason{Candidates: list, Why: list[0].Why, Subject: "the title"}
	if length := utf8.RuneCountInString(c.subject(title)); length > maxSubject {
		c.reasons.Title.Subject = fmt.Sprintf("%s has %d characters and no other is shorter than %d", c.subjectName(), length, maxSubject)
		prefix := c.style.TitlePrefix + ": "
		for _, other := range append(list, Candidate{Title: upperFirst(strings.TrimPrefix(title, prefix))}) {
			if utf8.RuneCountInString(c.subject(other.Title)) < maxSubject {
				subject = other.Title
				c.reasons.Title.Subject = fmt.Sprintf("%s has %d characters, this is the best under %d", c.subjectName(), length, maxSubject)
				break
			}
		}
	}
	return title, c.subject(subject)
}

// subject sets a title into the subject's template.
func (c *composer) subject(title string) string {
	if c.style.Subject == "" {
		return title
	}
	return strings.NewReplacer("{title}", title, "{newsroom}", c.style.Newsroom).Replace(c.style.Subject)
}

func (c *composer) subjectName() string {
	if c.style.Subject == "" {
		return "the title"
	}
	return "the subject of the title"
}

// themesOf counts the items of each theme, the most first and among equals the
// one that appears first.
func themesOf(groups []group) (themes []theme) {
	at := map[string]int{}
	for _, g := range groups {
		for _, it := range g.items {
			if it.Theme == "" {
				continue
			}
			if _, found := at[it.Theme]; !found {
				at[it.Theme] = len(themes)
				themes = append(themes, theme{name: it.Theme})
			}
			themes[at[it.Theme]].items++
		}
	}
	slices.SortStableFunc(themes, func(a, b theme) int { return b.items - a.items })
	return themes
}

// candidates are the titles that name one or two of the four largest themes. A
// title scores the items that it speaks for, and five for naming two.
func (c *composer) candidates(themes []theme) (list []Candidate) {
	top := themes[:min(4, len(themes))]
	for i, a := range top {
		if i == 0 {
			list = append(list, Candidate{c.prefixed(a.name, "", false), 10 * a.items, fmt.Sprintf("%s %d", a.name, a.items)})
		}
		for _, b := range top[i+1:] {
			list = append(list, Candidate{c.prefixed(a.name, b.name, len(themes) > 2), 10*(a.items+b.items) + 5,
				fmt.Sprintf("the themes with most items: %s %d, %s %d", a.name, a.items, b.name, b.items)})
		}
	}
	slices.SortStableFunc(list, func(a, b Candidate) int { return cmp.Compare(b.Score, a.Score) })
	for i := range list[1:] {
		list[i+1].Why = strings.Replace(list[i+1].Why, "the themes with most items: ", "", 1)
	}
	return list
}

// prefixed writes a title of one theme or two behind the newsroom's prefix.
func (c *composer) prefixed(a, b string, more bool) string {
	prefix := c.style.TitlePrefix
	if c.phrases.Title.Case == "lower" {
		b = c.lowerTheme(b)
		if prefix != "" {
			a = c.lowerTheme(a)
		}
	}
	form := c.phrases.Title.Pair
	switch {
	case more:
		form = c.phrases.Title.More
	case b == "":
		form = "{a}"
	}
	themes := strings.NewReplacer("{a}", a, "{b}", b).Replace(form)
	if prefix == "" {
		return themes
	}
	return prefix + ": " + themes
}

// lowerTheme takes a theme's capital unless it begins with a name: a place, an
// abbreviation, or what the week's texts only write so.
func (c *composer) lowerTheme(name string) string {
	list := c.words(name)
	if len(list) == 0 {
		return name
	}
	_, size := utf8.DecodeRuneInString(name)
	first := list[0]
	if first.start != 0 || c.corpus.isName(first.stem) || c.corpus.places[first.stem] || size < first.end && startsUpper(name[size:]) {
		return name
	}
	return strings.ToLower(name[:size]) + name[size:]
}

func upperFirst(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:size]) + s[size:]
}

// preheader is what a mailbox shows behind the subject.
func (c *composer) preheader(issue newsletter.Issue) string {
	if c.style.Preheader == "" {
		return issue.Standfirst
	}
	return strings.NewReplacer("{newsroom}", c.style.Newsroom, "{first}", issue.Strands[0].Items[0].Title).Replace(c.style.Preheader)
}
