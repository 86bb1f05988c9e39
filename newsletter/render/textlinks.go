package render

import (
	"strconv"
	"strings"

	"apta/newsletter"
)

// Link is an address under a paragraph of the text part.
type Link struct {
	Number int
	URL    string
}

// linkTexter writes paragraphs of the text part, whose links it numbers through
// the whole mail. An address that comes again has its number again.
type linkTexter struct {
	style   newsletter.Links
	numbers map[string]int
}

// write gives the words with where their links lead, and the addresses that
// stand under the paragraph.
func (t *linkTexter) write(runs []run) (string, []Link) {
	var b strings.Builder
	var list []Link
	for i, r := range runs {
		b.WriteString(r.text)
		if r.href == "" || i+1 < len(runs) && runs[i+1].href == r.href {
			continue
		}
		if t.style == newsletter.LinksInline {
			b.WriteString(" <" + r.href + ">") // RFC 3986, appendix C
			continue
		}
		n, known := t.numbers[r.href]
		if !known {
			n = len(t.numbers) + 1
			t.numbers[r.href] = n
			list = append(list, Link{n, r.href})
		}
		b.WriteString(" [" + strconv.Itoa(n) + "]")
	}
	return b.String(), list
}
