package render

import (
	"github.com/tdewolff/minify/v2"
	minhtml "github.com/tdewolff/minify/v2/html"
	"github.com/vanng822/go-premailer/premailer"
)

// finisher turns a template's HTML into what mail programs understand.
type finisher struct{ minifier *minify.M }

func newFinisher() finisher {
	m := minify.New()
	m.Add("text/html", &minhtml.Minifier{
		KeepSpecialComments: true, // Outlook's conditional ones
		KeepDefaultAttrVals: true,
		KeepDocumentTags:    true,
		KeepEndTags:         true,
		KeepQuotes:          true,
	})
	return finisher{m}
}

// html writes the style sheet into style attributes, for mail programs that
// drop the head, and takes superfluous white space out.
func (f finisher) html(page string) (string, error) {
	p, err := premailer.NewPremailerFromString(page, premailer.NewOptions(premailer.WithCssToAttributes(false)))
	if err != nil {
		return "", err
	}
	inlined, err := p.Transform()
	if err != nil {
		return "", err
	}
	return f.minifier.String("text/html", inlined)
}
