package transport

import (
	"strings"
	"unicode"

	"golang.org/x/text/language"
	"golang.org/x/text/width"
)

// flowWidth is how many columns a line of flowed text has at most (RFC 3676, 4.2
// recommends 78 with the blank); a line that is as long as fixedWidth stays whole.
const (
	flowWidth  = 72
	fixedWidth = 76
)

// delSp tells whether a text's lines are broken where no blank is: in the
// scripts that have none between words (RFC 3676, 4.1).
func delSp(tag string) bool {
	base, _ := language.Make(tag).Base()
	switch base.String() {
	case "zh", "ja", "th", "lo", "km", "my":
		return true
	}
	return false
}

// flow writes a text, one paragraph a line, as format=flowed (RFC 3676): lines
// that end in a blank go on in the next. An address is never broken.
func flow(text string, delsp bool) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line != "-- " { // the signature's separator, 4.3
			line = strings.TrimRight(line, " ")
		}
		for _, part := range flowLine(line, delsp) {
			// Space-stuffing, 4.4: what a quote, mbox or stuffing itself would change.
			if strings.HasPrefix(part, " ") || strings.HasPrefix(part, ">") || strings.HasPrefix(part, "From ") {
				b.WriteByte(' ')
			}
			b.WriteString(part)
			b.WriteByte('\n')
		}
	}
	if !strings.HasSuffix(text, "\n") {
		return strings.TrimSuffix(b.String(), "\n")
	}
	return b.String()
}

// flowLine breaks a line where it is too long. All parts but the last end in a blank.
func flowLine(line string, delsp bool) []string {
	var parts []string
	for isLonger(line, fixedWidth) {
		at := breakAt(line, delsp)
		if at == 0 {
			break
		}
		part := line[:at]
		if delsp {
			part += " " // the one that is deleted; a blank of the text's own stays before it
		}
		parts, line = append(parts, part), line[at:]
	}
	return append(parts, line)
}

// breakAt is where a line may be broken: behind the last blank within the width,
// else behind the first, else nowhere. With delsp it is also between two letters
// of a script that has no blanks.
func breakAt(line string, delsp bool) int {
	at, column := 0, 0
	var last rune
	for i, c := range line {
		blank := last == ' ' && c != ' ' && strings.TrimSpace(line[:i]) != "" && line[:i] != "-- "
		if blank || delsp && i > 0 && isUnspaced(last) && isUnspaced(c) {
			if column > flowWidth && at > 0 {
				return at
			}
			at = i
		}
		column += columnsOf(c)
		if column > flowWidth && at > 0 {
			return at
		}
		last = c
	}
	return at
}

// isUnspaced tells a letter of a script without blanks between words. Marks and
// punctuation are none: a line does not begin with one.
func isUnspaced(c rune) bool {
	return unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana) && unicode.IsLetter(c)
}

func isLonger(s string, columns int) bool {
	for _, c := range s {
		if columns -= columnsOf(c); columns < 0 {
			return true
		}
	}
	return false
}

// columnsOf is how wide a terminal shows a letter.
func columnsOf(c rune) int {
	if c < 0x300 {
		return 1
	}
	if unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(c).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
