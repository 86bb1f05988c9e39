package templates

import (
	"html/template"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestLocales(t *testing.T) {
	all, err := Locales()
	if err != nil {
		t.Fatal(err)
	}
	desk, _, err := DeskLocales()
	if err != nil {
		t.Fatal(err)
	}
	checkLocales(t, all)
	checkLocales(t, desk)
}

func checkLocales(t *testing.T, all map[string]Words) {
	t.Helper()
	for _, tag := range []string{"en", "kk", "ru"} { // a further one is a further file
		if all[tag] == nil {
			t.Fatalf("the languages are %q", slices.Sorted(maps.Keys(all)))
		}
	}
	english := slices.Sorted(maps.Keys(all["en"]))
	for tag, w := range all {
		if w["tag"] != tag {
			t.Errorf("%s says that it is %q", tag, w["tag"])
		}
		if got := slices.Sorted(maps.Keys(w)); !slices.Equal(got, english) {
			t.Errorf("%s has other keys than en: %q", tag, got)
		}
		for key, word := range w {
			if strings.TrimSpace(word) == "" || strings.TrimSpace(word) != word {
				t.Errorf("%s: %s is %q", tag, key, word)
			}
			if strings.Contains(word, "{name}") != strings.Contains(all["en"][key], "{name}") {
				t.Errorf("%s: %s and its English differ in {name}", tag, key)
			}
			// Words that were left in English are the same; these may be.
			if tag != "en" && word == all["en"][key] && !strings.Contains(word, "{") {
				t.Errorf("%s: %s is not translated", tag, key)
			}
		}
	}
}

// Every plural form of a language's rules is there, and says the number.
func TestPlurals(t *testing.T) {
	p, err := NewPlurals()
	if err != nil {
		t.Fatal(err)
	}
	for tag, words := range map[string]map[int]string{
		"en": {1: "1 week", 2: "2 weeks", 21: "21 weeks"},
		"ru": {1: "1 неделю", 2: "2 недели", 5: "5 недель", 11: "11 недель", 12: "12 недель", 21: "21 неделю", 22: "22 недели"},
		"kk": {1: "1 апта", 2: "2 апта", 12: "12 апта"}, "ru-KZ": {4: "4 недели"}, "ky": {2: "2 weeks"},
	} {
		for n, want := range words {
			if got, err := p.Say(tag, "weeks", n); got != want || err != nil {
				t.Errorf("%s, %d: got %q (%v), want %q", tag, n, got, err, want)
			}
		}
	}
	for tag := range p.localizers {
		for _, key := range []string{"weeks", "every_weeks"} {
			for n := range 120 {
				got, err := p.Say(tag, key, n)
				english, _ := p.Say("en", key, n)
				if err != nil || !strings.Contains(got, strconv.Itoa(n)) || tag != "en" && got == english {
					t.Errorf("%s, %s of %d: %q (%v)", tag, key, n, got, err)
				}
			}
		}
	}
	if _, err := p.Say("en", "nonesuch", 1); err == nil {
		t.Error("words that there are not were said")
	}
}

func TestDates(t *testing.T) {
	all, err := Locales()
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2024, 10, 18, 0, 0, 0, 0, time.UTC)
	for tag, want := range map[string]string{"en": "18 October 2024", "ru": "18 октября 2024 года", "kk": "2024 жылғы 18 қазан"} {
		if got := all[tag].Date(day); got != want {
			t.Errorf("%s: got %q, want %q", tag, got, want)
		}
	}
}

func TestIn(t *testing.T) {
	all, err := Locales()
	if err != nil {
		t.Fatal(err)
	}
	for language, want := range map[string]string{"en": "en", "en-GB": "en", "ru": "ru", "RU-kz": "ru", "kk-Cyrl-KZ": "kk", "ky": "en", "kkx": "en", "": "en"} {
		if got := In(all, language)["tag"]; got != want {
			t.Errorf("%q: got the words of %q, want %q", language, got, want)
		}
	}
}

func TestDirection(t *testing.T) {
	for language, want := range map[string]string{"en": "ltr", "kk": "ltr", "ar-EG": "rtl", "he": "rtl", "": "ltr", "arn": "ltr"} {
		if got := Direction(language); got != want {
			t.Errorf("%q: %s, want %s", language, got, want)
		}
	}
}

// TestMessagePages executes the pages that every room shares with the data they share.
func TestMessagePages(t *testing.T) {
	set, err := Public()
	if err != nil {
		t.Fatal(err)
	}
	all, err := Locales()
	if err != nil {
		t.Fatal(err)
	}
	for tag, words := range all {
		data := struct {
			Title, Description, Name, Newsroom, Postal, BaseURL, Front string
			Words                                                      Words
			Heading, Text, Button, Action, Field                       string
			Quiet, Home                                                bool
		}{Title: "T", Name: "N", Newsroom: "R", Words: words, Heading: "H", Button: "B", Action: "/u/x", Field: "leave", Home: true}
		for name, want := range map[string]string{
			"message.html": `<form method="post" action="/u/x"><input type="hidden" name="page" value="leave"><button type="submit">B</button></form>`,
		} {
			var b strings.Builder
			if err := set.ExecuteTemplate(&b, name, data); err != nil {
				t.Errorf("%s in %s: %v", name, tag, err)
			}
			if !strings.Contains(b.String(), want) || !strings.Contains(b.String(), `<html lang="`+tag+`"`) {
				t.Errorf("%s in %s:\n%s", name, tag, b.String())
			}
		}
	}
}

func TestUnknownWordIsAnError(t *testing.T) {
	public, err := Public()
	if err != nil {
		t.Fatal(err)
	}
	data := map[string]Words{"Words": {}}
	for _, page := range []string{"{{.Words.nonesuch}}", `{{asset "nonesuch.css"}}`} {
		copied, err := public.Clone()
		if err != nil {
			t.Fatal(err)
		}
		if err := template.Must(copied.New("x").Parse(page)).Execute(io.Discard, data); err == nil {
			t.Errorf("%s: the page was made", page)
		}
	}
}

func TestAssets(t *testing.T) {
	list, err := Assets()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if !regexp.MustCompile(`^/assets/[a-z]+\.[0-9a-f]{8}\.[a-z]+$`).MatchString(a.Path) || a.Type == "" || len(a.Body) == 0 {
			t.Errorf("%s: type %q, %d bytes", a.Path, a.Type, len(a.Body))
		}
	}
}

// TestContrast holds the colours of words to WCAG 2.2, success criterion 1.4.3:
// 4.5 to 1 at least, light and dark, on the pages. Mails have colours of their own, which newsletter.Palette checks.
func TestContrast(t *testing.T) {
	site, err := files.ReadFile("assets/site.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, ok := strings.Cut(string(site), "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("site.css has no dark colours")
	}
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		colour := make(map[string]string)
		for _, m := range regexp.MustCompile(`--([a-z]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
			colour[m[1]] = m[2]
		}
		for _, name := range []string{"ink", "quiet", "accent"} {
			if c := contrast(colour[name], colour["paper"]); !(c >= 4.5) {
				t.Errorf("site.css, %s: %s on paper has a contrast of %.2f", scheme, name, c)
			}
		}
	}
}

// contrast is the ratio that WCAG defines for two colours such as #1b1a17.
func contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(hex string) float64 {
	n, err := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	if err != nil {
		return math.NaN()
	}
	part := func(shift uint) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}
