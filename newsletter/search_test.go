package newsletter_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
)

func TestFold(t *testing.T) {
	for _, same := range [][]string{
		{"қазақстан", "ҚАЗАҚСТАН", "Қазақстан"},
		{"әғқңөұүһі", "ӘҒҚҢӨҰҮҺІ"},
		{"елка", "Ёлка", "ЁЛКА", "е\u0308лка"},
		{"йод", "ЙОД", "и\u0306од"},
		{"cafe", "Café", "CAFE\u0301", "ｃａｆé"},
		{"strasse", "Straße", "STRASSE"},
		{"2024", "２０２４"},
		{"हिन्दी"},
		{"", "\xff"},
	} {
		for _, w := range same {
			if got := newsletter.Fold(w); got != same[0] {
				t.Errorf("%q folds to %q, not %q", w, got, same[0])
			}
		}
	}
	// An accent at the end takes the long way to the same.
	for c := rune('0'); c < 0x600; c++ {
		if w := string(c) + "б"; newsletter.Fold(w) != newsletter.Fold(w+"\u0301") {
			t.Errorf("%q folds to %q, and on the long way to %q", w, newsletter.Fold(w), newsletter.Fold(w+"\u0301"))
		}
	}
	for _, other := range [][2]string{{"қал", "кал"}, {"мой", "мои"}, {"ұн", "ун"}, {"іс", "ис"}} {
		if newsletter.Fold(other[0]) == newsletter.Fold(other[1]) {
			t.Errorf("%q and %q fold to the same", other[0], other[1])
		}
	}
}

