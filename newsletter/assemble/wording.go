package assemble

import (
	"strings"
	"sync"

	"apta/newsletter"
	"apta/subscribers/database"
)

// Wording words the pieces of one week by the rules that composing has, for
// those who change an issue by hand. It is safe for concurrent use.
type Wording struct {
	mu    sync.Mutex
	c     *composer
	items []newsletter.Item
	ids   map[database.ID]int
	read  bool
}

// NewWording knows a week by its items: which words are names, and what each
// item is about.
func NewWording(items []newsletter.Item, s Style) *Wording {
	w := &Wording{c: &composer{style: s, phrases: s.phrases(), used: map[string]bool{}}, items: items, ids: make(map[database.ID]int, len(items))}
	for i := range items {
		w.ids[items[i].ID] = i
	}
	return w
}

// reader gives the composer, which has read the week's texts by then.
func (w *Wording) reader() *composer {
	if !w.read {
		w.c.read(w.items)
		w.read = true
	}
	return w.c
}

// Item gives one of the week's items.
func (w *Wording) Item(id database.ID) (newsletter.Item, bool) {
	if at, found := w.ids[id]; found {
		return w.items[at], true
	}
	return newsletter.Item{}, false
}

// Piece makes the piece of an item, behind a bridge or none.
func (w *Wording) Piece(it newsletter.Item, bridge string) newsletter.Piece {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reader().piece(&it, bridge)
}

// Reword gives a piece other words, in Markdown and without a bridge, and another
// bridge. Its link stays on its words as long as those are there.
func (w *Wording) Reword(p newsletter.Piece, bridge, text string) newsletter.Piece {
	w.mu.Lock()
	defer w.mu.Unlock()
	bare := w.reader().piece(&newsletter.Item{Title: p.Title, Summary: text}, bridge)
	plain := newsletter.PlainText(bare.Text)
	if p.Anchor != "" && strings.Contains(plain, p.Anchor) && linkable(p.Anchor, bare.Text) {
		bare.Anchor = p.Anchor
	}
	p.Bridge, p.Text, p.Anchor = bridge, bare.Text, bare.Anchor
	return p
}

// Theme is what most of a strand's items are about, among equals the first; known
// is false where the week has none of them.
func (w *Wording) Theme(pieces []newsletter.Piece) (theme string, known bool) {
	var items []newsletter.Item
	for _, p := range pieces {
		if it, found := w.Item(p.ID); found {
			items = append(items, it)
		}
	}
	return themeOf(items), len(items) > 0
}

// Linkable reports whether words of a piece can carry its link: they stand in it
// as they are and break no mark.
func Linkable(words string, p newsletter.Piece) bool {
	return strings.TrimSpace(words) != "" && strings.Contains(newsletter.PlainText(p.Text), words) && linkable(words, p.Text)
}

// Bare gives a piece's Markdown without its bridge, beginning with a capital.
func Bare(p newsletter.Piece) string {
	rest, found := strings.CutPrefix(p.Text, escapeMarkdown(p.Bridge)+" ")
	if p.Bridge == "" || !found || rest == "" {
		return p.Text
	}
	return upperFirst(rest)
}

// Choice is a bridge that the style has, and the relation that it stands for.
type Choice struct {
	Relation Relation
	Bridge   string
}

// Choices are the style's bridges, the nearest relation first, with the place of
// an item filled in. Those that name a place are left out where it has none.
func (w *Wording) Choices(id database.ID) (list []Choice) {
	it, _ := w.Item(id)
	phrases := w.c.phrases.relations()
	for _, relation := range []Relation{SameStory, Later, Contrast, Parallel, Elsewhere, Return, NewSubject} {
		for _, b := range phrases[relation] {
			if !strings.Contains(b, "{place}") || it.Place != "" {
				list = append(list, Choice{relation, strings.ReplaceAll(b, "{place}", it.Place)})
			}
		}
	}
	return list
}
