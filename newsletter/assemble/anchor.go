package assemble

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of the words that carry a link.
const (
	minAnchor = 2
	maxAnchor = 7
)

// word is a run of letters and digits in a text, by byte offsets.
type word struct {
	start, end int
	stem       string
	stop       bool
}

// anchor chooses the words of a summary that carry the link to its story: the
// run that says most of what the title says, as an editor would underline it.
// Where nothing of the title recurs, the first words of the summary do.
// It occurs verbatim in the Markdown too, so no mark is torn apart.
func (c *composer) anchor(title, markdown, plain string) string {
	wanted := map[string]bool{}
	for _, w := range c.words(title) {
		if !w.stop {
			wanted[w.stem] = true
		}
	}
	text := c.words(plain)
	best, bestScore := "", 1.2
	for i := range text {
		if text[i].stop || !wanted[text[i].stem] {
			continue
		}
		score := 0.0
		seen := map[string]bool{}
		for j := i; j < len(text) && j < i+maxAnchor; j++ {
			if j > i && !joined(plain[text[j-1].end:text[j].start]) {
				break
			}
			switch {
			case wanted[text[j].stem] && !text[j].stop && !seen[text[j].stem]:
				seen[text[j].stem] = true
				score++
			case text[j].stop:
				score -= 0.1
			default:
				score -= 0.3
			}
			if text[j].stop || j-i+1 < minAnchor || score <= bestScore {
				continue
			}
			if run := plain[text[i].start:text[j].end]; linkable(run, markdown) {
				best, bestScore = run, score
			}
		}
	}
	if best == "" {
		best = c.opening(text, plain, markdown)
	}
	return best
}

// opening is the first clause's words, up to four and not ending in a function word.
func (c *composer) opening(text []word, plain, markdown string) string {
	best := ""
	for i := range text {
		if i >= 5 || i > 0 && !joined(plain[text[i-1].end:text[i].start]) {
			break
		}
		if run := plain[text[0].start:text[i].end]; !text[i].stop && linkable(run, markdown) {
			best = run
			if i >= 3 {
				break
			}
		}
	}
	return best
}

// joined reports whether what stands between two words lets a link run over it.
func joined(between string) bool {
	return strings.Trim(between, " -–'’\"“”«»$%") == "" && len(between) <= 6
}

// linkable reports whether a run of words can be linked as it stands: it is in
// the Markdown letter for letter, breaks no mark, and opens no quotation that it
// does not close.
func linkable(run, markdown string) bool {
	return strings.Contains(markdown, run) && !strings.ContainsAny(run, "*_[]`<>\\") && !strings.Contains(markdown, "](") &&
		strings.Count(run, `"`)%2 == 0 && strings.Count(run, "“") == strings.Count(run, "”") && strings.Count(run, "«") == strings.Count(run, "»")
}

// stemLength is how many letters of a word tell it apart from others; what
// follows is mostly inflection, in English as in Russian and Kazakh.
const stemLength = 5

// words splits a text once, however often it is asked for.
func (c *composer) words(s string) []word {
	list, found := c.split[s]
	if !found {
		if c.split == nil {
			c.split = map[string][]word{}
		}
		list = c.splitWords(s)
		c.split[s] = list
	}
	return list
}

func (c *composer) splitWords(s string) []word {
	list := make([]word, 0, len(s)/5)
	start := -1
	flush := func(end int) {
		if start < 0 {
			return
		}
		lower := strings.ToLower(s[start:end])
		stem := lower
		if n := 0; utf8.RuneCountInString(lower) > stemLength {
			for i := range lower {
				if n++; n > stemLength {
					stem = lower[:i]
					break
				}
			}
		}
		list = append(list, word{start, end, strings.TrimSuffix(stem, "s"), c.phrases.stop[lower]})
		start = -1
	}
	for i, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
			if start < 0 {
				start = i
			}
			continue
		}
		flush(i)
	}
	flush(len(s))
	return list
}
