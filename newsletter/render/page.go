package render

import (
	"cmp"
	"html/template"
	"strconv"
	"strings"

	"apta/newsletter"
	"apta/templates"
)

// Frame is what the templates of every mail see. What is here and in Page and
// Note is what docs/templates.md promises: plain values, without methods.
type Frame struct {
	Language, Direction string            // of the mail: a BCP 47 tag, and ltr or rtl
	Start, End          string            // left and right, or the other way round
	Words               map[string]string // the words around the text, in its language
	Look                Look
	Title, Preheader    string
	Name                string // of the newsletter
	Newsroom, Postal    string
	Dates               string // the days that an issue covers
	Reason              string // why the reader has this mail
	Unsubscribe         string // reader slots; empty in a letter
	Preferences         string
}

// Look is colours and fonts as CSS writes them, and the pictures of the plate.
type Look struct {
	Light, Dark    Colours
	Serif, Sans    template.CSS
	Logo, LogoDark *Picture
	Footer         string
}

// Colours are those of one scheme.
type Colours struct{ Paper, Ink, Quiet, Accent, Line template.CSS }

// Picture is a picture as an img element wants it.
type Picture struct {
	Source        template.URL
	Width, Height int // px
	Alt           string
}

// Page is what issue.html and issue.txt see.
type Page struct {
	Frame
	Subject    string
	ViewURL    string // of the issue's public page
	Standfirst string
	Topics     []string // the themes of the paragraphs, each once
	Contents   []Entry  // where the issue is long
	Paragraphs []Paragraph
	Rest       string // the public page, where more of the issue stands than fits
	Latest     []Story
}

// Entry is a line of the contents: the first paragraph of a theme.
type Entry struct{ ID, Topic, Title string }

// Paragraph is a strand.
type Paragraph struct {
	ID      string // names its place in the HTML
	HTML    template.HTML
	Text    string // with numbers or addresses behind the words that are links
	Links   []Link // the numbered ones
	Picture *Picture
	More    string // where the rest of it stands, where it is not whole
}

// longIssue is the number of paragraphs from which an issue has a contents list.
const longIssue = 6

// page is the issue as the templates see it, within the bounds of f.
func (r *Renderer) page(issue newsletter.Issue, m newsletter.Masthead, f fit) Page {
	words, tag := templates.In(r.words, issue.Language), cmp.Or(issue.Language, m.Language)
	set := func(s string) string { return Typeset(OneLine(s), tag) }
	p := Page{
		Frame:      frame(words, or(tag, words["tag"]), m),
		Subject:    set(or(issue.Subject, issue.Title)),
		ViewURL:    WebURL(m.IssueURL(issue)),
		Standfirst: set(issue.Standfirst),
		Latest:     Latest(issue),
	}
	p.Title, p.Preheader, p.Dates = set(issue.Title), set(or(issue.Preheader, issue.Standfirst)), Dates(words, issue, m.Zone)
	p.Reason = OneLine(or(m.Reason, words.Fill("reason", "name", m.Name)))
	p.Unsubscribe, p.Preferences = newsletter.SlotUnsubscribe.Marker(), newsletter.SlotPreferences.Marker()
	for i := range p.Latest {
		p.Latest[i].Title = Typeset(p.Latest[i].Title, tag)
	}
	if f.latest < len(p.Latest) {
		p.Latest, p.Rest = p.Latest[:f.latest], p.ViewURL
	}
	strands := issue.Strands
	if f.strands < len(strands) {
		strands, p.Rest = strands[:f.strands], p.ViewURL
	}
	texter := linkTexter{style: m.Look.Filled().Links, numbers: map[string]int{}}
	for i, s := range strands {
		p.Paragraphs = append(p.Paragraphs, r.paragraph(i, s, tag, &texter, f, p.ViewURL))
		if pic := picture(s, m); pic != nil {
			p.Paragraphs[i].Picture = pic
		}
	}
	p.Topics = topics(strands)
	if len(strands) >= longIssue {
		p.Contents = contents(strands, set)
	}
	return p
}

