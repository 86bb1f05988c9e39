package desk

import "strconv"

// Chart is a picture of bars, drawn by the server as SVG. It has a table beside
// it, so the picture says nothing that is only in the picture.
type Chart struct {
	Label         string // what it shows, for who cannot see it
	Width, Height int
	Zero          int // where the line of no height is
	Bars          []Bar
	Ticks         []Tick
	Keys          []Key
}

// Bar is one of them: a part of a column, which Class colours.
type Bar struct {
	X, Y, W, H  int
	Class, Hint string
}

// Tick is a word at an axis.
type Tick struct {
	X, Y   int
	Text   string
	Anchor string
}

// Key says what a colour means.
type Key struct{ Class, Text string }

// Column is a column of a chart, in parts: those in Up stand on the line, those in
// Down hang from it.
type Column struct {
	Label    string
	Up, Down []Part
}

// Part is a part of a column.
type Part struct {
	Value       int
	Class, Hint string
}

// Measures of a chart, in SVG's units, which are pixels at its own width.
const (
	chartWidth  = 720
	chartBody   = 180
	chartFoot   = 26
	chartMargin = 44
)

// draw lays columns out.
func draw(label string, columns []Column, keys []Key) Chart {
	up, down := 0, 0
	sum := func(parts []Part) (n int) {
		for _, p := range parts {
			n += p.Value
		}
		return n
	}
	for _, c := range columns {
		up, down = max(up, sum(c.Up)), max(down, sum(c.Down))
	}
	total := max(up+down, 1)
	c := Chart{Label: label, Width: chartWidth, Height: chartBody + chartFoot + 8, Keys: keys}
	scale := func(n int) int { return (n*chartBody + total/2) / total }
	c.Zero = 8 + scale(up)
	step := min((chartWidth-chartMargin)/max(len(columns), 1), 2*chartMargin)
	wide := min(step*3/5, 36)
	every := (len(columns) + 6) / 7
	for i, col := range columns {
		x := chartMargin + i*step + (step-wide)/2
		y := c.Zero
		for _, p := range col.Up {
			h := tall(scale(p.Value), p.Value)
			y -= h
			c.Bars = append(c.Bars, Bar{x, y, wide, h, p.Class, p.Hint})
		}
		y = c.Zero
		for _, p := range col.Down {
			h := tall(scale(p.Value), p.Value)
			c.Bars = append(c.Bars, Bar{x, y, wide, h, p.Class, p.Hint})
			y += h
		}
		if i%every == 0 {
			c.Ticks = append(c.Ticks, Tick{x + wide/2, chartBody + chartFoot, col.Label, "middle"})
		}
	}
	c.Ticks = append(c.Ticks, Tick{chartMargin - 8, c.Zero + 4, "0", "end"})
	if up > 0 {
		c.Ticks = append(c.Ticks, Tick{chartMargin - 8, 16, strconv.Itoa(up), "end"})
	}
	if down > 0 && scale(down) > 14 {
		c.Ticks = append(c.Ticks, Tick{chartMargin - 8, chartBody + 8, strconv.Itoa(down), "end"})
	}
	return c
}

// tall gives what is there at least one unit: something is not nothing.
func tall(h, value int) int {
	if value > 0 {
		return max(h, 1)
	}
	return 0
}
