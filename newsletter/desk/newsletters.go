package desk

import (
	"context"
	"net/http"
	"net/url"

	"apta/newsletter"
	"apta/newsletter/schedule"
	"apta/subscribers"
)

// Newsletter is one of those whose issues are made at the desk.
type Newsletter struct {
	newsletter.Masthead
	Readers  *subscribers.Store
	Flow     *schedule.Flow
	Start    func(context.Context, newsletter.Issue) error // begins the send of an approved issue
	Style    StyleFile                                     // the words of assembly; nil where those that are shipped are used
	Relays   []Relay
	Settings func() []Setting
}

// A StyleFile is where the words of assembly are.
type StyleFile interface {
	// Read gives the file's name and its text.
	Read() (name, text string, err error)
	// Save stores a text that is one, or says what is wrong with it and where.
	Save(text string) error
}

// Relay is a server that takes the mails.
type Relay struct {
	Name, Address string
	Test          func(context.Context) error // opens a connection and closes it
}

// Setting is one key of the configuration. Secrets come without what they are.
type Setting struct {
	Key, Value string
	From       string // a file and line, or a variable; empty where nobody set it
}

// chosen gives the newsletter that a request's "in" names, else the main one.
func (d *Desk) chosen(r *http.Request) Newsletter {
	in := r.URL.Query().Get("in")
	for _, n := range d.Newsletters {
		if n.Slug == in {
			return n
		}
	}
	return d.Newsletters[0]
}

// newsletter gives the newsletter of a slug.
func (d *Desk) newsletter(slug string) Newsletter {
	for _, n := range d.Newsletters {
		if n.Slug == slug {
			return n
		}
	}
	return Newsletter{}
}

// Choosing is what a page of one newsletter shows besides: which one it is, and
// the same page of the others.
type Choosing struct {
	In     string // the newsletter's slug
	Others []Place
}

func (d *Desk) choosing(r *http.Request, n Newsletter) Choosing {
	c := Choosing{In: n.Slug}
	if len(d.Newsletters) < 2 {
		return c
	}
	for _, other := range d.Newsletters {
		c.Others = append(c.Others, Place{Path: r.URL.Path + "?in=" + url.QueryEscape(other.Slug), Name: other.Name, Here: other.Slug == n.Slug})
	}
	return c
}
