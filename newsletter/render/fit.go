package render

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"apta/newsletter"
)

// MaxHTML is where Gmail cuts a mail off, in bytes of its HTML. MaxText is the
// same for the text part, which nobody cuts, but which nobody reads to its end either.
const (
	MaxHTML = 102_400
	MaxText = 102_400
)

// slotRoom is what the reader's own links are longer than their markers, at most.
const slotRoom = 2 << 10

// fit bounds what of an issue goes into a mail. What does not fit is on the
// issue's public page, to which the mail leads.
type fit struct {
	strands int // so many paragraphs
	budget  int // each of at most so many bytes of HTML
	latest  int // and so many headlines
}

var whole = fit{math.MaxInt, math.MaxInt, math.MaxInt}

// leastBudget is what a paragraph has at least; where not even that is there for
// all, the last ones go.
const leastBudget = 1200

// within gives the bounds in which an issue has at most size bytes. sizes are those
// of its paragraphs, latest those of its headlines, all with what is around them.
func within(size int, sizes []int, latest []int) fit {
	f := whole
	for left := sum(latest); len(latest) > 0 && left > size/3; left = sum(latest) {
		latest = latest[:len(latest)-1]
		f.latest = len(latest)
	}
	size -= sum(latest)
	if sum(sizes) <= size {
		return f
	}
	if most := max(size/leastBudget, 1); len(sizes) > most {
		f.strands = most
		sizes = sizes[:most]
	}
	// The budget is the level to which water fills: short paragraphs stay whole,
	// the room that they leave is the long ones'.
	sorted := slices.Sorted(slices.Values(sizes))
	for i, s := range sorted {
		share := size / (len(sorted) - i)
		if s > share {
			f.budget = share
			break
		}
		size -= s
	}
	return f
}

func sum(list []int) int {
	total := 0
	for _, n := range list {
		total += n
	}
	return total
}

// shorten keeps as many whole sentences as the budget has room for, and tells
// whether it left any out. Where not one has room, the words that are links stay:
// they are what an editor would underline.
func (f fit) shorten(runs []run) (kept []run, cut bool) {
	if len(runs) == 0 || f.budget == math.MaxInt || len(write(runs)) <= f.budget {
		return runs, false
	}
	words := plain(runs)
	end := 0
	for next := 0; next < len(words); {
		next += sentenceEnd(words[next:])
		if len(write(until(runs, next))) > f.budget {
			break
		}
		end = next
	}
	if end > 0 {
		return trim(until(runs, end)), true
	}
	for _, r := range runs {
		if r.href != "" && len(write(append(kept, r))) <= f.budget {
			kept = append(kept, r, run{text: " "})
		}
	}
	return trim(kept), true
}

// sentenceEnd is the length of the first sentence with its full stop, what
// closes it and the blanks behind.
func sentenceEnd(words string) int {
	at := sentence(words)
	for _, c := range words[at:] {
		if !unicode.IsSpace(c) && !strings.ContainsRune(".!?…»”“\")]", c) {
			break
		}
		at += utf8.RuneLen(c)
	}
	return max(at, 1)
}

// until gives the runs of the first bytes of the words.
func until(runs []run, end int) []run {
	var kept []run
	for _, r := range runs {
		if len(r.text) >= end {
			r.text = r.text[:end]
			return append(kept, r)
		}
		end -= len(r.text)
		kept = append(kept, r)
	}
	return kept
}

// bounds measures a page that is too large, of which the HTML has so many bytes
// and the text so many, and gives those in which it is not.
func bounds(p Page, issue newsletter.Issue, html, text int, before fit) fit {
	sizes, latest := make([]int, len(p.Paragraphs)), make([]int, len(p.Latest))
	for i, s := range p.Paragraphs {
		// A link's style is written out behind the template.
		links := strings.Count(string(s.HTML), "<a ")
		sizes[i] = max(len(s.HTML)+links*24+260, len(s.Text)+80*len(s.Links))
		if s.Picture != nil {
			sizes[i] += 400
		}
	}
	for i, s := range p.Latest {
		latest[i] = len(s.Title) + len(s.URL) + 420
	}
	frame := max(html-sum(sizes)-sum(latest), 0)
	over := max(html-(MaxHTML-slotRoom), text-(MaxText-slotRoom))
	f := within(MaxHTML-slotRoom-frame, sizes, latest)
	if f == whole || f == before {
		// The estimate was wrong: take what is known to be too much off, and some more.
		f = within(sum(sizes)+sum(latest)-over-over/8-1024, sizes, latest)
	}
	f.strands, f.latest, f.budget = min(f.strands, before.strands), min(f.latest, before.latest), min(f.budget, before.budget)
	return f
}
