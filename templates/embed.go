// Package templates holds all the HTML and text that readers and editors see, and
// the words around it in every language.
package templates

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
)

//go:embed email public desk assets locales
var files embed.FS

// Email gives the files of a mail's two parts. The room that renders mails reads
// them, for an operator's may take their place.
func Email() fs.FS {
	folder, err := fs.Sub(files, "email")
	if err != nil {
		panic(err) // the name is a constant
	}
	return folder
}

// Public gives the templates of the public pages.
func Public() (*template.Template, error) { return pages("public") }

// Desk gives the templates of the editors' pages.
func Desk() (*template.Template, error) { return pages("desk") }

// pages reads the templates in a folder.
func pages(folder string) (*template.Template, error) {
	paths, err := assetPaths()
	if err != nil {
		return nil, err
	}
	t, err := template.New(folder).Option("missingkey=error").Funcs(template.FuncMap{
		"asset":     func(name string) (string, error) { return assetPath(paths, name) },
		"direction": Direction,
	}).ParseFS(files, folder+"/*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %s: %w", folder, err)
	}
	return t, nil
}
