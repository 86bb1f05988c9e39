package render

import (
	"cmp"
	"fmt"
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

// Note is what letter.html and letter.txt see: a mail to one person.
type Note struct {
	Frame
	Paragraphs   []string
	Facts        []Fact
	Button, Link string
	Expires      string // until when the link is good, where it is not for ever
}

// Fact is one line of a notice's list.
type Fact struct{ Label, Text string }

// Letter renders a letter about a subscription, in the reader's language. It has
// no slots: its link is the reader's own.
func (r *Renderer) Letter(l subscribers.Letter, m newsletter.Masthead) (newsletter.Mail, error) {
	path := letterPaths[l.Kind]
	if path == "" {
		return newsletter.Mail{}, fmt.Errorf("render: letter: there is none that says %q", l.Kind)
	}
	words := templates.In(r.words, cmp.Or(l.Language, m.Language))
	say := func(part string) string { return words.Fill("mail_"+string(l.Kind)+"_"+part, "name", OneLine(m.Name)) }
	n := Note{Frame: frame(words, words["tag"], m), Paragraphs: []string{say("text")}, Button: say("button"), Link: m.BaseURL + path + l.Token}
	n.Title, n.Reason = say("subject"), words.Fill("mail_why", "name", OneLine(m.Name))
	if n.Button == "" { // who is subscribed already is led to the same page as who lost the link
		n.Button = words["mail_link_button"]
	}
	if !l.Expires.IsZero() {
		n.Expires = words.Fill("mail_expires", "date", words.Date(l.Expires.In(zoneOf(m))))
	}
	return r.note(n, m)
}

func zoneOf(m newsletter.Masthead) *time.Location {
	if m.Zone == nil {
		return time.UTC
	}
	return m.Zone
}

// note makes both parts of a mail to one person.
func (r *Renderer) note(n Note, m newsletter.Masthead) (newsletter.Mail, error) {
	n.Preheader = n.Paragraphs[0]
	set, err := r.setOf(m)
	if err != nil {
		return newsletter.Mail{}, fmt.Errorf("render: %w", err)
	}
	mail, err := r.bodies(set, "letter", n)
	if err != nil {
		return newsletter.Mail{}, fmt.Errorf("render: a letter: %w", err)
	}
	mail.Subject, mail.Preheader, mail.Language, mail.Inline = n.Title, n.Preheader, n.Language, inlineLook(n.Look)
	return mail, nil
}
