package render

import (
	"math"
	"slices"
	"sort"
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

// within gives the bounds in which an issue has about size bytes.
func within(size int, w weights) fit {
	f, sizes, latest := whole, w.paragraphs, w.latest
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
	if len(runs) == 0 || f.budget == math.MaxInt || len(write(runs)) <= f.budget-paragraphFrame {
		return runs, false
	}
	words := plain(runs)
	var ends []int
	for at := 0; at < len(words); {
		at += sentenceEnd(words[at:])
		ends = append(ends, at)
	}
	room := f.budget - paragraphFrame
	if n := sort.Search(len(ends), func(i int) bool { return len(write(until(runs, ends[i]))) > room }); n > 0 {
		return trim(until(runs, ends[n-1])), true
	}
	for _, r := range runs {
		if r.href != "" && len(write(append(kept, r))) <= room {
			kept = append(kept, r, run{text: " "})
		}
	}
	return trim(kept), true
}

// sentenceEnd is the length of the first sentence with its full stop, what closes
// it and the blanks behind. In doubt two sentences are taken for one: "No. 5",
// "Mr. Smith" and "г. Уральск" are not cut.
func sentenceEnd(words string) int {
	last := 0 // where the word before began
	for i, c := range words {
		switch {
		case unicode.IsSpace(c):
			last = i + utf8.RuneLen(c)
		case strings.ContainsRune(".!?…", c):
			rest := words[i+utf8.RuneLen(c):]
			closed := strings.TrimLeft(rest, ".!?…»”“\")]'’")
			next := strings.TrimLeftFunc(closed, unicode.IsSpace)
			if next == "" {
				return len(words)
			}
			opens := strings.TrimLeft(next, "«“„\"'([—– ")
			first, _ := utf8.DecodeRuneInString(opens)
			if len(next) < len(closed) && unicode.IsUpper(first) && (c != '.' || !isAbbreviation(words[last:i])) {
				return len(words) - len(next)
			}
		}
	}
	return len(words)
}

// isAbbreviation tells whether a word may be one that a full stop shortens.
func isAbbreviation(word string) bool {
	word = strings.TrimLeft(word, "«“„\"'([")
	first, _ := utf8.DecodeRuneInString(word)
	n := utf8.RuneCountInString(word)
	return unicode.IsLetter(first) && (n < 4 || n == 4 && unicode.IsUpper(first) || strings.Contains(word, "."))
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

// Bytes of HTML that the elements around a paragraph, a headline, a picture and
// everything else have, with their styles. They are estimates: what is made is measured.
const (
	pageFrame      = 12_000
	paragraphFrame = 320
	headlineFrame  = 430
	pictureFrame   = 420
	linkFrame      = 24
)

// weights are about the bytes that the parts of a page take, of whichever of the
// two bodies has more.
type weights struct{ paragraphs, latest []int }

func weigh(p Page) weights {
	w := weights{make([]int, len(p.Paragraphs)), make([]int, len(p.Latest))}
	for i, s := range p.Paragraphs {
		html := len(s.HTML) + strings.Count(string(s.HTML), "<a ")*linkFrame + paragraphFrame
		text := len(s.Text)
		for _, l := range s.Links {
			text += len(l.URL) + 8
		}
		w.paragraphs[i] = max(html, text)
		if s.Picture != nil {
			w.paragraphs[i] += pictureFrame
		}
	}
	for i, s := range p.Latest {
		w.latest[i] = len(s.Title) + len(s.URL) + headlineFrame
	}
	return w
}

// over is by how many bytes a mail is too large.
func over(m newsletter.Mail) int {
	return max(len(m.HTML)-(MaxHTML-slotRoom), len(m.Text)-(MaxText-slotRoom))
}
