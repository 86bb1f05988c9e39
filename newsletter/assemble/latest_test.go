package assemble

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"apta/newsletter"
)

// headlineWeek is a lead and five headlines, of which the oldest alone is of Water.
func headlineWeek() []newsletter.Item {
	items := []newsletter.Item{story(1, "Trade", "Quay", "The market grew.")}
	for n := 2; n <= 6; n++ {
		it := story(n, "Trade", "Quay", "")
		if n == 2 {
			it.Theme = "Water"
		}
		it.Title, it.Latest = fmt.Sprintf("Headline of number %d", n), true
		it.Title = strings.Repeat(string(rune('a'+n)), 9) + " " + it.Title[:8]
		items = append(items, it)
	}
	return items
}

// A theme that the latest news need has its place, though newer ones are of others.
func TestLatestNewsOfAThemeThatMustBeThere(t *testing.T) {
	s := style("N")
	s.MaxLatest = 3
	headlines := func(rules Rules) string {
		t.Helper()
		s.Rules = rules
		issue, _ := compose(t, s, headlineWeek()...)
		var list []string
		for _, h := range issue.Latest {
			list = append(list, h.URL[len(h.URL)-2:])
		}
		return strings.Join(list, " ")
	}
	if got := headlines(Rules{}); got != "06 05 04" {
		t.Errorf("without rules: %s", got)
	}
	if got := headlines(Rules{Themes: []ThemeRule{{Name: "Water", MinLatest: 1}}}); got != "06 05 02" {
		t.Errorf("with a theme that must be there: %s", got)
	}
	if got := headlines(Rules{Themes: []ThemeRule{{Name: "Trade", MaxLatest: 2}}}); got != "06 05 02" {
		t.Errorf("with a theme that may have two: %s", got)
	}
	for want, rules := range map[string]Rules{
		"3 headlines of latest news, wanted are 4": {MinLatest: 4},
		"1 headlines of Water, wanted are 2":       {Themes: []ThemeRule{{Name: "Water", MinLatest: 2}}},
	} {
		s.Rules = rules
		if _, _, err := Compose(headlineWeek(), week(t, "2024-W42", "UTC"), s, Past{}); !errors.Is(err, ErrEmpty) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", rules, err)
		}
	}
}

// The subject's template is filled in, and the title in it is one with which the
// whole is short enough.
func TestSubjectFromATemplate(t *testing.T) {
	s := style("N")
	s.Subject = "{title} | {newsroom}"
	var items []newsletter.Item
	for n, theme := range []string{"Trade and Industry of the Coast", "Water", "Courts"} {
		items = append(items, story(2*n+1, theme, "Quay", "The market grew."), story(2*n+2, theme, "Quay", "The market fell."))
	}
	issue, reasons := compose(t, s, items...)
	if !strings.HasSuffix(issue.Subject, " | N") || utf8.RuneCountInString(issue.Subject) >= maxSubject || strings.HasPrefix(issue.Subject, issue.Title) {
		t.Errorf("the subject of %q is %q: %s", issue.Title, issue.Subject, reasons.Title.Subject)
	}
}
