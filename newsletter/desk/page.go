package desk

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"apta/newsletter"
	"apta/templates"

	"golang.org/x/text/language"
)

// Frame is what every page has. The data of each template embeds it.
type Frame struct {
	Title    string // of the page; its heading too
	Newsroom string
	Words    templates.Words
	Editor   Editor // ID 0 where nobody is signed in
	Section  string // the place in the navigation: issues, calendar, feeds, readers, numbers, settings
	Wide     bool   // the page takes the whole width
	Scripts  []string
	Styles   []string // style sheets beside that of every page
	Done     string   // what was done just now

	zone    *time.Location
	now     time.Time
	plurals *templates.Plurals
}

// Frame fills in what every page has. title is a key of the words; where there is
// no such word it is the title itself.
func (d *Desk) Frame(r *http.Request, section, title string) Frame {
	words := d.Words(r)
	f := Frame{Title: title, Newsroom: d.Newsroom, Words: words, Editor: From(r.Context()), Section: section,
		Done: words["done_"+r.URL.Query().Get("done")], zone: time.UTC, now: d.Now(), plurals: d.plurals}
	if word, ok := words[title]; ok {
		f.Title = word
	}
	if len(d.Newsletters) > 0 && d.Newsletters[0].Zone != nil {
		f.zone = d.Newsletters[0].Zone
	}
	return f
}

// In gives the frame with its times in a newsletter's zone.
func (f Frame) In(m newsletter.Masthead) Frame {
	if m.Zone != nil {
		f.zone = m.Zone
	}
	return f
}

// May reports whether the editor's role includes another, for templates.
func (f Frame) May(least string) bool { return f.Editor.ID != 0 && f.Editor.Role.Has(Role(least)) }

// Say gives the words for n things.
func (f Frame) Say(key string, n int) (string, error) { return f.plurals.Say(f.Words["tag"], key, n) }

// Fill gives a word with its places filled in.
func (f Frame) Fill(key string, pairs ...string) string { return f.Words.Fill(key, pairs...) }

// Word gives the word of a key made in the template, or the key's end where there
// is none: what a later version wrote down is shown as it is.
func (f Frame) Word(prefix, key string) string {
	if w, ok := f.Words[prefix+key]; ok {
		return w
	}
	return key
}

// Moment is a time as a page shows it: in the newsletter's zone, and by a script
// in the reader's own where that differs.
type Moment struct {
	Machine string // RFC 3339
	Text    string
	Zone    string // as people there name it
}

// At gives the moment of a time.
func (f Frame) At(t time.Time) Moment {
	in := t.In(f.zone)
	text := in.Format("15:04")
	if y, m, day := in.Date(); in.Year() == f.now.In(f.zone).Year() {
		text = f.Words.Fill("day", "d", strconv.Itoa(day), "m", f.Words.Months()[m-1]) + ", " + text
	} else {
		text = f.Words.Fill("date", "d", strconv.Itoa(day), "m", f.Words.Months()[m-1], "y", strconv.Itoa(y)) + ", " + text
	}
	return Moment{Machine: t.UTC().Format(time.RFC3339), Text: text, Zone: f.zone.String()}
}

// Day is the day of a time.
func (f Frame) Day(t time.Time) string { return f.Words.Date(t.In(f.zone)) }

// Words are those in which an editor reads the desk: what they chose, else the
// first of their browser's languages that we have, else the desk's.
func (d *Desk) Words(r *http.Request) templates.Words {
	if own := From(r.Context()).Language; d.words[own] != nil {
		return d.words[own]
	}
	accepted := r.Header.Get("Accept-Language")
	if accepted != "" && len(accepted) <= 200 {
		wanted, _, _ := language.ParseAcceptLanguage(accepted)
		for _, tag := range wanted { // no matcher: it would give Russian to who wants Ukrainian
			if base, _ := tag.Base(); d.words[base.String()] != nil {
				return d.words[base.String()]
			}
		}
	}
	return templates.In(d.words, d.Language)
}

// Write executes a template whole before it sends a byte, so that an error is
// never half a page. Where htmx asks for a part of a page, the template is the
// part: name it without the .html of a whole one.
func (d *Desk) Write(w http.ResponseWriter, r *http.Request, status int, name string, view any) error {
	var b bytes.Buffer
	if err := d.pages.ExecuteTemplate(&b, name, view); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	page := packed(w, r, &b)
	w.Header().Set("Content-Length", strconv.Itoa(page.Len()))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(page.Bytes())
	}
	return nil
}

// Back goes to a page of the desk after a change and says there what was done:
// the word "done_" and done. Where htmx asked, it is told to go there.
func (d *Desk) Back(w http.ResponseWriter, r *http.Request, page, done string) error {
	if done != "" {
		mark := "?"
		if strings.Contains(page, "?") {
			mark = "&"
		}
		page += mark + "done=" + done
	}
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Redirect", page)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(w, r, page, http.StatusSeeOther)
	return nil
}

// Audit writes down what the editor who asks has done.
func (d *Desk) Audit(r *http.Request, what, subject string) error {
	return d.Editors.Audit(r.Context(), From(r.Context()), what, subject, d.network(r))
}
