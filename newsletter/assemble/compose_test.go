package assemble

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/subscribers/database"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func readItems(t testing.TB, file string) []newsletter.Item {
	t.Helper()
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not here", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var items []newsletter.Item
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var it newsletter.Item
		if err := json.Unmarshal(lines.Bytes(), &it); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		items = append(items, it)
	}
	return items
}

func week(t testing.TB, name, zone string) newsletter.Window {
	t.Helper()
	z, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newsletter.ParseWeek(name, z)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func style(newsroom string) Style {
	return Style{Language: "en", Newsroom: newsroom, TitlePrefix: "Week in Review", Standfirst: "{newsroom} has put together a brief synopsis of the past week.", MaxLatest: 20}
}

// golden holds an issue against its file, and writes the page as text beside it
// for whoever reads it.
func golden(t *testing.T, name string, issue newsletter.Issue) {
	t.Helper()
	got, err := json.MarshalIndent(issue, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)+"\n"); d != "" {
		t.Errorf("%s differs (-want +got), -update writes it:\n%s", file, d)
	}
}

// page is the issue as expected.txt of the seed week has it.
func page(issue newsletter.Issue, latest string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n\n", issue.Title, issue.Standfirst)
	for _, s := range issue.Strands {
		fmt.Fprintf(&b, "%s\n\n", s.Text)
	}
	fmt.Fprintf(&b, "%s\n\n", latest)
	for _, h := range issue.Latest {
		fmt.Fprintf(&b, "- %s\n", h.Title)
	}
	return b.String()
}

