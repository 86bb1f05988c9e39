package edit

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/subscribers/database"
)

// week is a small week: three strands and two headlines, and one item that is
// not in the issue.
func week(t testing.TB) (newsletter.Issue, []newsletter.Item, *assemble.Wording) {
	t.Helper()
	from := time.Date(2026, 6, 8, 0, 0, 0, 0, time.UTC)
	var items []newsletter.Item
	add := func(strand, theme, place, title, summary, bridge string, latest bool) {
		n := len(items) + 1
		items = append(items, newsletter.Item{ID: database.ID(n), URL: fmt.Sprintf("https://quaypost.example/%d", n), Title: title, Summary: summary,
			Source: "The Quay Post", Theme: theme, Place: place, Language: "en", Published: from.Add(time.Duration(n) * time.Hour), Strand: strand, Order: n, Bridge: bridge, Latest: latest})
	}
	add("dredging", "Harbour", "Haverhythe", "Dredger starts on the east channel", "The dredger *Halcyon* began work on the east channel on Monday.", "", false)
	add("dredging", "Harbour", "Haverhythe", "Pilots refuse night passages", "The pilots' guild refused all night passages until the channel is marked.", "By Wednesday,", false)
	add("dredging", "Harbour", "The Bar", "Grain ships wait outside the bar", "Two grain ships now wait outside the bar.", "", false)
	add("school", "Schools", "Haverhythe", "School roof gives way", "A roof at the girls' school gave way in the rain.", "", false)
	add("school", "Schools", "Haverhythe", "Lessons move to the chapel", "Lessons have moved to the chapel, which has an organ.", "", false)
	add("court", "Courts", "Haverhythe", "Judge rules for the oyster men", "Judge Aldous Marsh ruled for the oyster men on Friday.", "", false)
	add("", "Harbour", "", "A buoy is found in a garden", "", "", true)
	add("", "Schools", "", "The chapel organ is tuned", "", "", true)
	add("", "Markets", "Haverhythe", "Bread is dearer", "The price of bread rose by a tenth.", "", false)
	s := assemble.Style{Language: "en", Newsroom: "The Quay Post", TitlePrefix: "The Quay Post's week", Standfirst: "By {newsroom}.", MaxLatest: 10}
	issue, _, err := assemble.Compose(items[:8], newsletter.Window{Name: "2026-W24", From: from, To: from.AddDate(0, 0, 7)}, s, assemble.Past{})
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(issue); err != nil {
		t.Fatal(err)
	}
	return issue, items, assemble.NewWording(items, s)
}

// shape is an issue's arrangement: "dredging 1 2 3 | school! 4": ! is locked.
func shape(i newsletter.Issue) string {
	var parts []string
	for _, s := range i.Strands {
		part := s.Name
		if s.Locked {
			part += "!"
		}
		for _, p := range s.Items {
			part += fmt.Sprint(" ", int64(p.ID))
			if p.Locked {
				part += "!"
			}
		}
		parts = append(parts, part)
	}
	latest := "latest"
	if slices.Contains(i.Locks, newsletter.LockLatest) {
		latest += "!"
	}
	for _, h := range i.Latest {
		latest += fmt.Sprint(" ", int64(h.ID))
	}
	return strings.Join(append(parts, latest), " | ")
}

