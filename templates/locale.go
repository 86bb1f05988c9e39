package templates

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Words are the words of one language, but for those that depend on a number
// (Plurals). In some of them {name} stands for the newsletter's name, and others
// have places in braces that whoever uses them fills in.
type Words map[string]string

// Months gives the twelve months as they stand in a date.
func (w Words) Months() []string { return strings.Fields(w["months"]) }

// Date writes a day as it stands in a text.
func (w Words) Date(t time.Time) string {
	y, m, d := t.Date()
	return w.Fill("date", "d", strconv.Itoa(d), "m", w.Months()[m-1], "y", strconv.Itoa(y))
}

// Fill gives a word with its places filled in: pairs of a place's name and what
// stands in it.
func (w Words) Fill(key string, pairs ...string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(w[key])
}

// Locales reads every language's words, by its tag. A language is one file in
// locales/, in go-i18n's format. A word that a language lacks is taken from English.
func Locales() (map[string]Words, error) {
	_, all, err := loadLocales()
	return all, err
}

// loadLocales reads the files into a bundle, for what depends on numbers, and
// into words, for the rest.
func loadLocales() (*i18n.Bundle, map[string]Words, error) {
	entries, err := fs.ReadDir(files, "locales")
	if err != nil {
		return nil, nil, fmt.Errorf("templates: locales: %w", err)
	}
	bundle := i18n.NewBundle(language.English)
	unmarshal := map[string]i18n.UnmarshalFunc{"json": json.Unmarshal}
	all := map[string]Words{}
	for _, e := range entries {
		body, err := files.ReadFile("locales/" + e.Name())
		if err != nil {
			return nil, nil, fmt.Errorf("templates: locales: %w", err)
		}
		file, err := i18n.ParseMessageFileBytes(body, e.Name(), unmarshal)
		if err != nil {
			return nil, nil, fmt.Errorf("templates: locales: %s: %w", e.Name(), err)
		}
		w := Words{}
		for _, m := range file.Messages {
			if !isPlural(m) {
				w[m.ID] = m.Other
				continue
			}
			for _, form := range []*string{&m.Zero, &m.One, &m.Two, &m.Few, &m.Many, &m.Other} {
				*form = strings.ReplaceAll(*form, "{n}", "{{.PluralCount}}")
			}
			if err := bundle.AddMessages(file.Tag, m); err != nil {
				return nil, nil, fmt.Errorf("templates: locales: %s: %s: %w", e.Name(), m.ID, err)
			}
		}
		if n := len(w.Months()); n != 12 {
			return nil, nil, fmt.Errorf("templates: locales: %s: months has %d names, not 12", e.Name(), n)
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
	return bundle, all, nil
}

func isPlural(m *i18n.Message) bool { return m.Zero+m.One+m.Two+m.Few+m.Many != "" }

// Plurals writes numbers of things by the plural rules of each language (CLDR).
// It is safe for concurrent use.
type Plurals struct{ localizers map[string]*i18n.Localizer }

// NewPlurals reads every language's words that depend on a number.
func NewPlurals() (*Plurals, error) {
	bundle, all, err := loadLocales()
	if err != nil {
		return nil, err
	}
	p := &Plurals{localizers: map[string]*i18n.Localizer{}}
	for tag := range all {
		p.localizers[tag] = i18n.NewLocalizer(bundle, tag)
	}
	return p, nil
}

// Say gives the words of a language for n things, English where it is not known.
func (p *Plurals) Say(tag, key string, n int) (string, error) {
	l := p.localizers[base(tag)]
	if l == nil {
		l = p.localizers["en"]
	}
	s, err := l.Localize(&i18n.LocalizeConfig{MessageID: key, PluralCount: n})
	if err != nil {
		return "", fmt.Errorf("templates: %s in %s: %w", key, tag, err)
	}
	return s, nil
}

// In gives the words of a language such as ru or ru-KZ, English where it is not known.
func In(all map[string]Words, language string) Words {
	if w := all[base(language)]; w != nil {
		return w
	}
	return all["en"]
}

// Direction is the writing direction of a language, as HTML's dir attribute names it.
func Direction(language string) string {
	switch base(language) {
	case "ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi":
		return "rtl"
	}
	return "ltr"
}

// base is the first subtag of a BCP 47 tag: kk of kk-Cyrl-KZ.
func base(language string) string {
	first, _, _ := strings.Cut(strings.ToLower(language), "-")
	return first
}
