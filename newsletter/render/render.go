// Package render makes an issue into a mail: its subject and its two bodies,
// HTML and plain text, each from a template of its own over the same issue.
package render

import (
	"bytes"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	texttemplate "text/template"
	"time"

	"apta/newsletter"
	"apta/templates"

	"github.com/microcosm-cc/bluemonday"
	"github.com/tdewolff/minify/v2"
	minhtml "github.com/tdewolff/minify/v2/html"
	"github.com/vanng822/go-premailer/premailer"
	"github.com/yuin/goldmark"
)

// Renderer makes mails. It is safe for concurrent use.
type Renderer struct {
	html     *template.Template
	text     *texttemplate.Template
	words    map[string]templates.Words
	markdown goldmark.Markdown
	policy   *bluemonday.Policy
	minifier *minify.M
}

// New reads the templates.
func New() (*Renderer, error) {
	html, text, err := templates.Email()
	if err != nil {
		return nil, err
	}
	words, err := templates.Locales()
	if err != nil {
		return nil, err
	}
	// Inline marks only: a paragraph is a paragraph, whatever an item says.
	policy := bluemonday.NewPolicy()
	policy.AllowElements("em", "strong", "code")
	policy.AllowAttrs("href").OnElements("a")
	policy.AllowURLSchemes("http", "https")
	policy.RequireParseableURLs(true)
	m := minify.New()
	m.Add("text/html", &minhtml.Minifier{KeepDocumentTags: true, KeepEndTags: true, KeepQuotes: true, KeepDefaultAttrVals: true, KeepSpecialComments: true})
	return &Renderer{html: html, text: text, words: words, markdown: goldmark.New(), policy: policy, minifier: m}, nil
}

// page is what the templates see.
type page struct {
	Issue       newsletter.Issue
	Masthead    newsletter.Masthead
	Words       templates.Words
	Dates       string
	IssueURL    string
	ArchiveURL  string
	Paragraphs  []template.HTML
	Unsubscribe template.URL
	Preferences template.URL
	Filler      string
}

// filler keeps a client from showing the body's first words behind the
// preheader: invisible characters that it takes for more of it.
var filler = strings.Repeat("\u034f\u00a0", 60)

// Mail renders an issue. Where readers' own links go, the markers of
// newsletter.Slots stand.
func (r *Renderer) Mail(issue newsletter.Issue, m newsletter.Masthead) (newsletter.Mail, error) {
	words := templates.In(r.words, issue.Language)
	p := page{
		Issue: issue, Masthead: m, Words: words, Dates: Dates(words, issue, m.Zone), IssueURL: m.IssueURL(issue), ArchiveURL: m.BaseURL + "/",
		Unsubscribe: template.URL(newsletter.SlotUnsubscribe.Marker()), Preferences: template.URL(newsletter.SlotPreferences.Marker()), Filler: filler,
	}
	var err error
	if p.Paragraphs, err = r.Paragraphs(issue); err != nil {
		return newsletter.Mail{}, err
	}
	html, err := r.htmlBody(p)
	if err != nil {
		return newsletter.Mail{}, fmt.Errorf("render: html: %w", err)
	}
	var text strings.Builder
	if err := r.text.ExecuteTemplate(&text, "issue.txt", p); err != nil {
		return newsletter.Mail{}, fmt.Errorf("render: text: %w", err)
	}
	return newsletter.Mail{Subject: issue.Subject, Preheader: issue.Preheader, Language: issue.Language, HTML: html, Text: text.String()}, nil
}

func (r *Renderer) htmlBody(p page) (string, error) {
	var b bytes.Buffer
	if err := r.html.ExecuteTemplate(&b, "issue.html", p); err != nil {
		return "", err
	}
	options := premailer.NewOptions()
	options.RemoveClasses = false // the media queries name them
	inliner, err := premailer.NewPremailerFromBytes(b.Bytes(), options)
	if err != nil {
		return "", err
	}
	inlined, err := inliner.Transform()
	if err != nil {
		return "", err
	}
	return r.minifier.String("text/html", inlined)
}

// Paragraphs gives the HTML of each strand, its pieces linked to their items.
func (r *Renderer) Paragraphs(issue newsletter.Issue) ([]template.HTML, error) {
	list := make([]template.HTML, 0, len(issue.Strands))
	for _, s := range issue.Strands {
		var pieces []string
		for _, p := range s.Items {
			var b bytes.Buffer
			if err := r.markdown.Convert([]byte(linked(p)), &b); err != nil {
				return nil, fmt.Errorf("render: %s: %w", p.URL, err)
			}
			pieces = append(pieces, strings.TrimSpace(r.policy.Sanitize(b.String())))
		}
		list = append(list, template.HTML(strings.Join(pieces, " ")))
	}
	return list, nil
}

// linked is a piece's Markdown with its anchor made a link. A summary with links
// of its own keeps those.
func linked(p newsletter.Piece) string {
	destination := "](<" + strings.NewReplacer("<", "%3C", ">", "%3E", `\`, "%5C").Replace(p.URL) + ">)"
	switch {
	case strings.Contains(p.Text, "]("):
		return p.Text
	case p.Anchor != "" && strings.Contains(p.Text, p.Anchor):
		return strings.Replace(p.Text, p.Anchor, "["+p.Anchor+destination, 1)
	}
	return "[" + p.Text + destination
}

// Dates writes an issue's days in its language: the first and the last that its
// window holds.
func Dates(w templates.Words, i newsletter.Issue, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	from, to := i.From.In(zone), i.To.In(zone).Add(-time.Nanosecond)
	months := strings.Fields(w["months"])
	month := func(t time.Time) string {
		if n := int(t.Month()) - 1; n < len(months) {
			return months[n]
		}
		return t.Month().String()
	}
	pattern := w["range"]
	switch {
	case from.Format(time.DateOnly) == to.Format(time.DateOnly):
		pattern = strings.NewReplacer("{d}", "{d2}", "{m}", "{m2}", "{y}", "{y2}").Replace(w["date"])
	case from.Month() == to.Month() && from.Year() == to.Year():
		pattern = w["range_month"]
	}
	return strings.NewReplacer("{d1}", strconv.Itoa(from.Day()), "{m1}", month(from), "{d2}", strconv.Itoa(to.Day()), "{m2}", month(to), "{y2}", strconv.Itoa(to.Year())).Replace(pattern)
}
