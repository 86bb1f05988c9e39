package similar

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// features is a text as it is compared. The lists are sorted and have no word twice.
type features struct {
	title, all []uint64
	numbers    []uint64 // of the title
	language   string
}

func featuresOf(t Text) features {
	x := features{language: t.Language}
	x.title, x.numbers = stems(t.Title, nil, nil)
	// A summary's beginning says what the story is; what follows differs by paper.
	x.all, _ = stems(t.Summary[:cut(t.Summary, 400)], slices.Clone(x.title), nil)
	for _, list := range []*[]uint64{&x.title, &x.all, &x.numbers} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return x
}

// cut is the beginning of a text in whole runes.
func cut(s string, n int) int {
	if n >= len(s) {
		return len(s)
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

// hash is FNV-1a: unlike maphash it is the same in every run, and with it the choice
// among equally rare words.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// stems appends the stems of a text's words, and its numbers.
func stems(text string, words, numbers []uint64) (w, n []uint64) {
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if word[0] >= '0' && word[0] <= '9' {
			h := hash(word)
			words, numbers = append(words, h), append(numbers, h)
			continue
		}
		if s := stem(word); s != "" {
			words = append(words, hash(s))
		}
	}
	return words, numbers
}

// stem is the beginning of a word: five letters in Cyrillic and six in Latin leave
// out most endings of all three languages. Words that say nothing have none.
func stem(word string) string {
	if _, is := idle[word]; is {
		return ""
	}
	word = strings.ReplaceAll(word, "ё", "е")
	letters := 6
	if r, _ := utf8.DecodeRuneInString(word); unicode.Is(unicode.Cyrillic, r) {
		letters = 5
	}
	n := 0
	for i := range word {
		if n == letters {
			return word[:i]
		}
		n++
	}
	if n < 3 {
		return ""
	}
	// The plural of a short word is the word.
	if letters == 6 && n > 3 {
		word = strings.TrimSuffix(word, "s")
	}
	return word
}

// idle are words of three letters and more that any text may have.
var idle = func() map[string]struct{} {
	set := map[string]struct{}{}
	for _, word := range strings.Fields("the and for was were are has had have been will would could should with from that this these those into over after before about said says their they them his her its " +
		"who what when where which while also than then there more most some such only not but can may one two new all any out off per via amid against between under year years day week " +
		"что как для при или это этот эта эти его ее её они она оно был была было были будет будут уже еще ещё также так чтобы после перед через более менее между под над без про " +
		"году года год лет день дня своих свои свой который которая которые которых также из-за тем чем где когда если сообщил сообщила сообщили сообщает заявил заявила рассказал " +
		"мен және үшін бен пен деп бұл осы сол оның олар болды болып болады бар жоқ бойынша туралы кейін дейін кезінде екен еді деді жылы жылғы жыл күні айтты хабарлады ғана тағы") {
		set[word] = struct{}{}
	}
	return set
}()

// same reports whether two texts tell one story, and how like they are.
func (x *features) same(o *features) (score float64, same bool) {
	if x.language != o.language && x.language != "" && o.language != "" {
		return 0, false
	}
	if len(x.title) < fewest || len(o.title) < fewest || !agree(x.numbers, o.numbers) {
		return 0, false
	}
	both, titles := shared(x.all, o.all), shared(x.title, o.title)
	score = float64(both) / float64(len(x.all)+len(o.all)-both)
	if score >= alike {
		return score, true
	}
	ofTitle := float64(titles) / float64(min(len(x.title), len(o.title)))
	ofAll := float64(both) / float64(min(len(x.all), len(o.all)))
	return score, titles >= titleWords && ofTitle >= titleAlike && ofAll >= restAlike
}

// agree reports whether the numbers of one title are among those of the other: the
// weather of the 14th is not that of the 15th, though every word is the same.
func agree(a, b []uint64) bool {
	n := shared(a, b)
	return n == len(a) || n == len(b)
}

// shared counts what two sorted lists share.
func shared(a, b []uint64) (n int) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] < b[j]:
			i++
		case a[i] > b[j]:
			j++
		default:
			n, i, j = n+1, i+1, j+1
		}
	}
	return n
}
