package assemble

import (
	"embed"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

//go:embed styles/*.toml
var styles embed.FS

// Phrases are the words that a language's review needs: whatever assembly says
// of its own accord is in its style file, docs/assembly.md says what each key does.
type Phrases struct {
	Language string `toml:"language"` // BCP 47
	Extends  string `toml:"extends"`  // a shipped language that has the keys left out here
	Title    struct {
		Pair string `toml:"pair"` // {a} and {b} are the themes
		More string `toml:"more"` // the same where there are further ones
		Case string `toml:"case"` // keep or lower: what becomes of the themes' capitals
	} `toml:"title"`
	Words struct {
		Function    string   `toml:"function"`
		Common      string   `toml:"common"`
		UnlessName  string   `toml:"unless_name"`
		Openers     string   `toml:"openers"`
		Connectives string   `toml:"connectives"`
		Pronouns    string   `toml:"pronouns"`
		Stop        string   `toml:"stop"`
		Days        string   `toml:"days"`
		Opposites   []string `toml:"opposites"` // "rose grew | fell shrank"
	} `toml:"words"`
	Bridges struct {
		SameStory  []string `toml:"same_story"`
		Later      []string `toml:"later"`
		Elsewhere  []string `toml:"elsewhere"`
		Contrast   []string `toml:"contrast"`
		Parallel   []string `toml:"parallel"`
		Return     []string `toml:"return"`
		NewSubject []string `toml:"new_subject"`
	} `toml:"bridges"`

	function, common, unlessName, openers, connectives, pronouns, stop map[string]bool
	days                                                               vocabulary
	sides                                                              map[string][]side // by word
}

// side is a word's place among the opposites: which pair, and left or right.
type side struct {
	pair int
	left bool
}

// ParseStyle reads a style file. name stands in the errors, of which each is one
// line that names the file and the key.
func ParseStyle(name string, text []byte) (*Phrases, error) {
	var p Phrases
	dec := toml.NewDecoder(strings.NewReader(string(text))).DisallowUnknownFields()
	err := dec.Decode(&p)
	var strict *toml.StrictMissingError
	var decode *toml.DecodeError
	switch {
	case errors.As(err, &strict):
		var all []error
		for _, e := range strict.Errors {
			row, _ := e.Position()
			all = append(all, fmt.Errorf("%s:%d: unknown key %q", name, row, strings.Join(e.Key(), ".")))
		}
		return nil, errors.Join(all...)
	case errors.As(err, &decode):
		row, col := decode.Position()
		return nil, fmt.Errorf("%s:%d:%d: %s", name, row, col, strings.TrimPrefix(decode.Error(), "toml: "))
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if p.Extends != "" {
		base, err := readShipped(p.Extends)
		if err != nil {
			return nil, fmt.Errorf("%s: extends: no style is shipped for %q (en, ru and kk are)", name, p.Extends)
		}
		fill(reflect.ValueOf(&p).Elem(), reflect.ValueOf(base).Elem())
	}
	if problems := p.check(name); len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	p.index()
	return &p, nil
}

// Shipped gives the style that comes with apta for a language, English where
// there is none.
func Shipped(language string) *Phrases {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	p, err := readShipped(base)
	if err != nil {
		if p, err = readShipped("en"); err != nil {
			panic(err) // it is compiled in, and a test reads it
		}
	}
	return p
}

func readShipped(language string) (*Phrases, error) {
	name := "styles/" + language + ".toml"
	text, err := styles.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("assemble: style: %w", err)
	}
	return ParseStyle(name, text)
}

// fill takes from base what into leaves out.
func fill(into, base reflect.Value) {
	for i := range into.NumField() {
		switch f := into.Field(i); {
		case f.Kind() == reflect.Struct:
			fill(f, base.Field(i))
		case into.Type().Field(i).IsExported() && f.IsZero():
			f.Set(base.Field(i))
		}
	}
}

// check names every key that is missing or cannot be used.
func (p *Phrases) check(name string) (problems []error) {
	missing(reflect.ValueOf(p).Elem(), "", func(key string) {
		problems = append(problems, fmt.Errorf("%s: %s is missing (extends = \"en\" takes what is left out from the English style)", name, key))
	})
	for _, t := range [][2]string{{"title.pair", p.Title.Pair}, {"title.more", p.Title.More}} {
		if t[1] != "" && (strings.Count(t[1], "{a}") != 1 || strings.Count(t[1], "{b}") != 1) {
			problems = append(problems, fmt.Errorf("%s: %s: %q must have {a} and {b} in it, once each", name, t[0], t[1]))
		}
	}
	if k := p.Title.Case; k != "" && k != "keep" && k != "lower" {
		problems = append(problems, fmt.Errorf("%s: title.case: %q is neither keep nor lower", name, k))
	}
	for _, o := range p.Words.Opposites {
		if left, right, found := strings.Cut(o, "|"); !found || strings.TrimSpace(left) == "" || strings.TrimSpace(right) == "" {
			problems = append(problems, fmt.Errorf("%s: words.opposites: %q is not words, a bar, and their opposites", name, o))
		}
	}
	for key, bridges := range p.relations() {
		for _, b := range bridges {
			switch {
			case strings.TrimSpace(b) != b || b == "":
				problems = append(problems, fmt.Errorf("%s: bridges.%s: %q is empty or has spaces around it", name, key, b))
			case key != Return && key != Elsewhere && strings.Contains(b, "{place}"):
				problems = append(problems, fmt.Errorf("%s: bridges.%s: %q: only bridges.return and bridges.elsewhere can name a {place}", name, key, b))
			}
		}
	}
	return problems
}

func missing(v reflect.Value, prefix string, report func(key string)) {
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("toml")
		switch f := v.Field(i); {
		case key == "" || key == "extends":
		case f.Kind() == reflect.Struct:
			missing(f, prefix+key+".", report)
		case f.IsZero():
			report(prefix + key)
		}
	}
}

