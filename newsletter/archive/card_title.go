package archive

import (
	"strings"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
)

// sizes in which a title is tried, in pixels, and the room that it has.
var sizes = []float64{84, 76, 68, 60, 54, 48, 42}

const (
	titleWidth  = cardWidth - 2*margin
	titleHeight = 350
)

// title breaks an issue's title into lines between words, in the largest size in
// which all fit. Where none is small enough the last line ends with an ellipsis
// behind a whole word. A title in a script that the font lacks, or that begins with
// a word wider than the card, is the newsletter's name instead.
func (c *cards) title(say card) ([]string, font.Face, error) {
	text := c.known(c.serif, say.Title)
	if letters(text)*2 < letters(say.Title) || letters(text) == 0 {
		text = c.known(c.serif, say.Name)
	}
	var face font.Face
	var lines []string
	for _, size := range sizes {
		var err error
		if face, err = opentype.NewFace(c.serif, &opentype.FaceOptions{Size: size, DPI: 72}); err != nil {
			return nil, nil, err
		}
		var fits bool
		if lines, fits = wrap(face, strings.Fields(text)); fits {
			return lines, face, nil
		}
	}
	if lines[0] == "…" && say.Title != say.Name {
		return c.title(card{Title: say.Name, Name: say.Name})
	}
	return lines, face, nil
}

// wrap breaks words into lines of nearly one length. fits is false where some
// had to be left out.
func wrap(face font.Face, words []string) (lines []string, fits bool) {
	most := titleHeight / face.Metrics().Height.Ceil()
	lines, fits = fillLines(face, words, titleWidth, most)
	if !fits {
		return lines, false
	}
	// The narrowest measure that needs no further line gives the evenest lines.
	narrow, wide := 0, titleWidth
	for wide-narrow > 8 {
		middle := (narrow + wide) / 2
		if even, ok := fillLines(face, words, middle, len(lines)); ok {
			lines, wide = even, middle
		} else {
			narrow = middle
		}
	}
	return lines, true
}

// fillLines puts as many words on each line as there is room for.
func fillLines(face font.Face, words []string, width, most int) (lines []string, fits bool) {
	line := ""
	for _, w := range words {
		longer := strings.TrimPrefix(line+" "+w, " ")
		if measure(face, longer) <= width {
			line = longer
			continue
		}
		if line == "" || len(lines)+1 == most || measure(face, w) > width {
			return append(lines, ellipsis(face, strings.Fields(line), width)), false
		}
		lines, line = append(lines, line), w
	}
	return append(lines, line), true
}

// ellipsis ends a line with …, and without the words that leave it no room.
func ellipsis(face font.Face, words []string, width int) string {
	for n := len(words); n > 0; n-- {
		if line := strings.TrimRightFunc(strings.Join(words[:n], " "), unicode.IsPunct) + " …"; measure(face, line) <= width {
			return line
		}
	}
	if measure(face, "…") <= width {
		return "…"
	}
	return ""
}

// firstThatFits gives a line that fits a width, cut between words if it must be.
func firstThatFits(face font.Face, text string, width int) string {
	if measure(face, text) <= width {
		return text
	}
	return ellipsis(face, strings.Fields(text), width)
}

func measure(face font.Face, text string) int { return font.MeasureString(face, text).Ceil() }

// known leaves out the characters that a font has no picture of, such as emoji.
func (c *cards) known(f *sfnt.Font, text string) string {
	var buffer sfnt.Buffer
	kept := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if g, err := f.GlyphIndex(&buffer, r); err != nil || g == 0 {
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(kept), " ")
}

func letters(text string) (n int) {
	for _, r := range text {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}
