package week

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/desk"
	"apta/newsletter/edit"
	"apta/newsletter/render"
	"apta/subscribers/database"
)

// view is the screen, and each of its parts.
type view struct {
	desk.Frame
	At       string // the path of the screen
	Issue    newsletter.Issue
	Dates    string
	Editable bool // the issue is a draft still, or held
	Way      desk.Line

	Lines      []wordsView
	Candidates []candidateView
	TitleWhy   string
	Strands    []strandView
	Latest     []headlineView
	LatestLock lockView
	Order      lockView
	Doubts     []string

	Saved      desk.Moment
	SavedBy    string
	Undo, Redo *stepView

	Inbox     *inboxView
	Preflight *preflightView
	Preview   *previewView
	Conflict  *conflictView
	Problem   string
	Swap      bool // parts beside the one that htmx asked for come with it
	Test      testView
}

// wordsView is a part of the issue that has words of its own.
type wordsView struct {
	Part, Text string
	Lock       lockView
	Most       int
}

// lockView is a lock that can be turned.
type lockView struct {
	On bool
	Op string
}

type candidateView struct {
	assemble.Candidate
	Is bool
	Op string
}

type strandView struct {
	Name, Theme, Anchor string
	Number, Of          int
	Lock                lockView
	Why                 string
	Pieces              []pieceView
	Up, Down, Merge     string // ops; empty where there is nothing to do
	Into                string // the strand before, with which it can be merged
}

type pieceView struct {
	newsletter.Piece
	Anchored [3]string // before the link, the words that carry it, and behind
	Open     *pieceForm
	At       string
	Editable bool
}

type headlineView struct {
	newsletter.Headline
	Up, Down, Out, Take string
}

type stepView struct {
	Op, What, About, Author string
}