func TestArranging(t *testing.T) {
	start, items, w := week(t)
	if got := shape(start); got != "dredging 1 2 3 | school 4 5 | court 6 | latest 8 7" {
		t.Fatal(got)
	}
	for _, c := range []struct {
		name string
		e    Edit
		want string
	}{
		{"move within a strand", Move{3, "dredging", 1}, "dredging! 3 1 2 | school 4 5 | court 6 | latest 8 7"},
		{"move to the end", Move{1, "dredging", 0}, "dredging! 2 3 1 | school 4 5 | court 6 | latest 8 7"},
		{"where it stands already", Move{1, "dredging", 2}, "dredging 1 2 3 | school 4 5 | court 6 | latest 8 7"},
		{"before itself", Move{2, "dredging", 2}, "dredging 1 2 3 | school 4 5 | court 6 | latest 8 7"},
		{"to another strand", Move{2, "court", 6}, "dredging! 1 3 | school 4 5 | court! 2 6 | latest 8 7"},
		{"the last of a strand takes it along", Move{6, "school", 0}, "dredging 1 2 3 | school! 4 5 6 | latest 8 7"},
		{"to a strand of its own", Move{2, "", 0}, "dredging! 1 3 | dredging (1)! 2 | school 4 5 | court 6 | latest 8 7"},
		{"alone already", Move{6, "", 0}, "dredging 1 2 3 | school 4 5 | court 6 | latest 8 7"},
		{"strand up", MoveStrand{"court", "dredging"}, "court 6 | dredging 1 2 3 | school 4 5 | latest 8 7"},
		{"strand to the end", MoveStrand{"dredging", ""}, "school 4 5 | court 6 | dredging 1 2 3 | latest 8 7"},
		{"split", Split{2}, "dredging! 1 | dredging (1)! 2 3 | school 4 5 | court 6 | latest 8 7"},
		{"split at the first", Split{1}, "dredging 1 2 3 | school 4 5 | court 6 | latest 8 7"},
		{"merge", Merge{"court", "school"}, "dredging 1 2 3 | school! 4 5 6 | latest 8 7"},
		{"merged already", Merge{"gone", "school"}, "dredging 1 2 3 | school 4 5 | court 6 | latest 8 7"},
		{"take behind its theme", Take{Items: items[8:9]}, "dredging 1 2 3 | school 4 5 | court 6 | Markets! 9! | latest 8 7"},
		{"take into a strand", Take{items[8:9], "school", 5}, "dredging 1 2 3 | school! 4 9! 5 | court 6 | latest 8 7"},
		{"take a headline", Take{Items: items[6:7]}, "dredging 1 2 3 | Harbour! 7! | school 4 5 | court 6 | latest! 8"},
		{"take what is in", Take{Items: items[0:1], Strand: "court"}, "dredging 1 2 3 | school 4 5 | court 6 | latest 8 7"},
		{"out", Out{items[1:2]}, "dredging! 1 3 | school 4 5 | court 6 | latest 8 7"},
		{"out with its strand", Out{items[5:6]}, "dredging 1 2 3 | school 4 5 | latest 8 7"},
		{"several out", Out{items[2:7]}, "dredging! 1 2 | latest! 8"},
		{"a headline of a piece", Headlines{items[5:6], 8}, "dredging 1 2 3 | school 4 5 | latest! 6 8 7"},
		{"headlines in another order", Headlines{items[6:7], 8}, "dredging 1 2 3 | school 4 5 | court 6 | latest! 7 8"},
		{"lock a strand", LockStrand{"court", true}, "dredging 1 2 3 | school 4 5 | court! 6 | latest 8 7"},
	} {
		once, err := Apply(start, c.e, w)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := shape(once); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		if err := Check(once); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		// What the mouse said twice, or a lost connection had sent again.
		if again, err := Rebase(start, once, c.e, w); err != nil || !Same(again, once) {
			t.Errorf("%s: done twice it is %s (%v)", c.name, shape(again), err)
		}
	}
	if got := shape(start); got != "dredging 1 2 3 | school 4 5 | court 6 | latest 8 7" {
		t.Errorf("the first issue was changed: %s", got)
	}
	for _, e := range []Edit{Move{99, "court", 0}, Move{1, "gone", 0}, Move{1, "court", 99}, MoveStrand{"gone", ""}, MoveStrand{"court", "gone"},
		Split{99}, Merge{"court", "gone"}, Take{items[8:9], "gone", 0}, Bridge{99, "x"}, Summary{99, "x"}, LockStrand{"gone", true}, LockPiece{99, true}} {
		if _, err := Apply(start, e, w); !errors.Is(err, ErrGone) {
			t.Errorf("%#v: %v", e, err)
		}
	}
}

