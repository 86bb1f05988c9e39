// Package render makes an issue into a mail: its subject and its two bodies,
// HTML and plain text, each from a template of its own over the same issue,
// with markers where reader slots go. It is pure: the same issue and masthead
// give the same bytes.
package render

import (
	"fmt"
	"html/template"
	"log/slog"

	"apta/newsletter"
	"apta/newsletter/render/layout"
	"apta/templates"
)

// Renderer makes mails. It is safe for concurrent use.
type Renderer struct {
	shipped *layout.Set
	folders *folders
	words   map[string]templates.Words
	prose   prose
	finish  finisher
}

// New reads the embedded templates and words; it fails only where one of them is wrong.
func New() (*Renderer, error) {
	set, err := layout.Load(nil, templates.Email())
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	words, err := templates.Locales()
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	return &Renderer{shipped: set, folders: &folders{read: map[string]*folder{}, log: slog.New(slog.DiscardHandler)}, words: words, prose: newProse(), finish: newFinisher()}, nil
}

// Mail renders an issue. Where readers' own links go, the markers of
// newsletter.Slots stand, behind everything that is the same for all. What of a
// very long issue has no room within MaxHTML is left to its public page.
func (r *Renderer) Mail(issue newsletter.Issue, m newsletter.Masthead) (newsletter.Mail, error) {
	set, err := r.setOf(m)
	if err != nil {
		return newsletter.Mail{}, fmt.Errorf("render: %w", err)
	}
	page := r.page(issue, m, whole)
	parts, room := weigh(page), MaxHTML-slotRoom-pageFrame
	for range 6 {
		if f := within(room, parts); f != whole {
			page = r.page(issue, m, f)
		}
		mail, err := r.bodies(set, "issue", page)
		if err != nil {
			return mail, fmt.Errorf("render: %s: %w", issue.Week, err)
		}
		tooLarge := over(mail)
		if tooLarge <= 0 {
			mail.Subject, mail.Preheader, mail.Language = page.Subject, page.Preheader, page.Language
			mail.Inline = inline(page)
			return mail, nil
		}
		room -= tooLarge + room/50
	}
	return newsletter.Mail{}, fmt.Errorf("render: %s: the mail is larger than %d bytes and does not become smaller with less text in it: its title, standfirst or template is too long", issue.Week, MaxHTML)
}

// bodies fills in the two templates of a mail.
func (r *Renderer) bodies(set *layout.Set, name string, data any) (newsletter.Mail, error) {
	page, err := set.HTML(name+".html", data)
	if err != nil {
		return newsletter.Mail{}, err
	}
	html, err := r.finish.html(page)
	if err != nil {
		return newsletter.Mail{}, fmt.Errorf("HTML: %w", err)
	}
	text, err := set.Text(name+".txt", data)
	if err != nil {
		return newsletter.Mail{}, err
	}
	return newsletter.Mail{HTML: html, Text: oneBlank(text)}, nil
}

// Paragraphs gives each strand in HTML, its pieces linked to their stories. The
// words are those of Strand.Text, the only elements a, em, strong and code.
func (r *Renderer) Paragraphs(issue newsletter.Issue) ([]template.HTML, error) {
	list := make([]template.HTML, len(issue.Strands))
	for i, s := range issue.Strands {
		list[i] = r.prose.html(r.prose.set(s, issue.Language))
	}
	return list, nil
}
