// Package templates holds all the HTML and text that readers and editors see, and
// the words around it in every language.
package templates

import (
	"embed"
	"fmt"
	"html/template"
	"strings"
	texttemplate "text/template"
	"unicode/utf8"
)

//go:embed email public desk assets locales
var files embed.FS

// Email gives the templates of a mail's two parts: issue.html and issue.txt.
func Email() (*template.Template, *texttemplate.Template, error) {
	html, err := template.New("email").Option("missingkey=error").Funcs(template.FuncMap{"raw": raw}).ParseFS(files, "email/*.html", "email/*.css")
	if err != nil {
		return nil, nil, fmt.Errorf("templates: email: %w", err)
	}
	text, err := texttemplate.New("email").Option("missingkey=error").Funcs(texttemplate.FuncMap{"underline": underline}).ParseFS(files, "email/*.txt")
	if err != nil {
		return nil, nil, fmt.Errorf("templates: email: %w", err)
	}
	return html, text, nil
}

// raw lets a constant of a template stand as it is: html/template drops
// comments, and Outlook's conditional ones are meant to arrive.
func raw(s string) template.HTML { return template.HTML(s) }

// underline gives a line as wide as a heading, at most 72 columns. It is of
// hyphens: quoted-printable would write three bytes for every equals sign.
func underline(heading string) string {
	return strings.Repeat("-", min(utf8.RuneCountInString(heading), 72))
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
