package feeds

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"apta/newsletter/intake"
)

// Outline is one feed of an OPML file.
type Outline struct {
	Title string
	URL   string
	Theme string // the outlines it stands under, the innermost
}

// maxOPML bounds an OPML file, in bytes.
const maxOPML = 10 << 20

// ReadOPML reads the feeds of an OPML file. Outlines without a feed are taken for
// themes, as readers of feeds use them for folders. What has an address that is none
// is given to bad, and the rest is read.
func ReadOPML(r io.Reader, bad func(error)) ([]Outline, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxOPML+1))
	if err != nil {
		return nil, fmt.Errorf("feeds: read OPML: %w", err)
	}
	if len(body) > maxOPML {
		return nil, fmt.Errorf("feeds: read OPML: the file is larger than %d bytes", maxOPML)
	}
	o := opml{dec: xml.NewDecoder(bytes.NewReader(toUTF8(body, ""))), bad: bad}
	o.dec.Strict, o.dec.Entity = false, xml.HTMLEntity
	if err := o.read(); err != nil {
		line, _ := o.dec.InputPos()
		return o.found, fmt.Errorf("feeds: read OPML: line %d: %w", line, err)
	}
	if !o.is {
		return nil, errors.New("feeds: read OPML: the file is no OPML")
	}
	return o.found, nil
}

type opml struct {
	dec   *xml.Decoder
	bad   func(error)
	is    bool
	found []Outline
	under []string // the names of the open outlines; empty for feeds
}

func (o *opml) read() error {
	for {
		token, err := o.dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			o.is = o.is || strings.EqualFold(t.Name.Local, "opml")
			if strings.EqualFold(t.Name.Local, "outline") {
				if len(o.under) >= maxDepth {
					return errNested
				}
				o.outline(t)
			}
		case xml.EndElement:
			if strings.EqualFold(t.Name.Local, "outline") && len(o.under) > 0 {
				o.under = o.under[:len(o.under)-1]
			}
		case xml.Directive:
			if bytes.Contains(bytes.ToUpper(t), []byte("ENTITY")) {
				return errEntities
			}
		}
	}
}

func (o *opml) outline(t xml.StartElement) {
	attr := map[string]string{}
	for _, a := range t.Attr {
		attr[strings.ToLower(a.Name.Local)] = strings.Join(strings.Fields(a.Value), " ")
	}
	name := or(attr["title"], attr["text"])
	if attr["xmlurl"] == "" {
		o.under = append(o.under, name)
		return
	}
	theme := ""
	for _, u := range o.under {
		theme = or(u, theme)
	}
	o.under = append(o.under, "")
	address, err := intake.CheckURL(attr["xmlurl"])
	if err != nil {
		line, _ := o.dec.InputPos()
		o.bad(fmt.Errorf("line %d: %w", line, err))
		return
	}
	o.found = append(o.found, Outline{Title: name, URL: address, Theme: theme})
}

// WriteOPML writes feeds as OPML 2.0, those of one theme in one folder.
func WriteOPML(w io.Writer, title string, list []Feed) error {
	type outline struct {
		Text     string     `xml:"text,attr"`
		Title    string     `xml:"title,attr,omitempty"`
		Type     string     `xml:"type,attr,omitempty"`
		URL      string     `xml:"xmlUrl,attr,omitempty"`
		Language string     `xml:"language,attr,omitempty"`
		Inner    []*outline `xml:"outline"`
	}
	var body struct {
		XMLName xml.Name   `xml:"opml"`
		Version string     `xml:"version,attr"`
		Title   string     `xml:"head>title"`
		Top     []*outline `xml:"body>outline"`
	}
	body.Version, body.Title = "2.0", title
	folders := map[string]*outline{}
	for _, f := range list {
		name := or(f.Source, or(f.Title, f.URL))
		one := &outline{Text: name, Title: name, Type: "rss", URL: f.URL, Language: f.Language}
		switch folder := folders[f.Theme]; {
		case f.Theme == "":
			body.Top = append(body.Top, one)
		case folder == nil:
			folders[f.Theme] = &outline{Text: f.Theme, Inner: []*outline{one}}
			body.Top = append(body.Top, folders[f.Theme])
		default:
			folder.Inner = append(folder.Inner, one)
		}
	}
	text, err := xml.MarshalIndent(body, "", "  ")
	if err != nil {
		return fmt.Errorf("feeds: write OPML: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}