func TestWordsStandInTheirPlaces(t *testing.T) {
	text := "«Өзен» don't — 3.5 км²,\u00a0x\xffy"
	var got []string
	for w := range newsletter.Words(text) {
		got = append(got, text[w.From:w.To]+"="+w.Folded)
	}
	want := []string{"Өзен=өзен", "don=don", "t=t", "3=3", "5=5", "км=км", "x=x", "y=y"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzTerms(f *testing.F) {
	f.Add(`"quo'te" AND (x* OR -y) NEAR/3 {col}: ^z \ & | ! <-> :*`)
	f.Add("Әлем\x00\xff\u0306\u200d" + strings.Repeat("ы", 500))
	f.Fuzz(func(t *testing.T, query string) {
		for _, term := range newsletter.Terms(query) {
			if term == "" || strings.ContainsAny(term, "\x00\"'\\*:&|!<>() ") || newsletter.Fold(term) != term {
				t.Errorf("%q gives the term %q", query, term)
			}
		}
	})
}

func published(week, language, title, text string, status newsletter.Status) newsletter.Issue {
	w, err := newsletter.ParseWeek(week, time.UTC)
	if err != nil {
		panic(err)
	}
	return newsletter.Issue{Newsletter: "weekly", Week: week, From: w.From, To: w.To, Language: language, Title: title, Status: status,
		Strands: []newsletter.Strand{{Text: text}}, Latest: []newsletter.Headline{{Title: "Headline of " + week}}}
}

func TestSearch(t *testing.T) {
	each(t, func(t *testing.T, s *newsletter.Store) {
		ctx := context.Background()
		for _, i := range []newsletter.Issue{
			published("2024-W40", "en", "Rivers and railways", "The Ural rose at Oral; the café stayed open until 1e5.", newsletter.Sent),
			published("2024-W41", "ru", "Реки и железные дороги", "Уровень Урала поднялся, ёлка стоит. Мой друг.", newsletter.Sent),
			published("2024-W42", "kk", "Өзендер, теміржол", "ЖАЙЫҚТЫҢ деңгейі көтерілді. Үлкен ұн, ІРІ қала.", newsletter.Sending),
			published("2024-W43", "en", "Not out yet", "The Ural is secret.", newsletter.Approved),
			published("2023-W43", "en", "An old one", "Nothing of rivers but this word: railways.", newsletter.Sent),
		} {
			if _, err := s.SaveIssue(ctx, i); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.IndexPublic(ctx, "weekly"); err != nil || n != 4 {
			t.Fatalf("indexed %d (%v)", n, err)
		}
		if n, err := s.IndexPublic(ctx, "weekly"); err != nil || n != 0 {
			t.Errorf("indexed %d again (%v)", n, err)
		}
		for query, want := range map[string]string{
			"ural":               "2024-W40",
			"URAL Oral":          "2024-W40",
			"cafe":               "2024-W40",
			"1e5":                "2024-W40",
			"rivers":             "2024-W40 2023-W43", // the title weighs more than the text
			"railw":              "2024-W40 2023-W43",
			"урал":               "2024-W41",
			"ЁЛКА":               "2024-W41",
			"елка":               "2024-W41",
			"жайық":              "2024-W42",
			"ӨЗЕНДЕР":            "2024-W42",
			"ірі ұн":             "2024-W42",
			"үлкен көт":          "2024-W42",
			"headline 2024 w4":   "2024-W42 2024-W41 2024-W40",
			"secret":             "",
			"ural nonesuch":      "",
			"":                   "",
			`" OR 9=9 --`:        "",
			"title:rivers":       "",
			"riv* NEAR(x)":       "",
			"'; DROP TABLE x":    "",
			"\x00\xff":           "",
			"ural \xff & | ! :*": "2024-W40",
			strings.Repeat("ural ", 5000) + strings.Repeat("x", 100000): "2024-W40",
			strings.Repeat("(", 100000):                                 "",
			"ural\u0306":                                                "2024-W40",
		} {
			got, err := s.Search(ctx, "weekly", "", newsletter.Terms(query), 10)
			if err != nil {
				t.Errorf("%.40q: %v", query, err)
			}
			var weeks []string
			for _, i := range got {
				weeks = append(weeks, i.Week)
			}
			if w := strings.Join(weeks, " "); w != want {
				t.Errorf("%.40q finds %q, not %q", query, w, want)
			}
		}
		if got, err := s.Search(ctx, "other", "", []string{"ural"}, 10); err != nil || len(got) != 0 {
			t.Errorf("another newsletter finds %d (%v)", len(got), err)
		}
	})
}

// What changes behind the index's back, as a restored row or a later form, is
// noticed by its revision.
func TestTheIndexKeepsUp(t *testing.T) {
	each(t, func(t *testing.T, s *newsletter.Store) {
		ctx := context.Background()
		i, err := s.SaveIssue(ctx, published("2024-W42", "en", "One", "alpha", newsletter.Draft))
		if err != nil {
			t.Fatal(err)
		}
		found := func(term string) int {
			t.Helper()
			if _, err := s.IndexPublic(ctx, "weekly"); err != nil {
				t.Fatal(err)
			}
			got, err := s.Search(ctx, "weekly", "", []string{term}, 10)
			if err != nil {
				t.Fatal(err)
			}
			return len(got)
		}
		if found("alpha") != 0 {
			t.Error("a draft is found")
		}
		if err := s.Move(ctx, i.ID, newsletter.Sent, "", newsletter.Draft); err != nil {
			t.Fatal(err)
		}
		if found("alpha") != 1 {
			t.Error("what became public is not found")
		}
		if err := s.Move(ctx, i.ID, newsletter.Held, "", newsletter.Sent); err != nil {
			t.Fatal(err)
		}
		if found("alpha") != 0 {
			t.Error("what is held again is found")
		}
		if _, err := s.SaveIssue(ctx, published("2024-W42", "en", "Two", "beta "+strings.Repeat("long ", 200_000), "")); err != nil {
			t.Fatal(err)
		}
		if err := s.Move(ctx, i.ID, newsletter.Sent, "", newsletter.Held); err != nil {
			t.Fatal(err)
		}
		if found("alpha") != 0 || found("beta") != 1 {
			t.Error("the index has the old words")
		}
	})
}

func TestPublicIssues(t *testing.T) {
	each(t, func(t *testing.T, s *newsletter.Store) {
		ctx := context.Background()
		for _, week := range []string{"2022-W10", "2024-W40", "2024-W41", "2024-W42"} {
			status := newsletter.Sent
			if week == "2024-W42" {
				status = newsletter.Held
			}
			if _, err := s.SaveIssue(ctx, published(week, "en", week, "", status)); err != nil {
				t.Fatal(err)
			}
		}
		mark, err := s.PublicMark(ctx, "weekly")
		if again, err2 := s.PublicMark(ctx, "weekly"); err != nil || err2 != nil || again != mark {
			t.Errorf("the mark is %q, and then %q (%v, %v)", mark, again, err, err2)
		}
		if years, err := s.Years(ctx, "weekly", ""); err != nil || !slices.Equal(years, []string{"2024", "2022"}) {
			t.Errorf("years %q (%v)", years, err)
		}
		if in, err := s.PublishedIn(ctx, "weekly", "", "2024"); err != nil || len(in) != 2 || in[0].Week != "2024-W41" {
			t.Errorf("%+v (%v)", in, err)
		}
		all, err := s.ByWeek(ctx, "weekly", "", "2024-W40")
		if err != nil || len(all) != 1 || !all[0].Published.Equal(all[0].Created) {
			t.Fatalf("%+v (%v)", all, err)
		}
		i := all[0]
		earlier, later, err := s.Beside(ctx, i.Issue, "")
		if err != nil || earlier == nil || earlier.Week != "2022-W10" || later == nil || later.Week != "2024-W41" {
			t.Errorf("beside it are %+v and %+v (%v)", earlier, later, err)
		}
		if none, _, err := s.Beside(ctx, earlier.Issue, ""); err != nil || none != nil {
			t.Errorf("before the first is %+v (%v)", none, err)
		}
		held, err := s.Issue(ctx, "weekly", "2024-W42")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Approve(ctx, held, newsletter.Approval{Editions: map[string][]byte{"": []byte("bytes")}}); err != nil {
			t.Fatal(err)
		}
		if err := s.Move(ctx, held.ID, newsletter.Sending, "", newsletter.Approved); err != nil {
			t.Fatal(err)
		}
		if other, err := s.PublicMark(ctx, "weekly"); err != nil || other == mark {
			t.Errorf("an issue came out, and the mark is still %q (%v)", other, err)
		}
	})
}
