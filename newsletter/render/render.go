// Package render makes an issue into a mail: its subject and its two bodies,
// HTML and plain text, each from a template of its own over the same issue,
// with markers where reader slots go. It is pure: the same issue and masthead
// give the same bytes.
package render

import (
	"fmt"
	"html/template"
	"strings"
	texttemplate "text/template"

	"apta/newsletter"
	"apta/templates"
)

// Renderer makes mails. It is safe for concurrent use.
type Renderer struct {
	html   *template.Template
	text   *texttemplate.Template
	words  map[string]templates.Words
	prose  prose
	finish finisher
}

// New reads the embedded templates and words; it fails only where one of them is wrong.
func New() (*Renderer, error) {
	html, text, err := templates.Email()
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	words, err := templates.Locales()
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	return &Renderer{html: html, text: text, words: words, prose: newProse(), finish: newFinisher()}, nil
}

// Mail renders an issue. Where readers' own links go, the markers of
// newsletter.Slots stand, behind everything that is the same for all.
func (r *Renderer) Mail(issue newsletter.Issue, m newsletter.Masthead) (newsletter.Mail, error) {
	l := r.letter(issue, m)
	var page, text strings.Builder
	if err := r.html.ExecuteTemplate(&page, "issue.html", l); err != nil {
		return newsletter.Mail{}, fmt.Errorf("render: HTML of %s: %w", issue.Week, err)
	}
	html, err := r.finish.html(page.String())
	if err != nil {
		return newsletter.Mail{}, fmt.Errorf("render: HTML of %s: %w", issue.Week, err)
	}
	if err := r.text.ExecuteTemplate(&text, "issue.txt", l); err != nil {
		return newsletter.Mail{}, fmt.Errorf("render: text of %s: %w", issue.Week, err)
	}
	return newsletter.Mail{Subject: l.Subject, Preheader: l.Preheader, Language: l.Language, HTML: html, Text: text.String()}, nil
}

// Paragraphs gives each strand in HTML, its pieces linked to their stories. The
// words are those of Strand.Text, the only elements a, em, strong and code.
func (r *Renderer) Paragraphs(issue newsletter.Issue) ([]template.HTML, error) {
	list := make([]template.HTML, len(issue.Strands))
	for i, s := range issue.Strands {
		list[i] = r.prose.paragraph(s)
	}
	return list, nil
}

// letter is what the mail's templates see.
type letter struct {
	Language, Direction string // of the issue
	Words               templates.Words
	Masthead            newsletter.Masthead
	Subject, Preheader  string
	ViewURL, Dates      string
	Title, Standfirst   string
	Paragraphs          []paragraph
	Latest              []Story
	Reason              string

	Unsubscribe, Preferences string
}

type paragraph struct {
	HTML    template.HTML
	Text    string
	Stories []Story // of its pieces, each once
}

func (r *Renderer) letter(issue newsletter.Issue, m newsletter.Masthead) letter {
	words := templates.In(r.words, issue.Language)
	l := letter{
		Language:    or(issue.Language, m.Language, words["tag"]),
		Words:       words,
		Masthead:    m,
		Subject:     OneLine(or(issue.Subject, issue.Title)),
		Preheader:   OneLine(or(issue.Preheader, issue.Standfirst)),
		ViewURL:     WebURL(m.IssueURL(issue)),
		Dates:       Dates(words, issue, m.Zone),
		Title:       OneLine(issue.Title),
		Standfirst:  OneLine(issue.Standfirst),
		Latest:      Latest(issue),
		Reason:      OneLine(or(m.Reason, strings.ReplaceAll(words["reason"], "{name}", m.Name))),
		Unsubscribe: newsletter.SlotUnsubscribe.Marker(),
		Preferences: newsletter.SlotPreferences.Marker(),
	}
	l.Direction = templates.Direction(l.Language)
	l.Masthead.Newsroom, l.Masthead.Postal = OneLine(m.Newsroom), OneLine(m.Postal)
	for _, s := range issue.Strands {
		l.Paragraphs = append(l.Paragraphs, paragraph{HTML: r.prose.paragraph(s), Text: OneLine(s.Text), Stories: stories(s)})
	}
	return l
}

// or is the first of its words that says something.
func or(words ...string) string {
	for _, w := range words {
		if strings.TrimSpace(w) != "" {
			return w
		}
	}
	return ""
}