func TestWording(t *testing.T) {
	start, _, w := week(t)
	text := func(i newsletter.Issue, id database.ID) string {
		p, s, _ := Find(i, id)
		return s.Name + ": " + p.Text + " [" + p.Anchor + "]"
	}
	for _, c := range []struct {
		e    Edit
		id   database.ID
		want string
	}{
		{Bridge{2, ""}, 2, "dredging: The pilots' guild refused all night passages until the channel is marked. [pilots' guild refused all night passages]"},
		{Bridge{2, "Meanwhile,"}, 2, "dredging: Meanwhile, the pilots' guild refused all night passages until the channel is marked. [pilots' guild refused all night passages]"},
		{Bridge{6, "In other news,"}, 6, "court: In other news, Judge Aldous Marsh ruled for the oyster men on Friday. [oyster men]"},
		{Bridge{3, "That is not all."}, 3, "dredging: That is not all. Two grain ships now wait outside the bar. [grain ships now wait outside the bar]"},
		{Summary{1, "The *Halcyon* has   begun\n\nits work on the east channel."}, 1, "dredging: The *Halcyon* has begun its work on the east channel. [east channel]"},
		{Summary{2, "Nobody wants to go by night."}, 2, "dredging: By Wednesday, Nobody wants to go by night. [Nobody wants to go]"},
		{Anchor{3, "wait outside"}, 3, "dredging: Two grain ships now wait outside the bar. [wait outside]"},
	} {
		got, err := Apply(start, c.e, w)
		if err != nil || text(got, c.id) != c.want {
			t.Errorf("%#v: %v\n got %s\nwant %s", c.e, err, text(got, c.id), c.want)
		}
		if p, _, _ := Find(got, c.id); !p.Locked {
			t.Errorf("%#v locks nothing", c.e)
		}
		if err := Check(got); err != nil {
			t.Errorf("%#v: %v", c.e, err)
		}
	}
	titled, err := Apply(start, Words{newsletter.LockTitle, " A buoy\tin a garden \u0000"}, w)
	if err != nil || titled.Title != "A buoy in a garden" || titled.Subject != titled.Title || !slices.Equal(titled.Locks, []newsletter.Lock{newsletter.LockTitle}) {
		t.Errorf("%q, subject %q, locks %v (%v)", titled.Title, titled.Subject, titled.Locks, err)
	}
	for _, e := range []Edit{Words{newsletter.LockTitle, "  "}, Words{newsletter.LockTitle, strings.Repeat("x", 301)}, Summary{1, "<b></b>"},
		Summary{1, strings.Repeat("word ", 3000)}, Bridge{1, strings.Repeat("x", 121)}, Anchor{1, "not there"}} {
		if _, err := Apply(start, e, w); !errors.Is(err, ErrWords) {
			t.Errorf("%.40v: %v", e, err)
		}
	}
}

