// Package layout reads the templates of mails and fills them in. The templates
// may be an operator's, so they are bounded: they see plain data and a few
// functions, none of which leads to files, environment or network, and what they
// take in time, steps and bytes has an end.
package layout

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	texttemplate "text/template"
	"text/template/parse"
)

// Bounds of an operator's files.
const (
	maxFile  = 256 << 10
	maxFiles = 32
)

// Set is the templates of a newsletter's mails. It is safe for concurrent use.
type Set struct {
	html    *template.Template // as parsed, never executed
	text    *texttemplate.Template
	presses sync.Pool // of *press
}

// source is one file of templates.
type source struct{ name, text string }

// Load reads the *.html, *.css and *.txt of a folder. A file that the folder
// lacks is taken from shipped. The error is one line a file, each naming line and
// column as an editor counts them.
func Load(folder, shipped fs.FS) (*Set, error) {
	sources, err := read(folder, shipped)
	if err != nil {
		return nil, err
	}
	s := &Set{html: template.New("mail").Option("missingkey=error").Funcs(names), text: texttemplate.New("mail").Option("missingkey=error").Funcs(names)}
	var problems []error
	for _, f := range sources {
		if path.Ext(f.name) == ".txt" {
			_, err = s.text.New(f.name).Parse(f.text)
		} else {
			_, err = s.html.New(f.name).Parse(f.text)
		}
		if err != nil {
			problems = append(problems, located(f, err))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	var html, text []*parse.Tree
	for _, t := range s.html.Templates() {
		html = append(html, t.Tree)
	}
	for _, t := range s.text.Templates() {
		text = append(text, t.Tree)
	}
	problems = append(meterTrees(html), meterTrees(text)...)
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return s, nil
}

// read gives the files, the folder's before the shipped.
func read(folder, shipped fs.FS) ([]source, error) {
	var all []source
	for _, from := range []fs.FS{folder, shipped} {
		if from == nil {
			continue
		}
		entries, err := fs.ReadDir(from, ".")
		if err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
		for _, e := range entries {
			known := slices.ContainsFunc(all, func(s source) bool { return s.name == e.Name() })
			if known || e.IsDir() || !slices.Contains([]string{".html", ".css", ".txt"}, path.Ext(e.Name())) {
				continue
			}
			info, err := fs.Stat(from, e.Name())
			if err != nil {
				return nil, fmt.Errorf("templates: %w", err)
			}
			if !info.Mode().IsRegular() || info.Size() > maxFile || len(all) == maxFiles {
				return nil, fmt.Errorf("%s: a template is a file of at most %d KB, and there are at most %d", e.Name(), maxFile>>10, maxFiles)
			}
			text, err := fs.ReadFile(from, e.Name())
			if err != nil {
				return nil, fmt.Errorf("templates: %w", err)
			}
			all = append(all, source{e.Name(), string(text)})
		}
	}
	return all, nil
}

// HTML fills in a template of the HTML part.
func (s *Set) HTML(name string, data any) (string, error) {
	return s.fill(func(p *press, w *bounded) error { return p.html.ExecuteTemplate(w, name, data) })
}

// Text fills in a template of the text part.
func (s *Set) Text(name string, data any) (string, error) {
	return s.fill(func(p *press, w *bounded) error { return p.text.ExecuteTemplate(w, name, data) })
}

func (s *Set) fill(do func(*press, *bounded) error) (string, error) {
	p, err := s.press()
	if err != nil {
		return "", err
	}
	p.meter.start()
	var w bounded
	if err := do(p, &w); err != nil {
		return "", tidy(err) // the press is not used again: it may be in any state
	}
	s.presses.Put(p)
	return w.String(), nil
}

// press is a copy of the templates for one use at a time, with the meter that
// its functions count on.
type press struct {
	html  *template.Template
	text  *texttemplate.Template
	meter *meter
}

func (s *Set) press() (*press, error) {
	if p, ok := s.presses.Get().(*press); ok {
		return p, nil
	}
	m := &meter{}
	html, err := s.html.Clone()
	if err != nil {
		return nil, tidy(err)
	}
	text, err := s.text.Clone()
	if err != nil {
		return nil, tidy(err)
	}
	functions := m.functions()
	return &press{html.Funcs(functions), text.Funcs(functions), m}, nil
}

// bounded takes a page of bounded size.
type bounded struct{ strings.Builder }

// maxPage is far more than any mail program shows.
const maxPage = 4 << 20

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxPage {
		return 0, fmt.Errorf("it writes more than %d MB", maxPage>>20)
	}
	return b.Builder.Write(p)
}
