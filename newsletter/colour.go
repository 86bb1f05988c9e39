package newsletter

import (
	"fmt"
	"math"
	"strconv"
)

// Colour is an opaque colour in sRGB.
type Colour struct{ R, G, B uint8 }

// ParseColour reads a colour as CSS writes it: #8f1518 or #fff.
func ParseColour(s string) (Colour, error) {
	if len(s) == 4 && s[0] == '#' {
		s = string([]byte{'#', s[1], s[1], s[2], s[2], s[3], s[3]})
	}
	n, err := strconv.ParseUint(s[min(1, len(s)):], 16, 24)
	if len(s) != 7 || s[0] != '#' || err != nil {
		return Colour{}, fmt.Errorf("%q is no colour such as #8f1518", s)
	}
	return Colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

func (c Colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// luminance is the relative luminance of WCAG 2.2, from 0 to 1.
func (c Colour) luminance() float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// Contrast is the contrast ratio of two colours (WCAG 2.2, 1.4.3), from 1 to 21.
func Contrast(a, b Colour) float64 {
	light, dark := max(a.luminance(), b.luminance()), min(a.luminance(), b.luminance())
	return (light + 0.05) / (dark + 0.05)
}

// Legible is the colour nearest to c that has at least the contrast with the
// ground: c itself where it has, else c with as little black or white mixed in
// as does it.
func Legible(c, ground Colour, contrast float64) Colour {
	best, mixed := c, 2.0
	for _, end := range []Colour{{}, {255, 255, 255}} {
		for step := range 256 {
			t := float64(step) / 255
			if at := mix(c, end, t); Contrast(at, ground) >= contrast {
				if t < mixed {
					best, mixed = at, t
				}
				break
			}
		}
	}
	return best
}

func mix(a, b Colour, t float64) Colour {
	between := func(x, y uint8) uint8 { return uint8(math.Round(float64(x)*(1-t) + float64(y)*t)) }
	return Colour{between(a.R, b.R), between(a.G, b.G), between(a.B, b.B)}
}