// Two editors at once: what they do to different parts both stands, and what
// they do to one is never overwritten unseen.
func TestFault_W9_EditsOfDifferentPartsAreMergedOthersAreNot(t *testing.T) {
	start, items, w := week(t)
	title := Words{newsletter.LockTitle, "A title"}
	for _, c := range []struct {
		name         string
		theirs, mine Edit
		conflict     Kind // "" merges
		want         string
	}{
		{"a summary and a title", title, Summary{1, "Other words."}, "", ""},
		{"a bridge and the summary behind it", Bridge{2, "Then"}, Summary{2, "Other words."}, "", ""},
		{"words of what was moved", Move{2, "court", 0}, Summary{2, "Other words."}, "", "dredging! 1 3 | school 4 5 | court! 6 2! | latest 8 7"},
		{"two moves", Move{1, "dredging", 0}, Move{4, "court", 0}, "", "dredging! 2 3 1 | school! 5 | court! 6 4 | latest 8 7"},
		{"out and take", Out{items[3:4]}, Take{Items: items[8:9]}, "", "dredging 1 2 3 | school! 5 | court 6 | Markets! 9! | latest 8 7"},
		{"strands and pieces", MoveStrand{"court", "dredging"}, Move{5, "dredging", 0}, "", "court 6 | dredging! 1 2 3 5 | school! 4 | latest 8 7"},
		{"the same title", title, Words{newsletter.LockTitle, "Another"}, PartWords, ""},
		{"the same words", title, title, "", ""},
		{"one summary", Summary{1, "Theirs."}, Summary{1, "Mine."}, PartSummary, ""},
		{"one bridge", Bridge{2, "Then"}, Bridge{2, "Later"}, PartBridge, ""},
		{"one piece moved twice", Move{2, "court", 0}, Move{2, "school", 0}, PartPlace, ""},
		{"out, and reworded", Out{items[1:2]}, Summary{2, "Mine."}, PartSummary, ""},
		{"reworded, and out", Summary{2, "Theirs."}, Out{items[1:2]}, PartSummary, ""},
		{"into a strand that went", Merge{"court", "school"}, Move{1, "court", 0}, PartAll, ""},
		{"one strand split twice", Split{2}, Split{3}, PartPlace, ""},
		{"a merge with what was changed", Move{1, "court", 0}, Merge{"court", "school"}, PartPieces, ""},
	} {
		theirs, err := Apply(start, c.theirs, w)
		if err != nil {
			t.Fatal(c.name, err)
		}
		merged, err := Rebase(start, theirs, c.mine, w)
		var conflict *Conflict
		if errors.As(err, &conflict) != (c.conflict != "") || conflict != nil && conflict.Part.Kind != c.conflict || conflict == nil && err != nil {
			t.Errorf("%s: %v (%+v)", c.name, err, conflict)
			continue
		}
		if conflict != nil {
			if !Same(conflict.Now, theirs) || Same(conflict.Mine, theirs) {
				t.Errorf("%s: the conflict shows %s and %s", c.name, shape(conflict.Now), shape(conflict.Mine))
			}
			continue
		}
		if err := Check(merged); err != nil || c.want != "" && shape(merged) != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", c.name, err, shape(merged), c.want)
		}
		// Both are in it.
		for _, e := range []Edit{c.theirs, c.mine} {
			if again, err := Apply(merged, e, w); err != nil || !Same(again, merged) && c.name != "a bridge and the summary behind it" {
				t.Errorf("%s: %T is not in what came of it: %v", c.name, e, err)
			}
		}
	}
}

func TestUndo(t *testing.T) {
	steps := func(restores ...int) (list []Step) {
		for n, r := range restores {
			list = append(list, Step{n + 1, r})
		}
		return list
	}
	for _, c := range []struct {
		steps      []Step
		undo, redo int
	}{
		{nil, 0, 0},
		{steps(0), 0, 0},
		{steps(0, 0, 0), 2, 0},
		{steps(0, 0, 0, 2), 1, 3},
		{steps(0, 0, 0, 2, 1), 0, 2},
		{steps(0, 0, 0, 2, 1, 2), 1, 3},
		{steps(0, 0, 0, 2, 1, 2, 3), 2, 0},
		{steps(0, 0, 0, 2, 0), 2, 0},       // an edit after undoing
		{steps(0, 0, 0, 2, 0, 2, 5), 2, 0}, // undone and redone
		{steps(0, 0, 0, 0, 1), 4, 0},       // an older one brought back at once
	} {
		if undo, redo := Undo(c.steps); undo != c.undo || redo != c.redo {
			t.Errorf("%v: undo %d, redo %d", c.steps, undo, redo)
		}
	}
}
