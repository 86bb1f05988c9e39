package main

import (
	"fmt"
	"os"
	"strings"

	"apta/newsletter/assemble"
)

// readStyle reads the style file, whose words take the place of the shipped ones.
// table is where the language and its style are set.
func (c *Config) readStyle(table string) error {
	file := c.Newsletter.StyleFile
	if file == "" {
		c.phrases = assemble.Shipped(c.Newsletter.Language)
		if !sameLanguage(c.phrases.Language, c.Newsletter.Language) {
			return fmt.Errorf("%s: newsletter.language: no style is shipped for %q (en, ru and kk are): write one and name it in %s.style_file", c.file, c.Newsletter.Language, table)
		}
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%s: %s.style_file: %w", c.file, table, err)
	}
	if c.phrases, err = assemble.ParseStyle(file, text); err != nil {
		return err
	}
	if !sameLanguage(c.phrases.Language, c.Newsletter.Language) {
		return fmt.Errorf("%s: language is %q, but newsletter.language is %q", file, c.phrases.Language, c.Newsletter.Language)
	}
	return nil
}

// wording is the words of assembly as the file has them now: the desk may have
// changed it, in whichever process. One that was spoilt by hand since the start is
// reported at the next start; until then the words are those that were read last.
func (c *Config) wording() *assemble.Phrases {
	if file := c.Newsletter.StyleFile; file != "" {
		if text, err := os.ReadFile(file); err == nil {
			if p, err := assemble.ParseStyle(file, text); err == nil && sameLanguage(p.Language, c.Newsletter.Language) {
				return p
			}
		}
	}
	return c.phrases
}

// sameLanguage compares the first subtags: ru-KZ is written as ru is.
func sameLanguage(a, b string) bool {
	a, _, _ = strings.Cut(strings.ToLower(a), "-")
	b, _, _ = strings.Cut(strings.ToLower(b), "-")
	return a == b
}

// ThemeConfig bounds the items of one theme.
type ThemeConfig struct {
	Name   string `toml:"name"`
	Min    int    `toml:"min"`
	Max    int    `toml:"max"`
	Weight int    `toml:"weight"`
	// How many headlines of it the latest news need, and may have.
	MinLatest int `toml:"min_latest"`
	MaxLatest int `toml:"max_latest"`
}

// checkRules takes bounds that can all be kept.
func (c *Config) checkRules(bad func(key, format string, args ...any)) {
	n := c.Newsletter
	if n.MinLatest < 0 || n.MinLatest > n.Latest {
		bad("newsletter.min_latest", "there cannot be at least %d headlines of at most %d (newsletter.latest)", n.MinLatest, n.Latest)
	}
	if n.MinItems < 0 || n.MaxItems < 0 || n.MaxItems > 0 && n.MinItems > n.MaxItems {
		bad("newsletter.max_items", "the review cannot have at least %d and at most %d items (0 is no bound)", n.MinItems, n.MaxItems)
	}
	wanted, headlines, seen := 0, 0, map[string]bool{}
	if strings.ContainsAny(n.Subject, "\r\n") || n.Subject != "" && !strings.Contains(n.Subject, "{title}") {
		bad("newsletter.subject", "%q has no {title} in it, or several lines", n.Subject)
	}
	for i, t := range c.Theme {
		if t.Name == "" || seen[t.Name] {
			bad("theme", "number %d has the name %q: each wants the name of a theme, once", i+1, t.Name)
		}
		seen[t.Name] = true
		if headlines += t.MinLatest; t.MinLatest < 0 || headlines > n.Latest {
			bad("theme", "%s: the themes want %d headlines between them, newsletter.latest is %d", t.Name, headlines, n.Latest)
		}
		if t.MaxLatest < 0 || t.MaxLatest > 0 && t.MinLatest > t.MaxLatest {
			bad("theme", "%s cannot have at least %d and at most %d headlines (0 is no bound)", t.Name, t.MinLatest, t.MaxLatest)
		}
		if t.Min < 0 || t.Max < 0 || t.Max > 0 && t.Min > t.Max {
			bad("theme", "%s cannot have at least %d and at most %d items (0 is no bound)", t.Name, t.Min, t.Max)
		}
		wanted += t.Min
	}
	if n.MaxItems > 0 && wanted > n.MaxItems {
		bad("newsletter.max_items", "%d, but the themes want %d items between them", n.MaxItems, wanted)
	}
}

// style is the configuration as assembly knows it.
func (c *Config) style() assemble.Style {
	n := c.Newsletter
	s := assemble.Style{Language: n.Language, Newsroom: n.Newsroom, TitlePrefix: n.TitlePrefix, Standfirst: n.Standfirst,
		Subject: n.Subject, Preheader: n.Preheader, MaxLatest: n.Latest, Phrases: c.wording(), Rules: assemble.Rules{Min: n.MinItems, Max: n.MaxItems, MinLatest: n.MinLatest}}
	for _, t := range c.Theme {
		s.Rules.Themes = append(s.Rules.Themes, assemble.ThemeRule{Name: t.Name, Min: t.Min, Max: t.Max, Weight: t.Weight, MinLatest: t.MinLatest, MaxLatest: t.MaxLatest})
	}
	return s
}
