package edit

import (
	"fmt"
	"reflect"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/subscribers/database"
)

// Kind is what kind of part of an issue it is.
type Kind string

// The kinds of parts that two editors may both change.
const (
	PartWords   Kind = "words"   // of the title, standfirst, subject or preheader
	PartSummary Kind = "summary" // a piece's words without its bridge, and its link
	PartBridge  Kind = "bridge"  // a piece's bridge
	PartPlace   Kind = "place"   // where an item stands, and whether it is in the issue
	PartStrand  Kind = "strand"  // where a strand stands, and whether there is one of that name
	PartPieces  Kind = "pieces"  // which pieces a strand has, and their order
	PartAll     Kind = "all"     // the whole issue
)

// Part is a part of an issue that an edit changes: of an item, or of a name.
type Part struct {
	Kind Kind
	ID   database.ID
	Name string
}

// Conflict is an edit of what somebody else has changed since.
type Conflict struct {
	Base newsletter.Issue // as the editor saw it
	Mine newsletter.Issue // as the edit leaves that
	Now  newsletter.Issue // as it stands
	Part Part             // what both changed
}

// Error implements error.
func (c *Conflict) Error() string {
	return fmt.Sprintf("edit: revision %d has changed the same as this edit of revision %d: %s %s", c.Now.Revision, c.Base.Revision, c.Part.Kind, c.Part.Name)
}

// Rebase does an edit that was meant for the revision base to the revision now.
// Where what it touches was changed between the two, the error is a *Conflict;
// where now says already what the edit wants, nothing changes.
func Rebase(base, now newsletter.Issue, e Edit, w *assemble.Wording) (newsletter.Issue, error) {
	merged, err := Apply(now, e, w)
	if err == nil && Same(merged, now) {
		return now, nil
	}
	mine, wrong := Apply(base, e, w)
	if wrong != nil {
		return newsletter.Issue{}, wrong
	}
	conflict := &Conflict{Base: base, Mine: mine, Now: now}
	if changed := changes(base, now); len(changed) > 0 {
		for _, p := range e.touches() {
			if changed[p] || p.Kind == PartAll {
				conflict.Part = p
				return newsletter.Issue{}, conflict
			}
		}
	}
	if err != nil { // what it is to stand beside has gone
		conflict.Part = Part{Kind: PartAll}
		return newsletter.Issue{}, conflict
	}
	return merged, nil
}

// Same reports whether two issues say the same, whatever their revisions.
func Same(a, b newsletter.Issue) bool {
	plain := func(i newsletter.Issue) newsletter.Issue {
		i = clone(i)
		i.Revision, i.Created, i.Status, i.Note = 0, i.From, "", ""
		i.From, i.To, i.Created = i.From.UTC(), i.To.UTC(), i.From.UTC()
		if len(i.Locks) == 0 {
			i.Locks = nil
		}
		if len(i.Pins) == 0 {
			i.Pins = nil
		}
		if len(i.Excluded) == 0 {
			i.Excluded = nil
		}
		if len(i.Latest) == 0 {
			i.Latest = nil
		}
		return i
	}
	return reflect.DeepEqual(plain(a), plain(b))
}

// changes are the parts that are different in the second of two revisions.
func changes(was, is newsletter.Issue) map[Part]bool {
	changed := map[Part]bool{}
	for _, part := range Worded {
		if Text(was, part) != Text(is, part) {
			changed[Part{Kind: PartWords, Name: string(part)}] = true
		}
	}
	wordsChanged(changed, was, is)
	placesChanged(changed, was, is)
	return changed
}

func wordsChanged(changed map[Part]bool, was, is newsletter.Issue) {
	now := pieces(is)
	for id, a := range pieces(was) {
		b, stays := now[id]
		if !stays || a.Bridge != b.Bridge {
			changed[Part{Kind: PartBridge, ID: id}] = true
		}
		if !stays || assemble.Bare(a) != assemble.Bare(b) || a.Anchor != b.Anchor && a.Bridge == b.Bridge {
			changed[Part{Kind: PartSummary, ID: id}] = true
		}
	}
}

func pieces(i newsletter.Issue) map[database.ID]newsletter.Piece {
	all := map[database.ID]newsletter.Piece{}
	for _, s := range i.Strands {
		for _, p := range s.Items {
			all[p.ID] = p
		}
	}
	return all
}

// placesChanged compares where things stand. What only moved up or down because
// another did has not changed its place.
func placesChanged(changed map[Part]bool, was, is newsletter.Issue) {
	for _, c := range assemble.Diff(was, is) {
		switch c.What {
		case "added", "removed", "moved":
			if id, found := idOf(was, is, c.URL); found {
				changed[Part{Kind: PartPlace, ID: id}] = true
			}
		}
	}
	before, after := strandNames(was), strandNames(is)
	still := unmoved(before, after)
	for _, list := range [][]string{before, after} {
		for _, name := range list {
			if !still[name] {
				changed[Part{Kind: PartStrand, Name: name}] = true
			}
			if !sameIDs(members(was, name), members(is, name)) {
				changed[Part{Kind: PartPieces, Name: name}] = true
			}
		}
	}
}

func idOf(was, is newsletter.Issue, url string) (database.ID, bool) {
	for _, i := range []newsletter.Issue{is, was} {
		for _, s := range i.Strands {
			for _, p := range s.Items {
				if p.URL == url {
					return p.ID, true
				}
			}
		}
		for _, h := range i.Latest {
			if h.URL == url {
				return h.ID, true
			}
		}
	}
	return 0, false
}

func strandNames(i newsletter.Issue) (list []string) {
	for _, s := range i.Strands {
		list = append(list, s.Name)
	}
	return list
}

func members(i newsletter.Issue, strand string) (ids []database.ID) {
	if s := strandAt(&i, strand); s >= 0 {
		for _, p := range i.Strands[s].Items {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

func sameIDs(a, b []database.ID) bool {
	if len(a) != len(b) {
		return false
	}
	for n := range a {
		if a[n] != b[n] {
			return false
		}
	}
	return true
}

// unmoved are the names of a longest common run of two lists.
func unmoved(a, b []string) map[string]bool {
	run := make([][]int, len(a)+1)
	for n := range run {
		run[n] = make([]int, len(b)+1)
	}
	for x := len(a) - 1; x >= 0; x-- {
		for y := len(b) - 1; y >= 0; y-- {
			if run[x][y] = max(run[x+1][y], run[x][y+1]); a[x] == b[y] {
				run[x][y] = run[x+1][y+1] + 1
			}
		}
	}
	still := map[string]bool{}
	for x, y := 0, 0; x < len(a) && y < len(b); {
		switch {
		case a[x] == b[y]:
			still[a[x]] = true
			x, y = x+1, y+1
		case run[x+1][y] >= run[x][y+1]:
			x++
		default:
			y++
		}
	}
	return still
}
