package assemble

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"apta/newsletter"
	"apta/templates"

	"github.com/google/go-cmp/cmp"
)

// writtenWeeks are weeks of invented newsrooms, without a strand, an order or a
// bridge: the page is the weaver's own, and a person has read it.
var writtenWeeks = []struct {
	language, zone string
	style          Style
}{
	{"en", "Europe/Oslo", Style{Newsroom: "The Sundmark Ledger", TitlePrefix: "Week in Review", Standfirst: "{newsroom} has put together a brief synopsis of the past week."}},
	{"ru", "Asia/Yekaterinburg", Style{Newsroom: "«Степной листок»", TitlePrefix: "Неделя", Standfirst: "{newsroom} коротко рассказывает о том, чем жила область на этой неделе."}},
	{"kk", "Asia/Almaty", Style{Newsroom: "«Дала шежіресі»", TitlePrefix: "Апта", Standfirst: "{newsroom} өткен аптаның басты оқиғаларын қысқаша баяндайды."}},
}

func TestWrittenWeeks(t *testing.T) {
	words, err := templates.Locales()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range writtenWeeks {
		t.Run(c.language, func(t *testing.T) {
			items := readItems(t, "testdata/week-"+c.language+".jsonl")
			c.style.Language, c.style.MaxLatest = c.language, 20
			w := week(t, "2026-W46", c.zone)
			issue, reasons, err := Compose(items, w, c.style, Past{})
			if err != nil {
				t.Fatal(err)
			}
			goldenText(t, "week-"+c.language+".txt", page(issue, templates.In(words, c.language)["latest"]))
			pieces := 0
			for _, s := range issue.Strands {
				pieces += len(s.Items)
			}
			if pieces+len(issue.Latest) != len(items) || len(reasons.Bridges) != pieces {
				t.Errorf("%d pieces, %d headlines and %d reasons for bridges of %d items", pieces, len(issue.Latest), len(reasons.Bridges), len(items))
			}
			for seed := range uint64(10) {
				again, _, err := Compose(shuffled(items, seed), w, c.style, Past{})
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(issue, again); d != "" {
					t.Fatalf("in another order the items make another issue:\n%s", d)
				}
			}
			var explained strings.Builder
			if err := reasons.Write(&explained); err != nil {
				t.Fatal(err)
			}
			goldenText(t, "week-"+c.language+".why.txt", explained.String())
			for _, it := range items {
				if !strings.Contains(explained.String(), it.URL) {
					t.Errorf("nothing is said about %s", it.URL)
				}
			}
		})
	}
}

func shuffled(items []newsletter.Item, seed uint64) []newsletter.Item {
	mixed := slices.Clone(items)
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	return mixed
}

func goldenText(t *testing.T, name, got string) {
	t.Helper()
	file := "testdata/" + name
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (-want +got), -update writes it:\n%s", file, d)
	}
}
