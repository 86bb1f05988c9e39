package templates

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
)

// Words are the words around an issue in one language. In some of them {name}
// stands for the newsletter's name.
type Words map[string]string

// Months gives the twelve months as they stand in a date.
func (w Words) Months() []string { return strings.Fields(w["months"]) }

// Locales reads every language's words, by its tag. A word that a language lacks
// is taken from English.
func Locales() (map[string]Words, error) {
	entries, err := fs.ReadDir(files, "locales")
	if err != nil {
		return nil, fmt.Errorf("templates: locales: %w", err)
	}
	all := map[string]Words{}
	for _, e := range entries {
		body, err := files.ReadFile("locales/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("templates: locales: %w", err)
		}
		var w Words
		if err := json.Unmarshal(body, &w); err != nil {
			return nil, fmt.Errorf("templates: locales: %s: %w", e.Name(), err)
		}
		if n := len(w.Months()); n != 12 {
			return nil, fmt.Errorf("templates: locales: %s: months has %d names, not 12", e.Name(), n)
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
