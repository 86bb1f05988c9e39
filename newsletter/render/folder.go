package render

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"strings"
	"sync"

	"apta/newsletter"
	"apta/newsletter/render/layout"
	"apta/templates"
)

// folders are operators' own templates, by their folder. A folder that has
// changed is read anew when a mail is next made; while it has an error, what was
// read last stays in use.
type folders struct {
	mu   sync.Mutex
	read map[string]*folder
	log  *slog.Logger
}

type folder struct {
	mark string // of its files as they were last read
	set  *layout.Set
}

// LogTo says where it is told that a changed template has an error.
func (r *Renderer) LogTo(log *slog.Logger) { r.folders.log = log }

// UseFolder reads the templates in a folder and tries them out. The error names
// file, line and column.
func (r *Renderer) UseFolder(path string) error {
	_, err := r.setOf(newsletter.Masthead{Templates: path})
	return err
}

// setOf gives the templates of a newsletter.
func (r *Renderer) setOf(m newsletter.Masthead) (*layout.Set, error) {
	if m.Templates == "" {
		return r.shipped, nil
	}
	r.folders.mu.Lock()
	defer r.folders.mu.Unlock()
	known := r.folders.read[m.Templates]
	mark, err := markOf(m.Templates)
	if err == nil && known != nil && known.mark == mark {
		return known.set, nil
	}
	var set *layout.Set
	if err == nil {
		set, err = r.load(m.Templates)
	}
	switch {
	case err == nil:
		r.folders.read[m.Templates] = &folder{mark, set}
		return set, nil
	case known == nil:
		return nil, fmt.Errorf("%s: %w", m.Templates, err)
	}
	known.mark = mark // told once, not with every mail
	r.folders.log.Error("a template has an error, the one before stays in use", "folder", m.Templates, "err", err)
	return known.set, nil
}

// load reads a folder, out of which no link leads, and makes a sample of each mail.
func (r *Renderer) load(path string) (*layout.Set, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return r.check(root.FS())
}

func (r *Renderer) check(files fs.FS) (*layout.Set, error) {
	set, err := layout.Load(files, templates.Email())
	if err != nil {
		return nil, err
	}
	own := &Renderer{shipped: set, words: r.words, prose: r.prose, finish: r.finish}
	return set, own.try()
}

// markOf changes with the folder's files.
func markOf(folder string) (string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, e := range entries {
		if info, err := e.Info(); err == nil && path.Ext(e.Name()) != "" {
			fmt.Fprintln(&b, e.Name(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String(), nil
}
