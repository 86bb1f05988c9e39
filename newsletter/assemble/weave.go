package assemble

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"apta/newsletter"
)

// pinnedWhy begins the reason of an item that an editor pinned.
const pinnedWhy = "pinned by an editor"

// weave makes a paragraph of a group, which goes on from where the way has come.
func (c *composer) weave(g group, way *trail) newsletter.Strand {
	strand := newsletter.Strand{Name: g.name, Theme: g.theme(), Locked: g.locked}
	why := "as the editor's strand and order say"
	switch {
	case g.locked:
		why = "locked by an editor"
	case g.made:
		why = g.why
	}
	var texts []string
	for i := range g.items {
		it := &g.items[i]
		p := c.next(it, way, g.made)
		strand.Items = append(strand.Items, p)
		texts = append(texts, newsletter.PlainText(p.Text))
		own := why
		if c.pinned(it.URL) >= 0 {
			own = pinnedWhy + "; " + why
		}
		c.say(it, true, g.name, own)
		way.before, way.bridged, way.pieces = it, p.Bridge != "", i+1
		way.places[it.Place] = way.at
	}
	strand.Text = strings.Join(texts, " ")
	c.reasons.Strands = append(c.reasons.Strands, StrandReason{Name: g.name, Items: len(g.items), Why: why})
	return strand
}

// next makes the piece of an item: as it was locked, behind the editor's bridge,
// or, in a paragraph of ours, behind one that is chosen.
func (c *composer) next(it *newsletter.Item, way *trail, made bool) newsletter.Piece {
	p, locked := c.pieces[it.URL]
	bridge := it.Bridge
	switch {
	case locked:
		c.reasons.Bridges = append(c.reasons.Bridges, BridgeReason{URL: it.URL, Bridge: p.Bridge, Why: "locked by an editor"})
		return p
	case bridge != "":
		c.reasons.Bridges = append(c.reasons.Bridges, BridgeReason{URL: it.URL, Bridge: bridge, Why: "the editor's own"})
	case made:
		bridge = c.bridge(it, way)
		if c.corpus.facts[it.URL].leans && way.pieces == 0 {
			c.reasons.Doubts = append(c.reasons.Doubts, fmt.Sprintf("%q opens a paragraph with a pronoun; nothing in the week shows whom it means", it.Title))
		}
	}
	return c.piece(it, bridge)
}

// piece writes an item's sentences behind its bridge.
func (c *composer) piece(it *newsletter.Item, bridge string) newsletter.Piece {
	text := strings.Join(strings.Fields(it.Summary), " ")
	if text == "" {
		// A story without a summary is told by its title, which is made a sentence.
		text = escapeMarkdown(it.Title)
		if last, _ := utf8.DecodeLastRuneInString(text); unicode.IsLetter(last) || unicode.IsDigit(last) {
			text += "."
		}
	}
	plain := newsletter.PlainText(text)
	p := newsletter.Piece{ID: it.ID, Title: it.Title, URL: it.URL, Source: it.Source, Bridge: bridge, Text: text, Anchor: c.anchor(it.Title, text, plain), Image: it.Image}
	if bridge == "" {
		return p
	}
	if isSentence(bridge) {
		p.Text = escapeMarkdown(bridge) + " " + text // a sentence of its own
		return p
	}
	lowered, _ := c.lowerFirst(text)
	p.Text = escapeMarkdown(bridge) + " " + lowered
	// The link may begin with the very word that lost its capital.
	if strings.HasPrefix(plain, p.Anchor) && strings.HasPrefix(text, p.Anchor) {
		p.Anchor = lowered[:len(p.Anchor)+len(lowered)-len(text)] // a small letter may have other bytes
	}
	return p
}

// escapeMarkdown lets plain words stand in Markdown as they are.
func escapeMarkdown(s string) string {
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, "&", `\&`, "#", `\#`).Replace(s)
}
