package render

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"apta/newsletter"
	"apta/subscribers"
)

// SampleIssue is an issue with something of everything, to try templates with:
// long enough for a contents list, with Markdown, pictures and a headline.
func SampleIssue(language string) newsletter.Issue {
	i := newsletter.Issue{Week: "2026-W01", Language: language, From: time.Date(2025, 12, 29, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC),
		Title: "A title", Standfirst: "What the week brought.", Subject: "A subject", Preheader: "A preheader that fills the line behind the subject."}
	for n := range longIssue {
		text := fmt.Sprintf("The paragraph number %d has a *word* in it, and a link of its own.", n+1)
		i.Strands = append(i.Strands, newsletter.Strand{Name: "s", Theme: fmt.Sprintf("Theme %d", n/2), Text: newsletter.PlainText(text), Items: []newsletter.Piece{
			{Title: fmt.Sprintf("Story %d", n+1), URL: fmt.Sprintf("https://news.example/story-%d", n+1), Text: text, Anchor: "a link"}}})
	}
	i.Strands[0].Items[0].Picture = &newsletter.Picture{Name: "sample.jpg", Width: 600, Height: 300, Alt: "A picture"}
	i.Latest = []newsletter.Headline{{Title: "A headline", URL: "https://news.example/headline"}}
	return i
}

// SampleMasthead goes with SampleIssue.
func SampleMasthead() newsletter.Masthead {
	return newsletter.Masthead{Slug: "weekly", Name: "The Week", Newsroom: "The newsroom", Postal: "1 High Street", BaseURL: "https://news.example", Language: "en", Zone: time.UTC}
}

// try makes a sample of each mail and holds it to what no mail may lack.
func (r *Renderer) try() error {
	m := SampleMasthead()
	issue := SampleIssue(m.Language)
	mail, err := r.Mail(issue, m)
	if err != nil {
		return err
	}
	var problems []error
	for part, body := range map[string]string{"issue.html": mail.HTML, "issue.txt": mail.Text} {
		for _, want := range []struct{ what, words string }{
			{"the unsubscribe link ({{.Unsubscribe}}), which the law wants", newsletter.SlotUnsubscribe.Marker()},
			{"the postal address ({{.Postal}}), which the law wants", m.Postal},
			{"the title ({{.Title}})", issue.Title}, {"the headlines ({{range .Latest}})", issue.Latest[0].Title},
			{"the paragraphs ({{range .Paragraphs}})", "The paragraph number 6"},
		} {
			if !strings.Contains(body, want.words) {
				problems = append(problems, fmt.Errorf("%s: %s is missing", part, want.what))
			}
		}
	}
	letter, err := r.Letter(subscribers.Letter{Kind: subscribers.LetterConfirm, Token: "TOKEN", Language: m.Language}, m)
	if err != nil {
		return err
	}
	for part, body := range map[string]string{"letter.html": letter.HTML, "letter.txt": letter.Text} {
		if !strings.Contains(body, "/c/TOKEN") {
			problems = append(problems, fmt.Errorf("%s: the link ({{.Link}}) is missing", part))
		}
	}
	return errors.Join(problems...)
}
