package newsletter

import (
	"math"
	"strings"
	"testing"
)

func TestContrast(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want float64
	}{{"#000000", "#ffffff", 21}, {"#fff", "#ffffff", 1}, {"#767676", "#ffffff", 4.54}, {"#777777", "#ffffff", 4.48}, {"#ff0000", "#ffffff", 4.00}} {
		a, err := ParseColour(tt.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := ParseColour(tt.b)
		if err != nil {
			t.Fatal(err)
		}
		if got := Contrast(a, b); math.Abs(got-tt.want) > 0.005 || Contrast(b, a) != got {
			t.Errorf("%s on %s: %.3f, not %.2f", tt.a, tt.b, got, tt.want)
		}
		near := Legible(a, b, 4.5)
		if Contrast(near, b) < 4.5 || Contrast(a, b) >= 4.5 && near != a {
			t.Errorf("the nearest to %s on %s is %s", tt.a, tt.b, near)
		}
	}
	for _, s := range []string{"", "#", "red", "#12345", "#gggggg", "#12", "123456", "#ffff", "#ÿÿÿ"} {
		if c, err := ParseColour(s); err == nil {
			t.Errorf("%q is read as %s", s, c)
		}
	}
	for _, p := range []Palette{LightPalette, DarkPalette} {
		if problems := p.Check(); len(problems) > 0 {
			t.Error(problems)
		}
	}
	p := LightPalette
	p.Accent = p.Paper
	if err := p.Check()["accent"]; err == nil || !strings.Contains(err.Error(), "1.00 to 1") || !strings.Contains(err.Error(), "the nearest that has it is #") {
		t.Error(err)
	}
}
