// Package edit changes an issue by hand. It is pure: an edit says what shall be,
// not which step to take, so that done twice it is done once, and one that was
// sent from an older revision can be done to a newer one or refused.
//
// What an editor has changed is locked, so that assembling again keeps it.
package edit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/subscribers/database"
)

// Edit is one thing that an editor does to an issue.
type Edit interface {
	// do changes an issue, which is a copy of its own.
	do(i *newsletter.Issue, w *assemble.Wording) error
	// touches are the parts that the editor had before their eyes and means to change.
	touches() []Part
	// What names the kind of edit, as a history shows it.
	What() string
}

// ErrGone marks an edit of something that the issue does not have, or not any more.
var ErrGone = errors.New("it is not in the issue any more")

// ErrWords marks words that cannot be taken; the message says why.
var ErrWords = errors.New("these words cannot be taken")

// Apply gives the issue as an edit leaves it. The issue itself stays as it is.
func Apply(i newsletter.Issue, e Edit, w *assemble.Wording) (newsletter.Issue, error) {
	i = clone(i)
	if err := e.do(&i, w); err != nil {
		return newsletter.Issue{}, fmt.Errorf("edit: %w", err)
	}
	finish(&i)
	return i, nil
}

// clone copies an issue as deep as edits change it.
func clone(i newsletter.Issue) newsletter.Issue {
	i.Strands = slices.Clone(i.Strands)
	for s := range i.Strands {
		i.Strands[s].Items = slices.Clone(i.Strands[s].Items)
	}
	i.Latest, i.Locks = slices.Clone(i.Latest), slices.Clone(i.Locks)
	i.Pins, i.Excluded = slices.Clone(i.Pins), slices.Clone(i.Excluded)
	return i
}

// finish takes away strands that have nothing left.
func finish(i *newsletter.Issue) {
	i.Strands = slices.DeleteFunc(i.Strands, func(s newsletter.Strand) bool { return len(s.Items) == 0 })
}

// retell makes a strand's text and theme of its pieces, as composing does.
func retell(s *newsletter.Strand, w *assemble.Wording) {
	s.Text = told(s.Items)
	if theme, known := w.Theme(s.Items); known {
		s.Theme = theme
	}
}

// told is what pieces say one behind the other, as a reader sees it.
func told(pieces []newsletter.Piece) string {
	texts := make([]string, len(pieces))
	for n, p := range pieces {
		texts[n] = newsletter.PlainText(p.Text)
	}
	return strings.Join(texts, " ")
}

// strandAt finds a strand by its name; -1 is none.
func strandAt(i *newsletter.Issue, name string) int {
	return slices.IndexFunc(i.Strands, func(s newsletter.Strand) bool { return s.Name == name })
}

// pieceAt finds a piece by its item.
func pieceAt(i *newsletter.Issue, id database.ID) (strand, piece int, found bool) {
	for s := range i.Strands {
		if p := slices.IndexFunc(i.Strands[s].Items, func(p newsletter.Piece) bool { return p.ID == id }); p >= 0 {
			return s, p, true
		}
	}
	return 0, 0, false
}

func headlineAt(i *newsletter.Issue, id database.ID) int {
	return slices.IndexFunc(i.Latest, func(h newsletter.Headline) bool { return h.ID == id })
}

// Find gives the piece of an item and the strand that it stands in.
func Find(i newsletter.Issue, id database.ID) (newsletter.Piece, newsletter.Strand, bool) {
	s, p, found := pieceAt(&i, id)
	if !found {
		return newsletter.Piece{}, newsletter.Strand{}, false
	}
	return i.Strands[s].Items[p], i.Strands[s], true
}

// Has reports whether an issue has an item, as a piece or as a headline.
func Has(i newsletter.Issue, id database.ID) bool {
	_, _, found := pieceAt(&i, id)
	return found || headlineAt(&i, id) >= 0
}

func lock(i *newsletter.Issue, l newsletter.Lock, on bool) {
	i.Locks = slices.DeleteFunc(i.Locks, func(have newsletter.Lock) bool { return have == l })
	if on {
		i.Locks = append(i.Locks, l)
	}
}

// freeName is a strand's name that no other has.
func freeName(i *newsletter.Issue, name string) string {
	if name == "" {
		name = "other news"
	}
	for n, free := 1, name; ; n++ {
		if strandAt(i, free) < 0 {
			return free
		}
		free = fmt.Sprintf("%s (%d)", name, n)
	}
}

// All does several edits as one: what a form with more than one field says.
type All []Edit

func (e All) do(i *newsletter.Issue, w *assemble.Wording) error {
	for _, one := range e {
		if err := one.do(i, w); err != nil {
			return err
		}
	}
	return nil
}

func (e All) touches() (parts []Part) {
	for _, one := range e {
		parts = append(parts, one.touches()...)
	}
	return parts
}

// What implements Edit: it is the first one's.
func (e All) What() string {
	if len(e) == 0 {
		return ""
	}
	return e[0].What()
}

// Replace puts an issue in the place of another: one that was assembled anew, or
// brought back. It touches everything, so that it is only done to what its editor saw.
type Replace struct {
	Issue newsletter.Issue
	Why   string // assemble, undo, redo or restore
}

func (e Replace) do(i *newsletter.Issue, _ *assemble.Wording) error {
	*i = clone(e.Issue)
	return nil
}

func (e Replace) touches() []Part { return []Part{{Kind: PartAll}} }

// What implements Edit.
func (e Replace) What() string { return e.Why }
