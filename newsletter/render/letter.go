package render

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"apta/newsletter"
	"apta/subscribers"
	"apta/templates"
)

// letterPaths are where the links of letters lead.
var letterPaths = map[subscribers.Kind]string{
	subscribers.LetterConfirm: "/c/", subscribers.LetterKnown: "/p/", subscribers.LetterLink: "/p/",
	subscribers.LetterChangeOld: "/o/", subscribers.LetterChangeNew: "/n/", subscribers.LetterLeft: "/u/",
}

// note is what the templates of a letter to one reader see.
type note struct {
	Language, Direction string
	Words               templates.Words
	Masthead            newsletter.Masthead
	Title, Preheader    string
	Paragraphs          []string
	Facts               []fact
	Button, Link        string
	Expires, Why        string
}

// fact is one line of a notice's list.
type fact struct{ Label, Text string }

// Letter renders a letter about a subscription, in the reader's language. It has
// no slots: its link is the reader's own.
func (r *Renderer) Letter(l subscribers.Letter, m newsletter.Masthead) (newsletter.Mail, error) {
	path := letterPaths[l.Kind]
	if path == "" {
		return newsletter.Mail{}, fmt.Errorf("render: letter: there is none that says %q", l.Kind)
	}
	words := templates.In(r.words, cmp.Or(l.Language, m.Language))
	say := func(part string) string { return words.Fill("mail_"+string(l.Kind)+"_"+part, "name", OneLine(m.Name)) }
	n := note{Language: words["tag"], Direction: templates.Direction(words["tag"]), Words: words, Masthead: m,
		Title: say("subject"), Paragraphs: []string{say("text")}, Button: say("button"), Link: m.BaseURL + path + l.Token, Why: words.Fill("mail_why", "name", OneLine(m.Name))}
	if n.Button == "" { // who is subscribed already is led to the same page as who lost the link
		n.Button = words["mail_link_button"]
	}
	if !l.Expires.IsZero() {
		n.Expires = words.Fill("mail_expires", "date", words.Date(l.Expires.In(zoneOf(m))))
	}
	return r.note(n)
}

func zoneOf(m newsletter.Masthead) *time.Location {
	if m.Zone == nil {
		return time.UTC
	}
	return m.Zone
}

// note makes both parts of a mail to one person.
func (r *Renderer) note(n note) (newsletter.Mail, error) {
	n.Preheader = n.Paragraphs[0]
	n.Masthead.Newsroom, n.Masthead.Postal = OneLine(n.Masthead.Newsroom), OneLine(n.Masthead.Postal)
	var page, text strings.Builder
	if err := r.html.ExecuteTemplate(&page, "letter.html", n); err != nil {
		return newsletter.Mail{}, fmt.Errorf("render: HTML of a letter: %w", err)
	}
	html, err := r.finish.html(page.String())
	if err != nil {
		return newsletter.Mail{}, fmt.Errorf("render: HTML of a letter: %w", err)
	}
	if err := r.text.ExecuteTemplate(&text, "letter.txt", n); err != nil {
		return newsletter.Mail{}, fmt.Errorf("render: text of a letter: %w", err)
	}
	return newsletter.Mail{Subject: n.Title, Preheader: n.Preheader, Language: n.Language, HTML: html, Text: text.String()}, nil
}
