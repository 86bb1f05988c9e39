package check

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/render"
	"apta/subscribers"
)

// shipped are all mails that the shipped templates make, with a logo and a picture.
func shipped(t *testing.T) map[string]newsletter.Mail {
	t.Helper()
	r, err := render.New()
	if err != nil {
		t.Fatal(err)
	}
	mails := map[string]newsletter.Mail{}
	for _, language := range []string{"en", "ru", "kk"} {
		m := render.SampleMasthead()
		m.Language = language
		m.Look.Logo = newsletter.Picture{Name: "logo.png", Width: 200, Height: 40}
		m.Look.LogoDark = newsletter.Picture{Name: "dark.png", Width: 200, Height: 40}
		text, err := os.ReadFile(filepath.Join("..", "testdata", "issue."+language+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var issue newsletter.Issue
		if err := json.Unmarshal(text, &issue); err != nil {
			t.Fatal(err)
		}
		for name, i := range map[string]newsletter.Issue{"short": issue, "long": render.SampleIssue(language)} {
			if mails[name+" "+language], err = r.Mail(i, m); err != nil {
				t.Fatal(err)
			}
		}
		l := subscribers.Letter{Kind: subscribers.LetterConfirm, Token: "TOKEN", Language: language, Expires: time.Unix(1e9, 0)}
		if mails["letter "+language], err = r.Letter(l, m); err != nil {
			t.Fatal(err)
		}
	}
	return mails
}

// What is shipped has nothing in it that a named mail program does not support
// and for which no fallback is written down.
func TestNothingShipsWithoutAFallback(t *testing.T) {
	seen := map[string]bool{}
	for name, m := range shipped(t) {
		findings, err := Mail(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if f.Level == Error || f.Kind == "image" || f.Kind == "structure" {
				t.Errorf("%s: %s (%s)", name, f.Text, f.URL)
			}
			seen[f.URL] = true
		}
		if s := Measure(m); strings.HasPrefix(name, "long") && (len(s.Strands) != 6 || s.Strands[0].Bytes < 100 || s.HTML != len(m.HTML)) {
			t.Errorf("%s: sizes %+v", name, s)
		}
	}
	data, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for slug := range fallbacks {
		if url := data.features[slug].URL; url == "" || !seen[url] {
			t.Errorf("a fallback for %s, which is in no mail", slug)
		}
	}
}

// Every client that is named is in the data.
func TestPrograms(t *testing.T) {
	data, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.DateOnly, data.Updated); err != nil || len(data.features) < 300 {
		t.Errorf("as of %q, %d features", data.Updated, len(data.features))
	}
	for _, p := range programs {
		tested := 0
		for _, f := range data.features {
			if f.Support[p.key] != "" {
				tested++
			}
		}
		if tested < 100 {
			t.Errorf("%s is tested for %d features only", p.name, tested)
		}
	}
}

// TestUses holds the scanner to what is in a page.
func TestUses(t *testing.T) {
	data, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for page, want := range map[string]string{
		`<p style="display:flex;gap:1rem">`:                                   "css-display css-display-flex css-gap css-unit-rem html-p",
		`<style>a:hover{color:rgba(0,0,0,.5)!important}</style>`:              "css-important css-pseudo-class-hover css-rgba css-selector-type html-style",
		`<style>@media (prefers-color-scheme:dark){.a.b{width:50vw}}</style>`: "css-at-media css-at-media-prefers-color-scheme css-selector-chaining css-selector-class css-unit-vw css-width html-style",
		`<style>@font-face{font-family:x;src:url(x)}</style>`:                 "css-at-font-face html-style",
		`<style>h1>b,#x [lang]~p{margin-left:calc(1px + 2%)}</style>`:         "css-margin css-selector-attribute css-selector-child css-selector-descendant css-selector-general-sibling css-selector-grouping css-selector-id css-selector-type css-unit-calc css-unit-percent css-unit-px html-style",
		`<img src="https://a.example/x.webp?y" alt="" width="1">`:             "html-img html-width image-webp",
		`<img src="data:image/svg+xml;base64,AAAA">`:                          "html-img image-base64",
		`<a href="#p1">x</a><a href="mailto:a@b.example">y</a>`:               "html-anchor-links html-mailto-links",
		`<main role="main" lang="en" dir="rtl"><video></video></main>`:        "html-dir html-lang html-role html-semantics html-video",
		`<!doctype html><!-- x --><svg></svg>`:                                "html-comments html-doctype html-svg",
		`<p style="border-top-left-radius:3px;border-left:1px solid">`:        "css-border css-border-radius css-unit-px html-p",
		`<p style="--x:1px;color:var(--x)">`:                                  "css-variables html-p",
	} {
		u := scan(data, page)
		var got []string
		for slug := range u.features {
			got = append(got, slug)
		}
		if have := join(got); have != want {
			t.Errorf("%s:\n got %s\nwant %s", page, have, want)
		}
	}
}

func TestFindings(t *testing.T) {
	good := `<html lang="en"><body><h1>x</h1><img src="a.png" alt="" width="1" height="1"></body></html>`
	line := strings.Repeat("x", 50)
	for _, tt := range []struct {
		name string
		mail newsletter.Mail
		want string // kind and level, in order
	}{
		{"in order", newsletter.Mail{Subject: "S", Preheader: line, Text: "t", HTML: good}, ""},
		{"flex", newsletter.Mail{Subject: "S", Preheader: line, Text: "t", HTML: strings.Replace(good, "<h1>", `<h1 style="display:flex">`, 1)}, "support error"},
		{"no alt", newsletter.Mail{Subject: "S", Preheader: line, Text: "t", HTML: strings.Replace(good, ` alt=""`, "", 1)}, "image error"},
		{"no size", newsletter.Mail{Subject: "S", Preheader: line, Text: "t", HTML: strings.Replace(good, ` width="1"`, "", 1)}, "image warning"},
		{"empty link", newsletter.Mail{Subject: "S", Preheader: line, Text: "t", HTML: good + `<a href="https://x.example"> </a>`}, "link error"},
		{"large", newsletter.Mail{Subject: "S", Preheader: line, Text: "t", HTML: good + strings.Repeat("x", render.MaxHTML)}, "size error"},
		{"long subject", newsletter.Mail{Subject: strings.Repeat("Ұ", 500), Preheader: line, Text: "t", HTML: good}, "subject warning"},
		{"nothing", newsletter.Mail{HTML: good}, "structure error, subject error, preheader warning"},
		{"two headings and no language", newsletter.Mail{Subject: "S", Preheader: line, Text: "t", HTML: "<html><h1>x</h1><h1>y</h1>"}, "structure error, structure warning"},
	} {
		findings, err := Mail(tt.mail)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range findings {
			if f.Level != Note {
				got = append(got, fmt.Sprintf("%s %s", f.Kind, f.Level))
			}
		}
		if have := strings.Join(got, ", "); have != tt.want {
			t.Errorf("%s: %s, not %s", tt.name, have, tt.want)
		}
	}
}

func join(list []string) string {
	slices.Sort(list)
	return strings.Join(list, " ")
}
