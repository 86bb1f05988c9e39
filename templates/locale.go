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
	_, all, err := loadLocales(readers)
	return all, err
}

// The folders of words: those around what readers see, and those of the editors'
// pages, where a file for each part of them is named like week.kk.json.
const (
	readers = "locales"
	editors = "locales/desk"
)

// DeskLocales reads the words of the editors' pages, and those of Locales with them.
func DeskLocales() (map[string]Words, *Plurals, error) {
	bundle, all, err := loadLocales(readers, editors)
	if err != nil {
		return nil, nil, err
	}
	return all, newPlurals(bundle, all), nil
}

// loadLocales reads the files of some folders into a bundle, for what depends on
// numbers, and into words, for the rest.
func loadLocales(folders ...string) (*i18n.Bundle, map[string]Words, error) {
	bundle, all := i18n.NewBundle(language.English), map[string]Words{}
	for _, folder := range folders {
		entries, err := fs.ReadDir(files, folder)
		if err != nil {
			return nil, nil, fmt.Errorf("templates: locales: %w", err)
		}
		for _, e := range entries {
			if e.IsDir() {
				continue
			}
			if err := loadLocale(bundle, all, folder+"/"+e.Name()); err != nil {
				return nil, nil, fmt.Errorf("templates: locales: %s: %w", e.Name(), err)
			}
		}
	}
	for tag, w := range all {
		if n := len(w.Months()); n != 12 {
			return nil, nil, fmt.Errorf("templates: locales: %s: months has %d names, not 12", tag, n)
		}
		for key, english := range all["en"] {
			if w[key] == "" {
				w[key] = english
			}
		}
	}
	return bundle, all, nil
}

func loadLocale(bundle *i18n.Bundle, all map[string]Words, name string) error {
	body, err := files.ReadFile(name)
	if err != nil {
		return err
	}
	file, err := i18n.ParseMessageFileBytes(body, name, map[string]i18n.UnmarshalFunc{"json": json.Unmarshal})
	if err != nil {
		return err
	}
	tag := file.Tag.String()
	if all[tag] == nil {
		all[tag] = Words{}
	}
	for _, m := range file.Messages {
		if _, taken := all[tag][m.ID]; taken {
			return fmt.Errorf("%s is in another file already", m.ID)
		}
		if !isPlural(m) {
			all[tag][m.ID] = m.Other
			continue
		}
		for _, form := range []*string{&m.Zero, &m.One, &m.Two, &m.Few, &m.Many, &m.Other} {
			*form = strings.ReplaceAll(*form, "{n}", "{{.PluralCount}}")
		}
		if err := bundle.AddMessages(file.Tag, m); err != nil {
			return fmt.Errorf("%s: %w", m.ID, err)
		}
	}
	return nil
}

func isPlural(m *i18n.Message) bool { return m.Zero+m.One+m.Two+m.Few+m.Many != "" }

// Plurals writes numbers of things by the plural rules of each language (CLDR).
// It is safe for concurrent use.
type Plurals struct{ localizers map[string]*i18n.Localizer }

// NewPlurals reads every language's words that depend on a number.
func NewPlurals() (*Plurals, error) {
	bundle, all, err := loadLocales(readers)
	if err != nil {
		return nil, err
	}
	return newPlurals(bundle, all), nil
}

func newPlurals(bundle *i18n.Bundle, all map[string]Words) *Plurals {
	p := &Plurals{localizers: map[string]*i18n.Localizer{}}
	for tag := range all {
		p.localizers[tag] = i18n.NewLocalizer(bundle, tag)
	}
	return p
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