// ops writes what a button does.
func ops(do string, pairs ...string) string {
	v := url.Values{"do": {do}}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

func toggled(on bool) string {
	if on {
		return "0"
	}
	return "1"
}

// look makes the screen of an issue. opened are the pieces whose forms are open.
func (s *Screen) look(r *http.Request, o open, opened []string) (*view, error) {
	i := o.issue
	m := o.room.Masthead()
	v := &view{Frame: s.desk.Frame(r, "issues", render.OneLine(i.Title)).In(m), At: "/desk/issues/" + i.ID.String(), Issue: i}
	v.Wide, v.Scripts, v.Styles = true, []string{"sortable.js", "week.js"}, []string{"week.css"}
	v.Dates = render.Dates(v.Frame.Words, i, m.Zone)
	var err error
	if v.Way, err = s.desk.Line(r, i); err != nil {
		return nil, err
	}
	v.Editable = i.Status == newsletter.Draft || i.Status == newsletter.Held
	for _, part := range edit.Worded {
		most := edit.MaxLine
		if part == newsletter.LockStandfirst {
			most = edit.MaxProse
		}
		v.Lines = append(v.Lines, wordsView{Part: string(part), Text: edit.Text(i, part), Lock: partLock(i, part), Most: most})
	}
	for _, c := range o.mind.reasons.Title.Candidates {
		v.Candidates = append(v.Candidates, candidateView{c, c.Title == i.Title, ops("words", "title", c.Title)})
	}
	v.TitleWhy = o.mind.reasons.Title.Why
	v.Doubts = o.mind.reasons.Doubts
	v.Order, v.LatestLock = partLock(i, newsletter.LockOrder), partLock(i, newsletter.LockLatest)
	for n := range i.Strands {
		v.Strands = append(v.Strands, v.strand(o, n, opened))
	}
	v.headlines(i)
	return v, s.steps(r, v)
}

func partLock(i newsletter.Issue, part newsletter.Lock) lockView {
	on := slices.Contains(i.Locks, part)
	return lockView{on, ops("lock", "part", string(part), "on", toggled(on))}
}

func (v *view) strand(o open, n int, opened []string) strandView {
	all := v.Issue.Strands
	s := all[n]
	t := strandView{Name: s.Name, Theme: s.Theme, Anchor: fmt.Sprintf("s-%d", n+1), Number: n + 1, Of: len(all), Why: o.mind.strands[s.Name].Why,
		Lock: lockView{s.Locked, ops("lockstrand", "strand", s.Name, "on", toggled(s.Locked))}}
	if n > 0 {
		t.Up, t.Into = ops("movestrand", "strand", s.Name, "before", all[n-1].Name), all[n-1].Name
		t.Merge = ops("merge", "strand", s.Name, "into", all[n-1].Name)
	}
	if n+1 < len(all) {
		before := ""
		if n+2 < len(all) {
			before = all[n+2].Name
		}
		t.Down = ops("movestrand", "strand", s.Name, "before", before)
	}
	for k, p := range s.Items {
		one := pieceView{Piece: p, Anchored: anchored(p), At: v.At, Editable: v.Editable}
		if slices.Contains(opened, p.ID.String()) {
			one.Open = v.form(o, n, k)
		}
		t.Pieces = append(t.Pieces, one)
	}
	return t
}

// anchored parts a piece's plain words at those that carry its link.
func anchored(p newsletter.Piece) [3]string {
	plain := newsletter.PlainText(p.Text)
	before, after, found := strings.Cut(plain, p.Anchor)
	if p.Anchor == "" || !found {
		return [3]string{plain, "", ""}
	}
	return [3]string{before, p.Anchor, after}
}

func (v *view) headlines(i newsletter.Issue) {
	for n, h := range i.Latest {
		id := h.ID.String()
		t := headlineView{Headline: h, Out: ops("out", "item", id), Take: ops("take", "item", id)}
		if n > 0 {
			t.Up = ops("headline", "item", id, "before", i.Latest[n-1].ID.String())
		}
		switch {
		case n+2 < len(i.Latest):
			t.Down = ops("headline", "item", id, "before", i.Latest[n+2].ID.String())
		case n+1 < len(i.Latest):
			t.Down = ops("headline", "item", id)
		}
		v.Latest = append(v.Latest, t)
	}
}

// steps says who saved last, and what can be undone and redone.
func (s *Screen) steps(r *http.Request, v *view) error {
	list, err := s.Store.Revisions(r.Context(), v.Issue.ID)
	if err != nil || len(list) == 0 {
		return err
	}
	list = slices.DeleteFunc(list, func(r newsletter.Revision) bool { return r.Number > v.Issue.Revision })
	steps, by := make([]edit.Step, len(list)), map[int]newsletter.Revision{}
	for n, r := range list {
		steps[n], by[r.Number] = edit.Step{Revision: r.Number, Restores: r.Restores}, r
	}
	last := list[len(list)-1]
	v.Saved, v.SavedBy = v.Frame.At(last.At), last.Author
	undo, redo := edit.Undo(steps)
	made := last // whose words stand
	for made.Restores != 0 && by[made.Restores].Number != 0 {
		made = by[made.Restores]
	}
	if undo != 0 {
		v.Undo = &stepView{ops("undo", "to", fmt.Sprint(undo)), made.What, made.About, made.Author}
	}
	if redo != 0 {
		r := by[redo]
		v.Redo = &stepView{ops("redo", "to", fmt.Sprint(redo)), r.What, r.About, r.Author}
	}
	return nil
}

// pieceForm is a piece that is being edited.
type pieceForm struct {
	desk.Frame
	At             string
	Revision       int
	Piece          newsletter.Piece
	Text           string // without the bridge
	Choices        []choiceView
	Why, BridgeWhy string
	Source, Place  string
	Lock           lockView
	Strands        []strandChoice
	Up, Down       string
	Split, Alone   string
	Headline, Out  string
	Problem        string
}

type choiceView struct {
	Relation string // of the first of its kind, else empty
	Bridge   string
	Is       bool
}

type strandChoice struct {
	Name string
	Is   bool
}

func (v *view) form(o open, n, k int) *pieceForm {
	all := v.Issue.Strands
	s, p := all[n], all[n].Items[k]
	id := p.ID.String()
	it, _ := o.mind.wording.Item(p.ID)
	f := &pieceForm{Frame: v.Frame, At: v.At, Revision: v.Issue.Revision, Piece: p, Text: assemble.Bare(p), Source: cmp.Or(p.Source, it.Source), Place: it.Place,
		Why: o.mind.items[p.URL].Why, Lock: lockView{p.Locked, ops("lockpiece", "piece", id, "on", toggled(p.Locked))},
		Alone: ops("move", "piece", id), Headline: ops("headline", "item", id), Out: ops("out", "item", id)}
	if why, found := o.mind.bridges[p.URL]; found {
		f.BridgeWhy = why.String()
	}
	f.choices(o.mind.wording.Choices(p.ID))
	for i, other := range all {
		f.Strands = append(f.Strands, strandChoice{other.Name, i == n})
	}
	if k > 0 {
		f.Up, f.Split = ops("move", "piece", id, "strand", s.Name, "before", s.Items[k-1].ID.String()), ops("split", "piece", id)
	} else if n > 0 {
		f.Up = ops("move", "piece", id, "strand", all[n-1].Name)
	}
	switch {
	case k+2 < len(s.Items):
		f.Down = ops("move", "piece", id, "strand", s.Name, "before", s.Items[k+2].ID.String())
	case k+1 < len(s.Items):
		f.Down = ops("move", "piece", id, "strand", s.Name)
	case n+1 < len(all):
		f.Down = ops("move", "piece", id, "strand", all[n+1].Name, "before", all[n+1].Items[0].ID.String())
	}
	if len(s.Items) == 1 {
		f.Alone = ""
	}
	return f
}

// choices lists the style's bridges, each relation named once. What the piece has
// and the style has not comes first.
func (f *pieceForm) choices(list []assemble.Choice) {
	found := f.Piece.Bridge == ""
	relation := assemble.Relation("")
	for _, c := range list {
		one := choiceView{Bridge: c.Bridge, Is: c.Bridge == f.Piece.Bridge}
		if c.Relation != relation {
			relation, one.Relation = c.Relation, string(c.Relation)
		}
		found = found || one.Is
		f.Choices = append(f.Choices, one)
	}
	if !found {
		f.Choices = slices.Insert(f.Choices, 0, choiceView{Bridge: f.Piece.Bridge, Is: true})
	}
}

// formOf gives the form of a piece, by its item.
func (v *view) formOf(o open, id database.ID) (*pieceForm, bool) {
	for n, s := range v.Issue.Strands {
		for k, p := range s.Items {
			if p.ID == id {
				return v.form(o, n, k), true
			}
		}
	}
	return nil, false
}

// strandPage is a strand with what its page says around it.
type strandPage struct {
	*view
	strandView
}

// Strand is for the template of one.
func (v *view) Strand(s strandView) strandPage { return strandPage{v, s} }

// Chosen reports whether the test is to have a topic.
func (v *view) Chosen(topic string) bool { return slices.Contains(v.Test.Chosen, topic) }
