// Package similar finds texts that tell the same story, in English, Russian and
// Kazakh. It is pure: the same texts in the same order give the same answer.
package similar

import (
	"cmp"
	"slices"
)

// When two texts tell one story. Their words are compared by stem, without those
// that every text has. The bounds were set on pairs of agencies' and papers'
// reports (similar_test.go); in doubt two stories stay two.
const (
	alike      = 0.50 // of all words that either has, both have so many: a copy, or an agency's text told anew
	titleAlike = 0.70 // or so many of the shorter title's words are in the other title,
	titleWords = 4    // being at least so many,
	restAlike  = 0.35 // and so many of the shorter text's words are in the other text
	fewest     = 3    // a title of fewer words is like nothing
)

// How candidates are found: by the rarest words of a text, of which at least so
// many must be shared. Words that very many texts have find nothing.
const (
	probes    = 10
	sharedMin = 2
	common    = 3000
)

// Text is what is compared: titles and summaries as plain words.
type Text struct {
	Title    string
	Summary  string
	Language string // texts of different languages are not compared; empty is any
}

// Finder knows texts by number, from 0, and finds those that are like another.
type Finder struct {
	known []features
	index map[uint64][]int32 // by stem, the numbers of the texts that have it
	votes map[int32]int
}

// NewFinder makes a finder that knows nothing.
func NewFinder() *Finder {
	return &Finder{index: map[uint64][]int32{}, votes: map[int32]int{}}
}

// Add makes a text known and gives its number.
func (f *Finder) Add(t Text) int { return f.add(featuresOf(t)) }

func (f *Finder) add(x features) int {
	n := len(f.known)
	f.known = append(f.known, x)
	for _, w := range x.all {
		f.index[w] = append(f.index[w], int32(n))
	}
	return n
}

// Find gives the known text that tells the same story, the likest of them.
func (f *Finder) Find(t Text) (number int, found bool) { return f.find(featuresOf(t)) }

func (f *Finder) find(x features) (number int, found bool) {
	best := -1.0
	for _, n := range f.candidates(x) {
		if score, same := x.same(&f.known[n]); same && score > best {
			best, number, found = score, int(n), true
		}
	}
	return number, found
}

// candidates are the texts that share rare words, in order of their numbers.
func (f *Finder) candidates(x features) (list []int32) {
	clear(f.votes)
	words := slices.Clone(x.all)
	slices.SortFunc(words, func(a, b uint64) int {
		return cmp.Or(cmp.Compare(len(f.index[a]), len(f.index[b])), cmp.Compare(a, b))
	})
	asked := 0
	for _, w := range words {
		texts := f.index[w]
		if len(texts) == 0 {
			continue // nobody has it
		}
		if asked == probes || len(texts) > common {
			break
		}
		asked++
		for _, n := range texts {
			if f.votes[n]++; f.votes[n] == sharedMin {
				list = append(list, n)
			}
		}
	}
	slices.Sort(list)
	return list
}

// Stories puts texts together that tell the same story: for each text the number
// of the first one that tells it.
func Stories(texts []Text) []int {
	f, first := NewFinder(), make([]int, len(texts))
	for i, t := range texts {
		x := featuresOf(t)
		first[i] = i
		if n, found := f.find(x); found {
			first[i] = first[n]
		}
		f.add(x)
	}
	return first
}
