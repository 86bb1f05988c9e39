package edit

import (
	"slices"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/subscribers/database"
)

// Take takes items into the review. Without a strand each opens one of its own,
// behind the last of its theme. One that is in the review already stays where it is.
type Take struct {
	Items  []newsletter.Item
	Strand string
	Before database.ID // the piece before which they stand; 0 is behind the last
}

func (e Take) do(i *newsletter.Issue, w *assemble.Wording) error {
	for _, it := range e.Items {
		if _, _, there := pieceAt(i, it.ID); there {
			continue
		}
		leaveLatest(i, it.ID)
		i.Excluded = without(i.Excluded, it.URL)
		p := w.Piece(it, it.Bridge)
		p.Locked = true
		if e.Strand == "" {
			s := newsletter.Strand{Name: freeName(i, nameFor(it)), Theme: it.Theme, Items: []newsletter.Piece{p}, Locked: true}
			s.Text = told(s.Items)
			i.Strands = slices.Insert(i.Strands, behindTheme(i, it.Theme), s)
			continue
		}
		if err := place(i, w, p, e.Strand, e.Before); err != nil {
			return err
		}
	}
	return nil
}

// nameFor names a strand after its first item.
func nameFor(it newsletter.Item) string {
	for _, name := range []string{it.Strand, it.Theme, it.Place} {
		if name != "" {
			return name
		}
	}
	return ""
}

func behindTheme(i *newsletter.Issue, theme string) int {
	at := len(i.Strands)
	for s := range i.Strands {
		if i.Strands[s].Theme == theme {
			at = s + 1
		}
	}
	return at
}

// place puts a piece into a strand, which is an editor's from then on.
func place(i *newsletter.Issue, w *assemble.Wording, p newsletter.Piece, strand string, before database.ID) error {
	s := strandAt(i, strand)
	if s < 0 {
		return ErrGone
	}
	at := len(i.Strands[s].Items)
	if before != 0 {
		if at = slices.IndexFunc(i.Strands[s].Items, func(have newsletter.Piece) bool { return have.ID == before }); at < 0 {
			return ErrGone
		}
	}
	i.Strands[s].Items = slices.Insert(i.Strands[s].Items, at, p)
	i.Strands[s].Locked = true
	retell(&i.Strands[s], w)
	return nil
}

// pull takes a piece out of its strand.
func pull(i *newsletter.Issue, w *assemble.Wording, s, n int) newsletter.Piece {
	p := i.Strands[s].Items[n]
	i.Strands[s].Items = slices.Delete(i.Strands[s].Items, n, n+1)
	i.Strands[s].Locked = true
	retell(&i.Strands[s], w)
	return p
}

func leaveLatest(i *newsletter.Issue, id database.ID) {
	if at := headlineAt(i, id); at >= 0 {
		i.Latest = slices.Delete(i.Latest, at, at+1)
		lock(i, newsletter.LockLatest, true)
	}
}

func without(urls []string, url string) []string {
	return slices.DeleteFunc(urls, func(have string) bool { return have == url })
}

// Out takes items out of the issue, and keeps them out of it.
type Out struct{ Items []newsletter.Item }

func (e Out) do(i *newsletter.Issue, w *assemble.Wording) error {
	for _, it := range e.Items {
		if s, n, found := pieceAt(i, it.ID); found {
			pull(i, w, s, n)
		}
		leaveLatest(i, it.ID)
		i.Pins = without(i.Pins, it.URL)
		if !slices.Contains(i.Excluded, it.URL) {
			i.Excluded = append(i.Excluded, it.URL)
		}
	}
	return nil
}

// LetIn lets assembly choose again items that were kept out.
type LetIn struct{ Items []newsletter.Item }

func (e LetIn) do(i *newsletter.Issue, _ *assemble.Wording) error {
	for _, it := range e.Items {
		i.Excluded = without(i.Excluded, it.URL)
	}
	return nil
}

// Pin has an item open the review when it is assembled again, or lets it go.
type Pin struct {
	Item newsletter.Item
	On   bool
}

func (e Pin) do(i *newsletter.Issue, _ *assemble.Wording) error {
	if slices.Contains(i.Pins, e.Item.URL) == e.On {
		return nil
	}
	i.Pins = without(i.Pins, e.Item.URL)
	if e.On {
		i.Pins = append(i.Pins, e.Item.URL)
		i.Excluded = without(i.Excluded, e.Item.URL)
	}
	return nil
}

// Move moves a piece before another one, or behind the last of a strand. Without
// a strand it opens one of its own behind that which it stood in.
type Move struct {
	Piece  database.ID
	Strand string
	Before database.ID
}

