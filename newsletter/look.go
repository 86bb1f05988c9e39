package newsletter

import (
	"fmt"
	"strings"
)

// Look is how a newsletter's mails look. What is empty in it is as shipped.
type Look struct {
	Light, Dark    Palette
	Serif, Sans    string // lists of fonts as CSS has them, of the text and of what is around it
	Logo, LogoDark Picture
	Footer         string // one line above the postal address
	Links          Links  // how the text part shows where links lead
	Images         Images // how pictures come along
}

// Palette is the colours of one scheme.
type Palette struct {
	Paper  Colour // behind everything
	Ink    Colour // the text
	Quiet  Colour // what is beside the text
	Accent Colour // the name, links, buttons
	Line   Colour // thin rules
}

// The palettes as shipped. In the dark the paper is no black and the ink no
// white: a page of text would glare.
var (
	LightPalette = Palette{Paper: Colour{0xf4, 0xf1, 0xea}, Ink: Colour{0x1b, 0x1a, 0x17}, Quiet: Colour{0x5f, 0x59, 0x4e}, Accent: Colour{0x8f, 0x15, 0x18}, Line: Colour{0xd5, 0xcf, 0xc2}}
	DarkPalette  = Palette{Paper: Colour{0x17, 0x16, 0x13}, Ink: Colour{0xec, 0xe6, 0xd9}, Quiet: Colour{0xb0, 0xa8, 0x96}, Accent: Colour{0xf4, 0xa6, 0x98}, Line: Colour{0x3b, 0x38, 0x30}}
)

// Links says how a text part shows where links lead.
type Links string

// A number behind the words and the addresses under the paragraph, or the
// address itself behind the words.
const (
	LinksNumbered Links = "numbered"
	LinksInline   Links = "inline"
)

// Images says how pictures come along with a mail.
type Images string

// Pictures lie on the newsletter's own site, or in the mail itself (RFC 2392), or
// are left out.
const (
	ImagesHosted Images = "hosted"
	ImagesInline Images = "inline"
	ImagesNone   Images = "none"
)

// Filled is the look with everything that was left empty as shipped.
func (l Look) Filled() Look {
	if l.Light == (Palette{}) {
		l.Light = LightPalette
	}
	if l.Dark == (Palette{}) {
		l.Dark = DarkPalette
	}
	if l.Links == "" {
		l.Links = LinksNumbered
	}
	if l.Images == "" {
		l.Images = ImagesHosted
	}
	return l
}

// legible is what WCAG 2.2 AA wants of text (1.4.3).
const legible = 4.5

// Check gives one error for each colour that cannot be read on its paper, by its
// name in the palette. Each says the ratio and the nearest colour that passes.
func (p Palette) Check() map[string]error {
	problems := map[string]error{}
	for name, c := range map[string]Colour{"ink": p.Ink, "quiet": p.Quiet, "accent": p.Accent} {
		if ratio := Contrast(c, p.Paper); ratio < legible {
			problems[name] = fmt.Errorf("%s on paper %s has a contrast of %.2f to 1, and text wants %.1f to 1: the nearest that has it is %s", c, p.Paper, ratio, legible, Legible(c, p.Paper, legible))
		}
	}
	return problems
}

// CheckFonts takes a list of fonts such as 'PT Serif', Georgia, serif.
func CheckFonts(list string) error {
	for font := range strings.SplitSeq(list, ",") {
		bare := strings.TrimSpace(font)
		if n := len(bare); n > 1 && bare[0] == '\'' && bare[n-1] == '\'' {
			bare = bare[1 : n-1]
		}
		if bare == "" || strings.Trim(strings.ToLower(bare), "abcdefghijklmnopqrstuvwxyz0123456789 -") != "" {
			return fmt.Errorf("%q is no list of fonts such as 'PT Serif', Georgia, serif", list)
		}
	}
	return nil
}
