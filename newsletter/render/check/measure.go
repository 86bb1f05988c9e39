package check

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"

	"apta/newsletter"
	"apta/newsletter/render"
)

// Sizes are a mail's, in bytes.
type Sizes struct {
	HTML    int     `json:"html"` // as Gmail counts: decoded
	Text    int     `json:"text"`
	Limit   int     `json:"limit"` // of the HTML
	Strands []Share `json:"strands"`
}

// Share is what a paragraph of the HTML takes.
type Share struct {
	ID      string  `json:"id"` // its place in the mail, p1 for the first
	Bytes   int     `json:"bytes"`
	Percent float64 `json:"percent"` // of the HTML
}

var place = regexp.MustCompile(`^p[0-9]+$`)

// Measure gives the sizes of a mail.
func Measure(m newsletter.Mail) Sizes {
	s := Sizes{HTML: len(m.HTML), Text: len(m.Text), Limit: render.MaxHTML}
	z := html.NewTokenizer(strings.NewReader(m.HTML))
	inside := false
	for z.Next() != html.ErrorToken {
		raw := len(z.Raw())
		t := z.Token()
		if t.Type == html.StartTagToken && t.Data == "a" {
			for _, a := range t.Attr {
				if !inside && a.Key == "name" && place.MatchString(a.Val) {
					inside = true
					s.Strands = append(s.Strands, Share{ID: a.Val})
				}
			}
		}
		if inside {
			last := &s.Strands[len(s.Strands)-1]
			last.Bytes += raw
			last.Percent = float64(last.Bytes) * 100 / float64(s.HTML)
		}
		if t.Type == html.EndTagToken && t.Data == "p" {
			inside = false
		}
	}
	return s
}

// largest is the share of a mail from which a paragraph is worth a look.
const largest = 30

func sizes(m newsletter.Mail) []Finding {
	s := Measure(m)
	var list []Finding
	switch {
	case s.HTML >= s.Limit:
		list = append(list, Finding{Level: Error, Kind: "size", What: "HTML", Text: fmt.Sprintf("The HTML has %d bytes; Gmail cuts a mail off at %d.", s.HTML, s.Limit)})
	case s.HTML >= s.Limit*8/10:
		list = append(list, Finding{Level: Warning, Kind: "size", What: "HTML", Text: fmt.Sprintf("The HTML has %d bytes; at %d what is left over is moved to the public page.", s.HTML, s.Limit)})
	}
	for i, p := range s.Strands {
		if len(s.Strands) > 3 && p.Percent >= largest {
			list = append(list, Finding{Level: Warning, Kind: "size", What: fmt.Sprintf("paragraph %d", i+1), Text: fmt.Sprintf("Paragraph %d takes %.0f %% of the mail.", i+1, p.Percent)})
		}
	}
	if strings.TrimSpace(m.Text) == "" {
		list = append(list, Finding{Level: Error, Kind: "structure", What: "text part", Text: "There is no text part."})
	}
	for _, p := range m.Inline {
		if len(p.Body) > 300<<10 {
			list = append(list, Finding{Level: Warning, Kind: "size", What: p.Name, Text: fmt.Sprintf("The picture %s has %d KB, and every reader is sent them.", p.Name, len(p.Body)>>10)})
		}
	}
	return list
}

// What inboxes show of a subject and of a preheader, in letters.
const (
	subjectLine    = 60
	subjectMost    = 120
	preheaderLeast = 30
	preheaderLine  = 140
)

func headers(m newsletter.Mail) []Finding {
	var list []Finding
	switch n := utf8.RuneCountInString(m.Subject); {
	case n == 0:
		list = append(list, Finding{Level: Error, Kind: "subject", What: "subject", Text: "There is no subject."})
	case n > subjectMost:
		list = append(list, Finding{Level: Warning, Kind: "subject", What: "subject", Text: fmt.Sprintf("The subject has %d letters: hardly an inbox shows more than %d.", n, subjectMost)})
	case n > subjectLine:
		list = append(list, Finding{Level: Note, Kind: "subject", What: "subject", Text: fmt.Sprintf("The subject has %d letters: telephones show about %d.", n, subjectLine)})
	}
	switch n := utf8.RuneCountInString(m.Preheader); {
	case n < preheaderLeast:
		list = append(list, Finding{Level: Warning, Kind: "preheader", What: "preheader", Text: fmt.Sprintf("The preheader has %d letters: the line behind the subject stays nearly empty.", n)})
	case n > preheaderLine:
		list = append(list, Finding{Level: Note, Kind: "preheader", What: "preheader", Text: fmt.Sprintf("The preheader has %d letters: inboxes show at most about %d.", n, preheaderLine)})
	}
	if m.Preheader != "" && m.Preheader == m.Subject {
		list = append(list, Finding{Level: Warning, Kind: "preheader", What: "preheader", Text: "The preheader says the same as the subject."})
	}
	return list
}
