// Package templates holds all the HTML and text that readers see, and the words
// around it in every language.
package templates

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	texttemplate "text/template"
)

//go:embed email public assets locales
var files embed.FS

// Email gives the templates of a mail's two parts: issue.html and issue.txt.
func Email() (*template.Template, *texttemplate.Template, error) {
	html, err := template.New("email").Funcs(template.FuncMap{"raw": raw}).ParseFS(files, "email/*.html")
	if err != nil {
		return nil, nil, fmt.Errorf("templates: email: %w", err)
	}
	text, err := texttemplate.New("email").Funcs(texttemplate.FuncMap{"underline": underline}).ParseFS(files, "email/*.txt")
	if err != nil {
		return nil, nil, fmt.Errorf("templates: email: %w", err)
	}
	return html, text, nil
}

// raw lets a constant of a template stand as it is: html/template drops
// comments, and Outlook's conditional ones are meant to arrive.
func raw(s string) template.HTML { return template.HTML(s) }

// underline gives a line as wide as a heading, at most 72 columns.
func underline(s string) string { return strings.Repeat("-", min(len([]rune(s)), 72)) }

// Public gives the templates of the public pages.
func Public() (*template.Template, error) {
	assets, err := assetPaths()
	if err != nil {
		return nil, err
	}
	t, err := template.New("public").Funcs(template.FuncMap{"asset": func(name string) string { return assets[name] }}).ParseFS(files, "public/*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: public: %w", err)
	}
	return t, nil
}

// Asset is a file served to browsers under a path that changes with its content,
// so that it may be kept for ever.
type Asset struct {
	Path string // such as /assets/site.1a2b3c4d.css
	Body []byte
}

// Assets lists every asset.
func Assets() ([]Asset, error) {
	paths, err := assetPaths()
	if err != nil {
		return nil, err
	}
	var list []Asset
	for name, p := range paths {
		body, err := fs.ReadFile(files, "assets/"+name)
		if err != nil {
			return nil, fmt.Errorf("templates: assets: %w", err)
		}
		list = append(list, Asset{Path: p, Body: body})
	}
	return list, nil
}

func assetPaths() (map[string]string, error) {
	entries, err := fs.ReadDir(files, "assets")
	if err != nil {
		return nil, fmt.Errorf("templates: assets: %w", err)
	}
	paths := map[string]string{}
	for _, e := range entries {
		body, err := fs.ReadFile(files, "assets/"+e.Name())
		if err != nil {
			return nil, fmt.Errorf("templates: assets: %w", err)
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(e.Name())
		paths[e.Name()] = "/assets/" + strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:4]) + ext
	}
	return paths, nil
}

// Words are the words around an issue in one language.
type Words map[string]string

// Locales reads every language's words, by its tag. A word that a language lacks
// is taken from English.
func Locales() (map[string]Words, error) {
	entries, err := fs.ReadDir(files, "locales")
	if err != nil {
		return nil, fmt.Errorf("templates: locales: %w", err)
	}
	all := map[string]Words{}
	for _, e := range entries {
		body, err := fs.ReadFile(files, "locales/"+e.Name())
		if err != nil {
			return nil, fmt.Errorf("templates: locales: %w", err)
		}
		var w Words
		if err := json.Unmarshal(body, &w); err != nil {
			return nil, fmt.Errorf("templates: locales: %s: %w", e.Name(), err)
		}
		all[strings.TrimSuffix(e.Name(), ".json")] = w
	}
	for _, w := range all {
		for key, english := range all["en"] {
			if w[key] == "" {
				w[key] = english
			}
		}
	}
	return all, nil
}

// In gives the words of a language such as ru or ru-KZ, English where it is not known.
func In(all map[string]Words, language string) Words {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	if w := all[base]; w != nil {
		return w
	}
	return all["en"]
}
