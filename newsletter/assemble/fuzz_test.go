package assemble

import (
	"strings"
	"testing"

	"apta/newsletter"

	"github.com/google/go-cmp/cmp"
)

// Whatever the items say, the same come out in any order, no bridge stands twice,
// every item has its reason, and every link's words are in their piece.
func FuzzCompose(f *testing.F) {
	f.Add("en", "The council met.", "Prices fell in *Holm*.", "He said: no.", "Trade", "Holm")
	f.Add("ru", "Хлеб подорожал.", "Мука подешевела: вот так.", "— Нет, — сказал он.", "Экономика", "Озёрск")
	f.Add("kk", "Ет бағасы өсті.", "Ет бағасы төмендеді", "«Сең» фильмі.", "", "Аққұм")
	f.Add("tr", "İstanbul büyüdü.", "istanbul ve ⱥ. Ⱥ geldi.", "-- x", "İ", "İ")
	f.Fuzz(func(t *testing.T, language, a, b, d, theme, place string) {
		w := week(t, "2024-W42", "UTC")
		s := Style{Language: language, TitlePrefix: "W", MaxLatest: 3}
		items := []newsletter.Item{story(1, theme, place, a), story(2, theme, "", b), story(30, "T", place, d), story(40, theme, d, a+" "+b), story(50, "T", "P", b)}
		items[1].Title, items[4].Latest = a, true
		issue, reasons, err := Compose(items, w, s, Past{})
		if err != nil {
			t.Fatal(err)
		}
		if len(reasons.Items) != len(items) {
			t.Errorf("%d reasons", len(reasons.Items))
		}
		seen := map[string]bool{}
		for _, strand := range issue.Strands {
			for _, p := range strand.Items {
				if p.Bridge != "" && seen[p.Bridge] {
					t.Errorf("%q stands twice", p.Bridge)
				}
				seen[p.Bridge] = true
				if !strings.Contains(p.Text, p.Anchor) {
					t.Errorf("%q is not in %q", p.Anchor, p.Text)
				}
			}
		}
		again, _, err := Compose(shuffled(items, uint64(len(a))), w, s, Past{Draft: &issue})
		if err != nil || !cmp.Equal(issue, again) {
			t.Errorf("in another order, behind its own draft: %v\n%s", err, cmp.Diff(issue, again))
		}
	})
}
