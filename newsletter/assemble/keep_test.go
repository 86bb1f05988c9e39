package assemble

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"apta/newsletter"

	"github.com/google/go-cmp/cmp"
)

// englishWeek composes the written week in English behind a draft, or without
// one, of its items as change leaves them.
func englishWeek(t *testing.T, past *newsletter.Issue, change func([]newsletter.Item) []newsletter.Item) (newsletter.Issue, Reasons) {
	t.Helper()
	items := readItems(t, "testdata/week-en.jsonl")
	if change != nil {
		items = change(items)
	}
	s := writtenWeeks[0].style
	s.Language, s.MaxLatest = "en", 20
	issue, reasons, err := Compose(items, week(t, "2026-W46", "Europe/Oslo"), s, Past{Draft: past})
	if err != nil {
		t.Fatal(err)
	}
	return issue, reasons
}

// What was not edited is made anew, and so comes out the same.
func TestUneditedDraftChangesNothing(t *testing.T) {
	issue, _ := englishWeek(t, nil, nil)
	next, reasons := englishWeek(t, &issue, nil)
	if d := Diff(issue, next); len(d) != 0 || len(reasons.Kept) != 0 {
		t.Errorf("changes %v, kept %v", d, reasons.Kept)
	}
}

func TestAnEditorsWordsWin(t *testing.T) {
	issue, _ := englishWeek(t, nil, nil)
	issue.Title, issue.Standfirst, issue.Preheader = "A ferry, a buoy, and a chair", "Read on.", "Not locked"
	issue.Locks = []newsletter.Lock{newsletter.LockTitle, newsletter.LockStandfirst}
	next, reasons := englishWeek(t, &issue, nil)
	if next.Title != issue.Title || next.Subject != issue.Title || next.Standfirst != "Read on." || next.Preheader == "Not locked" {
		t.Errorf("title %q, subject %q, standfirst %q, preheader %q", next.Title, next.Subject, next.Standfirst, next.Preheader)
	}
	if !slices.Equal(next.Locks, issue.Locks) || !slices.Contains(reasons.Kept, "the title is an editor's: A ferry, a buoy, and a chair") {
		t.Errorf("locks %v, kept %v", next.Locks, reasons.Kept)
	}
}

// A locked strand stays as it is where it is, less what the week has no more,
// and no other paragraph has its items or its bridges.
func TestLockedStrandsStay(t *testing.T) {
	issue, _ := englishWeek(t, nil, nil)
	edited := &issue.Strands[3]
	edited.Locked, edited.Name = true, "Prices"
	slices.Reverse(edited.Items)
	edited.Items[0].Text, edited.Items[0].Bridge = "In other news, Tolne pays more.", "In other news,"
	edited.Items = append(edited.Items, issue.Strands[4].Items[0])
	gone := issue.Strands[4].Items[0]
	issue.Strands[4].Items = issue.Strands[4].Items[1:]
	next, reasons := englishWeek(t, &issue, func(items []newsletter.Item) []newsletter.Item {
		return slices.DeleteFunc(items, func(it newsletter.Item) bool { return it.URL == gone.URL })
	})
	want := *edited
	want.Items = want.Items[:2]
	want.Text = want.Items[0].Text + " " + newsletter.PlainText(want.Items[1].Text)
	if d := cmp.Diff(want, next.Strands[3]); d != "" {
		t.Errorf("the locked strand changed (-want +got):\n%s", d)
	}
	if len(reasons.Kept) != 1 || !strings.Contains(reasons.Kept[0], gone.Title) {
		t.Errorf("kept: %v", reasons.Kept)
	}
	seen := map[string]bool{}
	for _, s := range next.Strands {
		for _, p := range s.Items {
			for _, key := range []string{p.URL, p.Bridge} {
				if key != "" && seen[key] {
					t.Errorf("%q stands twice", key)
				}
				seen[key] = true
			}
		}
	}
}