func (r *Renderer) paragraph(i int, s newsletter.Strand, tag string, texter *linkTexter, f fit, view string) Paragraph {
	p := Paragraph{ID: placeOf(i)}
	runs, cut := f.shorten(r.prose.set(s, tag))
	if cut {
		p.More = view
	}
	p.HTML = r.prose.html(runs)
	p.Text, p.Links = texter.write(runs)
	return p
}

// placeOf names the place of a strand in a mail.
func placeOf(i int) string { return "p" + strconv.Itoa(i+1) }

// frame is what is around every mail.
func frame(words templates.Words, tag string, m newsletter.Masthead) Frame {
	f := Frame{Language: tag, Direction: templates.Direction(tag), Start: "left", End: "right", Words: words, Look: look(m, tag),
		Name: OneLine(m.Name), Newsroom: OneLine(m.Newsroom), Postal: OneLine(m.Postal)}
	if f.Direction == "rtl" {
		f.Start, f.End = f.End, f.Start
	}
	return f
}

// The fonts as shipped: those that a system has. Georgia is the better face, but
// has no letters for Kazakh and its neighbours.
const (
	shippedSans    = "'Helvetica Neue', 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif"
	shippedSerif   = "'PT Serif', Cambria, 'Noto Serif', 'Times New Roman', serif"
	shippedGeorgia = "Georgia, " + shippedSerif
)

func look(m newsletter.Masthead, tag string) Look {
	l := m.Look.Filled()
	colours := func(p newsletter.Palette) Colours {
		css := func(c newsletter.Colour) template.CSS { return template.CSS(c.String()) }
		return Colours{css(p.Paper), css(p.Ink), css(p.Quiet), css(p.Accent), css(p.Line)}
	}
	serif := shippedSerif
	if base := baseOf(tag); base == "en" || base == "ru" {
		serif = shippedGeorgia
	}
	return Look{Light: colours(l.Light), Dark: colours(l.Dark), Serif: template.CSS(or(l.Serif, serif)), Sans: template.CSS(or(l.Sans, shippedSans)),
		Logo: shown(l.Logo, m), LogoDark: shown(l.LogoDark, m), Footer: OneLine(l.Footer)}
}

// shown is a picture where the mail's reader finds it, nil where there is none.
func shown(p newsletter.Picture, m newsletter.Masthead) *Picture {
	if p.Name == "" {
		return nil
	}
	source := m.BaseURL + newsletter.PicturePath + p.Name
	if m.Look.Images == newsletter.ImagesInline {
		source = "cid:" + p.ContentID()
	}
	return &Picture{Source: template.URL(source), Width: p.Width, Height: p.Height, Alt: OneLine(p.Alt)}
}

// picture is that of a strand: the first that one of its pieces has.
func picture(s newsletter.Strand, m newsletter.Masthead) *Picture {
	if m.Look.Images == newsletter.ImagesNone {
		return nil
	}
	for _, piece := range s.Items {
		if piece.Picture != nil {
			p := *piece.Picture
			p.Alt = or(p.Alt, piece.Title)
			return shown(p, m)
		}
	}
	return nil
}

// topics are the themes of strands, each once, in their order.
func topics(strands []newsletter.Strand) []string {
	var list []string
	seen := map[string]bool{"": true}
	for _, s := range strands {
		if t := OneLine(s.Theme); !seen[t] {
			seen[t] = true
			list = append(list, t)
		}
	}
	return list
}

// contents has a line for each theme, and for each strand without one.
func contents(strands []newsletter.Strand, set func(string) string) []Entry {
	var list []Entry
	seen := map[string]bool{}
	for i, s := range strands {
		topic := OneLine(s.Theme)
		if len(s.Items) == 0 || seen[topic] {
			continue
		}
		seen[topic] = topic != ""
		list = append(list, Entry{placeOf(i), topic, set(s.Items[0].Title)})
	}
	return list
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
