package assemble

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"apta/newsletter"
)

// urls are the last two characters of the items' URLs in the order of the page.
func urls(issue newsletter.Issue) string {
	var list []string
	for _, s := range issue.Strands {
		for _, p := range s.Items {
			list = append(list, p.URL[len(p.URL)-2:])
		}
	}
	return strings.Join(list, " ")
}

func whys(r Reasons) string {
	var list []string
	for _, it := range r.Items {
		if !it.In {
			list = append(list, it.URL[len(it.URL)-2:]+" "+it.Why)
		}
	}
	return strings.Join(list, "\n")
}

// eight items: Trade 1 to 5, of which 3 and 4 are one story of two sources, and Water 6 to 8.
func eight() (items []newsletter.Item) {
	for n := 1; n <= 8; n++ {
		it := story(n, "Trade", fmt.Sprintf("Place %d", n), fmt.Sprintf("The market number %d grew.", n))
		if n > 5 {
			it.Theme = "Water"
		}
		it.Source = "One"
		items = append(items, it)
	}
	items[2].Summary, items[3].Summary = "The guild of Ostrava raised the Velmar toll.", "The Velmar toll angered the guild in Ostrava."
	items[3].Source = "Two"
	return items
}

func TestRulesChoose(t *testing.T) {
	at := func(n int) string { return fmt.Sprintf("https://x.example/%02d", n) }
	for _, c := range []struct {
		name  string
		rules Rules
		in    string // sorted by time
		why   string
	}{
		{"no rules", Rules{}, "01 02 03 04 05 06 07 08", ""},
		{"sources weigh most, then the newest", Rules{Max: 4}, "03 04 07 08", "01 the review has its 4 items, and others weigh more than its 0 (sources 1, theme 0, freshness 0)"},
		{"a pin is in whatever it weighs", Rules{Max: 3, Pins: []string{at(1)}}, "01 03 04", "08 the review has its 3 items"},
		{"an exclusion is out whatever it weighs", Rules{Exclude: []string{at(4)}}, "01 02 03 05 06 07 08", "04 left out by an editor"},
		{"a theme's weight", Rules{Max: 3, Themes: []ThemeRule{{Name: "Water", Weight: 5}}}, "06 07 08", "03 the review has its 3 items"},
		{"a theme's maximum", Rules{Themes: []ThemeRule{{Name: "Trade", Max: 1}}}, "04 06 07 08", "05 Trade has its 1 items"},
		{"a theme's minimum goes before weight", Rules{Max: 2, Themes: []ThemeRule{{Name: "Water", Min: 2}}}, "07 08", "03 the review has its 2 items"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := style("N")
			s.Rules = c.rules
			issue, reasons := compose(t, s, eight()...)
			in := strings.Fields(urls(issue))
			for _, url := range strings.Fields(c.in) {
				if !strings.Contains(urls(issue), url) {
					t.Errorf("%s is not in: %v", url, in)
				}
			}
			if len(in) != len(strings.Fields(c.in)) || !strings.Contains(whys(reasons), c.why) {
				t.Errorf("in are %v, not %s, because\n%s", in, c.in, whys(reasons))
			}
		})
	}
}

func TestPinsOpenTheReview(t *testing.T) {
	s := style("N")
	s.Rules.Pins = []string{"https://x.example/08", "https://x.example/02"}
	ordered := eight()
	ordered[4].Order = 1
	issue, _ := compose(t, s, ordered...)
	if got := issue.Strands[0].Theme + " " + issue.Strands[1].Theme; got != "Water Trade" {
		t.Errorf("the first paragraphs are %s: %s", got, urls(issue))
	}
}

func TestRulesWantMore(t *testing.T) {
	s := style("N")
	s.Rules = Rules{Min: 9, Themes: []ThemeRule{{Name: "Courts", Min: 1}}}
	_, _, err := Compose(eight(), week(t, "2024-W42", "UTC"), s, Past{})
	if !errors.Is(err, ErrEmpty) || !strings.Contains(err.Error(), "it has 8 items, wanted are 9; 0 of Courts, wanted are 1") {
		t.Errorf("error %v", err)
	}
}

// Nothing stands in two issues, and a lead's story is no headline though its
// title is put in other words.
func TestNothingTwice(t *testing.T) {
	items := eight()
	items[0].Title = "Marrow council rejects Brannoch substation"
	again, other := story(20, "", "", ""), story(21, "", "", "")
	again.Title, again.Latest = "Brannoch substation rejected by Marrow council", true
	other.Title, other.Latest = "Marrow council elects a mayor", true
	issue, reasons, err := Compose(append(items, again, other), week(t, "2024-W42", "UTC"), style("N"),
		Past{Earlier: map[string]string{items[7].URL: "2024-W41"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(issue.Latest) != 1 || issue.Latest[0].Title != other.Title {
		t.Errorf("latest are %+v", issue.Latest)
	}
	for _, want := range []string{"08 the issue of 2024-W41 had it", "20 the review has this story already: Marrow council rejects"} {
		if !strings.Contains(whys(reasons), want) {
			t.Errorf("%q is missing in\n%s", want, whys(reasons))
		}
	}
}