func (e Move) do(i *newsletter.Issue, w *assemble.Wording) error {
	s, n, found := pieceAt(i, e.Piece)
	if !found {
		return ErrGone
	}
	have := i.Strands[s].Items
	if e.Before == e.Piece || e.Strand == "" && len(have) == 1 {
		return nil
	}
	if e.Strand == "" {
		theme := i.Strands[s].Theme
		p := pull(i, w, s, n)
		name := p.Title
		if it, known := w.Item(p.ID); known {
			name = nameFor(it)
		}
		own := newsletter.Strand{Name: freeName(i, name), Theme: theme, Items: []newsletter.Piece{p}, Locked: true}
		retell(&own, w)
		i.Strands = slices.Insert(i.Strands, s+1, own)
		return nil
	}
	if i.Strands[s].Name == e.Strand && standsBefore(have, n, e.Before) {
		return nil
	}
	return place(i, w, pull(i, w, s, n), e.Strand, e.Before)
}

// standsBefore reports whether the piece behind n is the given one, 0 being the end.
func standsBefore(pieces []newsletter.Piece, n int, before database.ID) bool {
	if n+1 == len(pieces) {
		return before == 0
	}
	return pieces[n+1].ID == before
}

// MoveStrand moves a strand before another one; "" is behind the last.
type MoveStrand struct{ Strand, Before string }

func (e MoveStrand) do(i *newsletter.Issue, _ *assemble.Wording) error {
	from := strandAt(i, e.Strand)
	if from < 0 {
		return ErrGone
	}
	if e.Before == e.Strand {
		return nil
	}
	names := func() (list []string) {
		for _, s := range i.Strands {
			list = append(list, s.Name)
		}
		return list
	}
	was, s := names(), i.Strands[from]
	i.Strands = slices.Delete(i.Strands, from, from+1)
	to := len(i.Strands)
	if e.Before != "" {
		if to = strandAt(i, e.Before); to < 0 {
			return ErrGone
		}
	}
	i.Strands = slices.Insert(i.Strands, to, s)
	if !slices.Equal(was, names()) {
		lock(i, newsletter.LockOrder, true)
	}
	return nil
}

// Split has a piece open a strand, which takes those behind it along.
type Split struct{ Piece database.ID }

func (e Split) do(i *newsletter.Issue, w *assemble.Wording) error {
	s, n, found := pieceAt(i, e.Piece)
	if !found {
		return ErrGone
	}
	if n == 0 {
		return nil
	}
	first := &i.Strands[s]
	second := newsletter.Strand{Name: freeName(i, first.Name), Theme: first.Theme, Items: slices.Clone(first.Items[n:]), Locked: true}
	first.Items, first.Locked = first.Items[:n:n], true
	retell(first, w)
	retell(&second, w)
	i.Strands = slices.Insert(i.Strands, s+1, second)
	return nil
}

// Merge puts a strand's pieces behind those of another one.
type Merge struct{ Strand, Into string }

func (e Merge) do(i *newsletter.Issue, w *assemble.Wording) error {
	from, into := strandAt(i, e.Strand), strandAt(i, e.Into)
	if into < 0 {
		return ErrGone
	}
	if from < 0 || from == into {
		return nil // done already
	}
	to := &i.Strands[into]
	to.Items = append(to.Items, i.Strands[from].Items...)
	to.Locked = true
	retell(to, w)
	i.Strands[from].Items = nil
	return nil
}

// Headlines puts items on the list of latest news, out of the review where they
// are in it: before another headline, or behind the last. One that is on the list
// is moved there.
type Headlines struct {
	Items  []newsletter.Item
	Before database.ID
}

func (e Headlines) do(i *newsletter.Issue, w *assemble.Wording) error {
	was := slices.Clone(i.Latest)
	for _, it := range e.Items {
		if it.ID == e.Before {
			continue
		}
		h := newsletter.Headline{ID: it.ID, Title: it.Title, URL: it.URL, Source: it.Source, Theme: it.Theme}
		if at := headlineAt(i, it.ID); at >= 0 {
			h = i.Latest[at]
			i.Latest = slices.Delete(i.Latest, at, at+1)
		}
		if s, n, found := pieceAt(i, it.ID); found {
			pull(i, w, s, n)
		}
		i.Excluded = without(i.Excluded, it.URL)
		at := len(i.Latest)
		if e.Before != 0 {
			if at = headlineAt(i, e.Before); at < 0 {
				return ErrGone
			}
		}
		i.Latest = slices.Insert(i.Latest, at, h)
	}
	if !slices.Equal(was, i.Latest) {
		lock(i, newsletter.LockLatest, true)
	}
	return nil
}
