package edit

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/subscribers/database"
)

// How long a part may be, in characters: what is longer was pasted by mistake.
const (
	MaxLine    = 300    // a title, subject or preheader
	MaxProse   = 2_000  // a standfirst
	MaxSummary = 10_000 // a summary
	MaxBridge  = 120
)

// Words gives a part of the issue other words: the title, the standfirst, the
// subject or the preheader.
type Words struct {
	Part newsletter.Lock
	Text string
}

// Worded are the parts that Words can change.
var Worded = []newsletter.Lock{newsletter.LockTitle, newsletter.LockStandfirst, newsletter.LockSubject, newsletter.LockPreheader}

// Text gives a part's words.
func Text(i newsletter.Issue, part newsletter.Lock) string {
	if at := textOf(&i, part); at != nil {
		return *at
	}
	return ""
}

func textOf(i *newsletter.Issue, part newsletter.Lock) *string {
	switch part {
	case newsletter.LockTitle:
		return &i.Title
	case newsletter.LockStandfirst:
		return &i.Standfirst
	case newsletter.LockSubject:
		return &i.Subject
	case newsletter.LockPreheader:
		return &i.Preheader
	}
	return nil
}

func (e Words) do(i *newsletter.Issue, _ *assemble.Wording) error {
	at := textOf(i, e.Part)
	if at == nil {
		return fmt.Errorf("there is no part %q", e.Part)
	}
	most := MaxLine
	if e.Part == newsletter.LockStandfirst {
		most = MaxProse
	}
	text, err := line(e.Text, most)
	if err != nil {
		return err
	}
	if text == "" && e.Part == newsletter.LockTitle {
		return fmt.Errorf("an issue has a title: %w", ErrWords)
	}
	if text == *at {
		return nil
	}
	*at = text
	lock(i, e.Part, true)
	// An editor's title is the subject too, unless the subject was written by itself.
	if e.Part == newsletter.LockTitle && !slices.Contains(i.Locks, newsletter.LockSubject) {
		i.Subject = text
	}
	return nil
}

func (e Words) touches() []Part { return []Part{{Kind: PartWords, Name: string(e.Part)}} }

// What implements Edit.
func (e Words) What() string { return string(e.Part) }

// line makes one line of a text: controls and what no database keeps go.
func line(text string, most int) (string, error) {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))), " ")
	if n := utf8.RuneCountInString(text); n > most {
		return "", fmt.Errorf("%d characters are more than the %d that fit: %w", n, most, ErrWords)
	}
	return text, nil
}

// Summary gives a piece other words, in Markdown and without its bridge.
type Summary struct {
	Piece database.ID
	Text  string
}

func (e Summary) do(i *newsletter.Issue, w *assemble.Wording) error {
	text, err := line(e.Text, MaxSummary)
	if err != nil {
		return err
	}
	if newsletter.PlainText(text) == "" {
		return fmt.Errorf("nothing is left of it: take the item out instead: %w", ErrWords)
	}
	return reword(i, w, e.Piece, func(p newsletter.Piece) newsletter.Piece {
		if assemble.Bare(p) == text {
			return p
		}
		return w.Reword(p, p.Bridge, text)
	})
}

func (e Summary) touches() []Part { return []Part{{Kind: PartSummary, ID: e.Piece}} }

// What implements Edit.
func (e Summary) What() string { return "summary" }

// Bridge opens a piece with another bridge, or with none.
type Bridge struct {
	Piece  database.ID
	Bridge string
}

func (e Bridge) do(i *newsletter.Issue, w *assemble.Wording) error {
	bridge, err := line(e.Bridge, MaxBridge)
	if err != nil {
		return err
	}
	return reword(i, w, e.Piece, func(p newsletter.Piece) newsletter.Piece {
		if p.Bridge == bridge {
			return p
		}
		return w.Reword(p, bridge, assemble.Bare(p))
	})
}

func (e Bridge) touches() []Part { return []Part{{Kind: PartBridge, ID: e.Piece}} }

// What implements Edit.
func (e Bridge) What() string { return "bridge" }

// Anchor puts a piece's link on other words of it.
type Anchor struct {
	Piece database.ID
	Words string
}

func (e Anchor) do(i *newsletter.Issue, w *assemble.Wording) error {
	words, err := line(e.Words, MaxLine)
	if err != nil {
		return err
	}
	var wrong error
	err = reword(i, w, e.Piece, func(p newsletter.Piece) newsletter.Piece {
		if words != p.Anchor && !assemble.Linkable(words, p) {
			wrong = fmt.Errorf("%q does not stand in the text as it is: %w", words, ErrWords)
			return p
		}
		p.Anchor = words
		return p
	})
	if wrong != nil {
		return wrong
	}
	return err
}

func (e Anchor) touches() []Part { return []Part{{Kind: PartSummary, ID: e.Piece}} }

// What implements Edit.
func (e Anchor) What() string { return "anchor" }

// reword changes one piece, which is locked where it is another afterwards.
func reword(i *newsletter.Issue, w *assemble.Wording, id database.ID, change func(newsletter.Piece) newsletter.Piece) error {
	s, n, found := pieceAt(i, id)
	if !found {
		return ErrGone
	}
	p := &i.Strands[s].Items[n]
	if is := change(*p); is != *p {
		*p = is
		p.Locked = true
		retell(&i.Strands[s], w)
	}
	return nil
}

// Lock keeps a part of the issue as it is when it is assembled again, or lets
// assembly choose again.
type Lock struct {
	Part newsletter.Lock
	On   bool
}

func (e Lock) do(i *newsletter.Issue, _ *assemble.Wording) error {
	if textOf(i, e.Part) == nil && e.Part != newsletter.LockOrder && e.Part != newsletter.LockLatest {
		return fmt.Errorf("there is no part %q", e.Part)
	}
	if slices.Contains(i.Locks, e.Part) != e.On {
		lock(i, e.Part, e.On)
	}
	return nil
}

func (e Lock) touches() []Part { return nil }

// What implements Edit.
func (e Lock) What() string { return onOff("lock", e.On) }

// LockStrand does the same for a strand: its items, their order and words.
// Unlocking it unlocks its pieces too.
type LockStrand struct {
	Strand string
	On     bool
}

func (e LockStrand) do(i *newsletter.Issue, _ *assemble.Wording) error {
	s := strandAt(i, e.Strand)
	if s < 0 {
		return ErrGone
	}
	i.Strands[s].Locked = e.On
	for n := range i.Strands[s].Items {
		i.Strands[s].Items[n].Locked = i.Strands[s].Items[n].Locked && e.On
	}
	return nil
}

func (e LockStrand) touches() []Part { return nil }

// What implements Edit.
func (e LockStrand) What() string { return onOff("lock", e.On) }

// LockPiece does the same for the bridge and words of a piece, wherever it goes.
type LockPiece struct {
	Piece database.ID
	On    bool
}

func (e LockPiece) do(i *newsletter.Issue, _ *assemble.Wording) error {
	s, n, found := pieceAt(i, e.Piece)
	if !found {
		return ErrGone
	}
	i.Strands[s].Items[n].Locked = e.On
	return nil
}

func (e LockPiece) touches() []Part { return nil }

// What implements Edit.
func (e LockPiece) What() string { return onOff("lock", e.On) }

func onOff(what string, on bool) string {
	if on {
		return what
	}
	return "un" + what
}
