package assemble

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestShippedStyles(t *testing.T) {
	for _, language := range []string{"en", "ru", "kk"} {
		p, err := readShipped(language)
		if err != nil {
			t.Fatal(err)
		}
		if p.Language != language {
			t.Errorf("styles/%s.toml says it is %q", language, p.Language)
		}
		seen := map[string]Relation{}
		for relation, bridges := range p.relations() {
			for _, b := range bridges {
				if other, twice := seen[b]; twice {
					t.Errorf("%s: %q stands under %s and %s", language, b, other, relation)
				}
				seen[b] = relation
			}
		}
	}
	if p := Shipped("kk-Cyrl-KZ"); p.Language != "kk" {
		t.Errorf("kk-Cyrl-KZ gets the style %s", p.Language)
	}
	if p := Shipped("de"); p.Language != "en" {
		t.Errorf("de gets the style %s", p.Language)
	}
}

// Every mistake is one line that names the file and the key.
func TestStyleMistakes(t *testing.T) {
	english, err := os.ReadFile("styles/en.toml")
	if err != nil {
		t.Fatal(err)
	}
	change := func(old, new string) string {
		if !strings.Contains(string(english), old) {
			t.Fatalf("styles/en.toml has no %q", old)
		}
		return strings.Replace(string(english), old, new, 1)
	}
	for _, c := range []struct{ text, want string }{
		{change("later = [", "latter = ["), fmt.Sprintf("own.toml:%d: unknown key \"bridges.latter\"", strings.Count(string(english[:strings.Index(string(english), "\nlater = ")]), "\n")+2)},
		{change(`parallel = ["Similarly,", "In a similar vein,", "Likewise,"]`, ""), "own.toml: bridges.parallel is missing"},
		{change(`pair = "{a} and {b}"`, ""), "own.toml: title.pair is missing"},
		{change(`"{a} and {b}"`, `"{a} and"`), `own.toml: title.pair: "{a} and" must have {a} and {b}`},
		{change(`"flood floods flooded | drought dry"`, `"flood drought"`), `own.toml: words.opposites: "flood drought" is not words, a bar`},
		{change(`"Likewise,"`, `"In {place},"`), `own.toml: bridges.parallel: "In {place},": only bridges.return and bridges.elsewhere can name`},
		{change(`"Elsewhere,"`, `" "`), "own.toml: bridges.elsewhere: \" \" is empty"},
		{"extends = \"de\"\n", `own.toml: extends: no style is shipped for "de"`},
		{"language = de\n", "own.toml:1:12: "},
	} {
		_, err := ParseStyle("own.toml", []byte(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("the error is %v, not %s", err, c.want)
		}
	}
}

func TestStyleExtends(t *testing.T) {
	p, err := ParseStyle("own.toml", []byte("language = \"en\"\nextends = \"en\"\n[bridges]\ncontrast = [\"Not so here:\"]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Bridges.Contrast) != 1 || p.Bridges.Contrast[0] != "Not so here:" || len(p.Bridges.Elsewhere) < 3 || !p.function["the"] {
		t.Errorf("contrast %v, elsewhere %v, %d function words", p.Bridges.Contrast, p.Bridges.Elsewhere, len(p.function))
	}
}

func FuzzParseStyle(f *testing.F) {
	f.Add([]byte("extends = \"ru\"\n[title]\nmore = \"{a}{b}\"\n"))
	f.Add([]byte("[words]\nopposites = [\"a | b\"]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseStyle("own.toml", text)
		if err == nil && (p.Title.Pair == "" || len(p.Bridges.Return) == 0 || len(p.function) == 0 && strings.TrimSpace(p.Words.Function) != "") {
			t.Errorf("an incomplete style was taken: %+v", p)
		}
	})
}