// relations gives the bridges by the relation that they stand for.
func (p *Phrases) relations() map[Relation][]string {
	b := p.Bridges
	return map[Relation][]string{SameStory: b.SameStory, Later: b.Later, Elsewhere: b.Elsewhere, Contrast: b.Contrast,
		Parallel: b.Parallel, Return: b.Return, NewSubject: b.NewSubject}
}

func (p *Phrases) index() {
	p.function, p.common, p.unlessName = set(p.Words.Function), set(p.Words.Common), set(p.Words.UnlessName)
	p.openers, p.pronouns = set(p.Words.Openers), set(p.Words.Pronouns)
	p.connectives, p.stop, p.days = set(p.Words.Connectives), set(p.Words.Stop), readVocabulary(p.Words.Days)
	p.sides = map[string][]side{}
	for i, o := range p.Words.Opposites {
		left, right, _ := strings.Cut(o, "|")
		for w := range set(left) {
			p.sides[w] = append(p.sides[w], side{i, true})
		}
		for w := range set(right) {
			p.sides[w] = append(p.sides[w], side{i, false})
		}
	}
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[strings.ToLower(w)] = true
	}
	return m
}

// vocabulary is a list of words in which "июл*" stands for all that begin so.
type vocabulary struct {
	whole  map[string]bool
	begins map[rune][]string // by the first letter
}

func readVocabulary(words string) vocabulary {
	v := vocabulary{whole: map[string]bool{}, begins: map[rune][]string{}}
	for w := range set(words) {
		begin, open := strings.CutSuffix(w, "*")
		if first, _ := utf8.DecodeRuneInString(begin); open {
			v.begins[first] = append(v.begins[first], begin)
		} else {
			v.whole[w] = true
		}
	}
	return v
}

func (v vocabulary) has(word string) bool {
	first, _ := utf8.DecodeRuneInString(word)
	return v.whole[word] || slices.ContainsFunc(v.begins[first], func(begin string) bool { return strings.HasPrefix(word, begin) })
}