// The measure of assembly is the page that a human newsroom made of its week.
func TestSeedWeekWordForWord(t *testing.T) {
	items := readItems(t, "../../../shared/seed-week/items.jsonl")
	issue, reasons, err := Compose(items, week(t, "2024-W42", "Asia/Almaty"), style("Orda"), Past{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../../shared/seed-week/expected.txt")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(bytes.TrimSpace(want)), strings.TrimSpace(page(issue, "Latest news"))); d != "" {
		t.Errorf("the page differs (-want +got):\n%s", d)
	}
	if len(issue.Strands) != 16 || len(issue.Latest) != 20 || len(reasons.Items) != len(items) {
		t.Errorf("%d strands, %d headlines, %d reasons for %d items", len(issue.Strands), len(issue.Latest), len(reasons.Items), len(items))
	}
	for _, s := range issue.Strands {
		for _, p := range s.Items {
			t.Logf("%q <- %s", p.Anchor, p.Title)
		}
	}
}

func TestShippedWeek(t *testing.T) {
	items := readItems(t, "../../cmd/apta/demo/items.jsonl")
	for i := range items {
		items[i].ID = database.ID(i + 1)
	}
	issue, _, err := Compose(items, week(t, "2026-W24", "Europe/Berlin"), style("The Quay Post"), Past{})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "shipped-week.json", issue)
	// The same items in any order make the same issue.
	for seed := range uint64(5) {
		again, _, err := Compose(shuffled(items, seed), week(t, "2026-W24", "Europe/Berlin"), style("The Quay Post"), Past{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(issue, again); d != "" {
			t.Fatalf("in another order the items make another issue:\n%s", d)
		}
	}
}

var monday = time.Date(2024, 10, 14, 9, 0, 0, 0, time.UTC)

// story makes an item of the tests' week; n orders it in time.
func story(n int, theme, place, summary string) newsletter.Item {
	return newsletter.Item{ID: database.ID(n), URL: fmt.Sprintf("https://x.example/%02d", n), Title: fmt.Sprintf("Story %d", n), Summary: summary, Theme: theme, Place: place, Published: monday.Add(time.Duration(n) * time.Hour)}
}

func compose(t *testing.T, s Style, items ...newsletter.Item) (newsletter.Issue, Reasons) {
	t.Helper()
	issue, reasons, err := Compose(items, week(t, "2024-W42", "UTC"), s, Past{})
	if err != nil {
		t.Fatal(err)
	}
	return issue, reasons
}

func TestTitles(t *testing.T) {
	for _, c := range []struct {
		language, themes, want string
	}{
		{"en", "Trade", "Week: Trade"},
		{"en", "Trade Water", "Week: Trade and Water"},
		{"en", "Trade Water Trade Energy", "Week: Trade, Water, and More"},
		{"en", "Water Trade Energy Energy", "Week: Energy, Water, and More"},
		{"ru", "Торговля Вода", "Week: торговля и вода"},
		{"ru", "Торговля Вода Свет", "Week: торговля, вода и другое"},
		{"kk", "Сауда Су Жарық", "Week: сауда, су және басқалар"},
		{"en", "", "Week"},
	} {
		var items []newsletter.Item
		themes := strings.Fields(c.themes)
		for n, theme := range append(themes, make([]string, 1)[len(themes)/max(len(themes), 1):]...) {
			it := story(n+1, theme, "", "It happened.")
			it.Strand = fmt.Sprint(n)
			items = append(items, it)
		}
		issue, _ := compose(t, Style{Language: c.language, TitlePrefix: "Week"}, items...)
		if issue.Title != c.want {
			t.Errorf("%s gives %q, not %q", c.themes, issue.Title, c.want)
		}
	}
}

func TestBridgeAndFirstWord(t *testing.T) {
	for _, c := range []struct{ bridge, summary, want string }{
		{"Coincidentally,", "A court ruled.", "Coincidentally, a court ruled."},
		{"Meanwhile,", "North Korea spoke.", "Meanwhile, North Korea spoke."},
		{"On a separate occasion,", "Other deputies spoke.", "On a separate occasion, other deputies spoke."},
		{"Meanwhile,", "\"A quotation\" opens it.", "Meanwhile, \"A quotation\" opens it."},
		{"Meanwhile,", "*In* the city it rained.", "Meanwhile, In the city it rained."},
		{"The week ended.", "The bell rang.", "The week ended. The bell rang."},
		{"It was so:", "The bell rang.", "It was so: the bell rang."},
		{"", "The bell rang.", "The bell rang."},
		{"[odd] *bridge*,", "The bell rang.", "[odd] *bridge*, the bell rang."},
		{"Meanwhile,", "", "Meanwhile, Story 2."},
	} {
		first, second := story(1, "T", "P", "First."), story(2, "T", "P", c.summary)
		first.Strand, second.Strand, second.Bridge = "s", "s", c.bridge
		issue, _ := compose(t, style("N"), first, second)
		if got := issue.Strands[0].Text; got != "First. "+c.want {
			t.Errorf("%q and %q give %q", c.bridge, c.summary, got)
		}
	}
}

func TestGroupingByThemeAndPlace(t *testing.T) {
	var items []newsletter.Item
	for n := range 6 {
		items = append(items, story(n+1, "Trade", "Almaty", "The market grew again."))
	}
	items = append(items, story(7, "Trade", "Astana", "The bank spoke."), story(8, "Water", "Aral", "The sea rose."), story(9, "", "", "Something else happened."))
	issue, _ := compose(t, style("N"), items...)
	var got []string
	for _, s := range issue.Strands {
		got = append(got, fmt.Sprintf("%s: %d", s.Name, len(s.Items)))
	}
	if want := "Trade, Almaty (1): 4; Trade, Almaty (2): 3; Water, Aral: 1; other news: 1"; strings.Join(got, "; ") != want {
		t.Errorf("the strands are %s, not %s", strings.Join(got, "; "), want)
	}
}

// No phrase twice in an issue, none before a summary that opens with a
// connective, none for the first item, and no two in a row in a paragraph.
func TestChosenBridges(t *testing.T) {
	var items []newsletter.Item
	for n := range 60 {
		opening := "The council met."
		if n%7 == 0 {
			opening = "Meanwhile, the council met."
		}
		items = append(items, story(n+1, fmt.Sprintf("Theme %02d", n/5), fmt.Sprintf("Place %d", n%3), opening))
	}
	edited := story(61, "Theme 00", "Place 9", "The mayor spoke.")
	edited.Strand, edited.Bridge, edited.Order = "s", "On a separate note,", 1
	issue, _ := compose(t, style("N"), append(items, edited)...)
	seen := map[string]int{}
	chosen := 0
	for i, s := range issue.Strands {
		last := -2
		for j, p := range s.Items {
			if p.Bridge == "" {
				continue
			}
			if j == last+1 {
				t.Errorf("%s has two bridges in a row", s.Name)
			}
			last = j
			chosen++
			if seen[p.Bridge]++; seen[p.Bridge] > 1 {
				t.Errorf("%q stands twice", p.Bridge)
			}
			if strings.Contains(p.Text, p.Bridge+" Meanwhile") {
				t.Errorf("%q was put before a connective", p.Bridge)
			}
			if i == 0 && j == 0 && s.Name != "s" {
				t.Errorf("the issue opens with %q", p.Bridge)
			}
		}
	}
	if chosen < 4 {
		t.Errorf("only %d bridges were chosen", chosen)
	}
}

func TestLatestNews(t *testing.T) {
	var items []newsletter.Item
	lead := story(1, "Trade", "Almaty", "The market grew.")
	for n := range 5 {
		h := story(n+2, "", "", "")
		h.Latest = true
		items = append(items, h)
	}
	doubled := story(9, "", "", "")
	doubled.Latest, doubled.URL = true, lead.URL
	late, foreign := story(10, "T", "P", "Late."), story(11, "T", "P", "Чужое.")
	late.Published, foreign.Language = monday.AddDate(0, 0, 7), "ru"
	s := style("N")
	s.MaxLatest = 3
	issue, reasons := compose(t, s, append(items, lead, doubled, late, foreign)...)
	var got []string
	for _, h := range issue.Latest {
		got = append(got, h.Title)
	}
	if strings.Join(got, ", ") != "Story 6, Story 5, Story 4" {
		t.Errorf("latest are %v", got)
	}
	why := map[string]string{}
	for _, r := range reasons.Items {
		why[fmt.Sprint(r.ID)] += r.Why
		if r.Why == "" {
			t.Errorf("%s is %v without a reason", r.URL, r.In)
		}
	}
	for id, want := range map[database.ID]string{2: "newer headlines", 9: "has this story already", 10: "after the week ended", 11: "its language is ru"} {
		if !strings.Contains(why[id.String()], want) {
			t.Errorf("item %d: %q, not %q", id, why[id.String()], want)
		}
	}
	if len(reasons.Items) != 9 {
		t.Errorf("%d reasons for 9 items", len(reasons.Items))
	}
}

func TestEmptyWeek(t *testing.T) {
	headline, late := story(1, "", "", ""), story(2, "T", "P", "Late.")
	headline.Latest, late.Published = true, monday.AddDate(0, 0, 30)
	_, _, err := Compose([]newsletter.Item{headline, late}, week(t, "2024-W42", "UTC"), style("N"), Past{})
	if !errors.Is(err, ErrEmpty) || !strings.Contains(err.Error(), "2 items were looked at; 1: only a headline; 1: published after the week ended") {
		t.Errorf("error %v", err)
	}
}

// Every anchor is in its piece's words, and in its Markdown as it stands.
func FuzzAnchor(f *testing.F) {
	f.Add("Prisoners pressed to sign", "Prisoners have *faced* pressure to sign [contracts](https://x.example).", "Meanwhile,")
	f.Add("t", "**a** \\[b\\] `c` \"d e\" f g", "")
	phrases := Shipped("en")
	f.Fuzz(func(t *testing.T, title, summary, bridge string) {
		c := &composer{phrases: phrases}
		it := story(1, "T", "P", summary)
		it.Title = title
		p := c.piece(&it, strings.Join(strings.Fields(bridge), " "))
		if p.Anchor != "" && !strings.Contains(p.Text, p.Anchor) {
			t.Fatalf("%q is not in %q", p.Anchor, p.Text)
		}
	})
}

func BenchmarkCompose(b *testing.B) {
	for _, n := range []int{2_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkCompose(b, n) })
	}
}

func benchmarkCompose(b *testing.B, count int) {
	var items []newsletter.Item
	for n := range count {
		it := story(n, fmt.Sprintf("Theme %d", n%40), fmt.Sprintf("Place %d", n%17), "The regional council of the northern district agreed on Tuesday to open the second bridge over the river, which had been closed to lorries since the floods of last spring.")
		it.Published = monday.Add(time.Duration(n) * time.Second)
		it.Title = fmt.Sprintf("Council number %d agrees to open the second bridge", n)
		items = append(items, it)
	}
	w := week(b, "2024-W42", "UTC")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Compose(items, w, style("N"), Past{}); err != nil {
			b.Fatal(err)
		}
	}
}
