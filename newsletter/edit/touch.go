package edit

import (
	"apta/newsletter"
	"apta/subscribers/database"
)

func of(kind Kind, items []newsletter.Item) (parts []Part) {
	for _, it := range items {
		parts = append(parts, Part{Kind: kind, ID: it.ID})
	}
	return parts
}

func (e Take) touches() []Part { return of(PartPlace, e.Items) }

// Out touches the words too: what somebody has just rewritten is not thrown away unseen.
func (e Out) touches() []Part {
	return append(append(of(PartPlace, e.Items), of(PartSummary, e.Items)...), of(PartBridge, e.Items)...)
}
func (e LetIn) touches() []Part      { return nil }
func (e Pin) touches() []Part        { return nil }
func (e Headlines) touches() []Part  { return of(PartPlace, e.Items) }
func (e Move) touches() []Part       { return []Part{{Kind: PartPlace, ID: e.Piece}} }
func (e MoveStrand) touches() []Part { return []Part{{Kind: PartStrand, Name: e.Strand}} }
func (e Split) touches() []Part      { return []Part{{Kind: PartPlace, ID: e.Piece}} }
func (e Merge) touches() []Part {
	return []Part{{Kind: PartPieces, Name: e.Strand}, {Kind: PartPieces, Name: e.Into}}
}

// What implements Edit.
func (e Take) What() string { return "take" }

// What implements Edit.
func (e Out) What() string { return "out" }

// What implements Edit.
func (e LetIn) What() string { return "letin" }

// What implements Edit.
func (e Pin) What() string { return onOff("pin", e.On) }

// What implements Edit.
func (e Headlines) What() string { return "headline" }

// What implements Edit.
func (e Move) What() string { return "move" }

// What implements Edit.
func (e MoveStrand) What() string { return "move" }

// What implements Edit.
func (e Split) What() string { return "split" }

// What implements Edit.
func (e Merge) What() string { return "merge" }

// About names what an edit was done to, as a reader of the issue knows it: the
// title of an item or the name of a strand; "" is the issue itself.
func About(e Edit, was, is newsletter.Issue) string {
	for _, p := range e.touches() {
		switch {
		case p.ID != 0:
			if title := titleOf(is, p.ID); title != "" {
				return title
			}
			return titleOf(was, p.ID)
		case p.Kind != PartWords:
			return p.Name
		}
	}
	return ""
}

func titleOf(i newsletter.Issue, id database.ID) string {
	if p, _, found := Find(i, id); found {
		return p.Title
	}
	if at := headlineAt(&i, id); at >= 0 {
		return i.Latest[at].Title
	}
	return ""
}