func TestLockedBridgeAndOrder(t *testing.T) {
	issue, _ := englishWeek(t, nil, nil)
	slices.Reverse(issue.Strands)
	issue.Locks = []newsletter.Lock{newsletter.LockOrder}
	silent := &issue.Strands[0].Items[0]
	silent.Bridge, silent.Text, silent.Locked = "", "The band found a march.", true
	fresh := story(77, "Transport", "Aldwick", "Something new happened to the trams.")
	fresh.Published = issue.From.AddDate(0, 0, 2)
	next, _ := englishWeek(t, &issue, func(items []newsletter.Item) []newsletter.Item { return append(items, fresh) })
	var was, is []string
	for i := range issue.Strands {
		was, is = append(was, issue.Strands[i].Items[0].URL), append(is, next.Strands[i].Items[0].URL)
	}
	if d := cmp.Diff(was, is); d != "" {
		t.Errorf("the order changed:\n%s", d)
	}
	if got := next.Strands[0].Items[0]; got.Text != silent.Text || got.Bridge != "" || !got.Locked {
		t.Errorf("the locked piece became %+v", got)
	}
}

func TestDiff(t *testing.T) {
	piece := func(n int, bridge string) newsletter.Piece {
		return newsletter.Piece{URL: fmt.Sprint(n), Title: fmt.Sprintf("Item %d", n), Bridge: bridge, Text: fmt.Sprintf("Text %d.", n)}
	}
	was := newsletter.Issue{Title: "Old", Standfirst: "Same", Strands: []newsletter.Strand{
		{Name: "a", Items: []newsletter.Piece{piece(1, ""), piece(2, ""), piece(3, "")}}, {Name: "b", Items: []newsletter.Piece{piece(4, "Meanwhile,"), piece(5, "")}}},
		Latest: []newsletter.Headline{{URL: "6", Title: "Item 6"}}}
	is := newsletter.Issue{Title: "New", Standfirst: "Same", Strands: []newsletter.Strand{
		{Name: "a", Items: []newsletter.Piece{piece(3, ""), piece(1, ""), piece(2, "")}}, {Name: "b", Items: []newsletter.Piece{piece(4, "Elsewhere,"), piece(6, ""), piece(7, "")}}}}
	is.Strands[0].Items[1].Text = "Other words."
	var got []string
	for _, c := range Diff(was, is) {
		got = append(got, c.String())
	}
	want := []string{`title: "Old" became "New"`, "removed from b: Item 5", "moved within a: Item 3", `words of Item 1: "Text 1." became "Other words."`,
		`bridge of Item 4: "Meanwhile," became "Elsewhere,"`, "moved from latest to b: Item 6", "added to b: Item 7"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if d := Diff(was, was); len(d) != 0 {
		t.Errorf("an issue differs from itself: %v", d)
	}
}

// What an editor took out, pinned, and put on the list of latest news stays so.
func TestAnEditorsChoiceWins(t *testing.T) {
	issue, _ := englishWeek(t, nil, nil)
	out := issue.Strands[0].Items[0].URL
	pin := issue.Strands[len(issue.Strands)-1].Items[0].URL
	issue.Excluded, issue.Pins = []string{out}, []string{pin}
	issue.Latest, issue.Locks = issue.Latest[:1], []newsletter.Lock{newsletter.LockLatest}
	next, reasons := englishWeek(t, &issue, nil)
	if first := next.Strands[0].Items[0].URL; first != pin {
		t.Errorf("the review opens with %s", first)
	}
	for _, s := range next.Strands {
		if slices.ContainsFunc(s.Items, func(p newsletter.Piece) bool { return p.URL == out }) {
			t.Errorf("%s is in it", out)
		}
	}
	if !slices.Equal(next.Latest, issue.Latest) || !slices.Contains(reasons.Kept, "the latest news are an editor's") {
		t.Errorf("latest %v, kept %v", next.Latest, reasons.Kept)
	}
	if again, _ := englishWeek(t, &next, nil); len(Diff(next, again)) != 0 || !slices.Equal(again.Excluded, issue.Excluded) || !slices.Equal(again.Pins, issue.Pins) {
		t.Errorf("assembled once more it is another: %v", Diff(next, again))
	}
}
