package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// LanguageConfig is what a newsletter says in one of its further languages. What
// is not set is as in [newsletter].
type LanguageConfig struct {
	Name        string `toml:"name"`
	Newsroom    string `toml:"newsroom"`
	TitlePrefix string `toml:"title_prefix"`
	Standfirst  string `toml:"standfirst"`
	StyleFile   string `toml:"style_file"`
	Subject     string `toml:"subject"`
	Preheader   string `toml:"preheader"`
	Reason      string `toml:"reason"`
}

// languages are those in which the newsletter has an issue a week, the main one
// first.
func (c *Config) languages() []string {
	if len(c.Newsletter.Languages) == 0 {
		return []string{c.Newsletter.Language}
	}
	return c.Newsletter.Languages
}

func (c *Config) checkLanguages(bad func(key, format string, args ...any)) {
	n := c.Newsletter
	if len(n.Languages) > 0 && n.Languages[0] != n.Language {
		bad("newsletter.languages", "its first is %q, but newsletter.language is %q: the main language comes first", n.Languages[0], n.Language)
	}
	for i, tag := range n.Languages {
		if slices.ContainsFunc(n.Languages[:i], func(t string) bool { return sameLanguage(t, tag) }) {
			bad("newsletter.languages", "%q is there twice: of one language there is one issue", tag)
		}
		if !validSlug(strings.ToLower(tag)) {
			bad("newsletter.languages", "%q is not a language tag such as ru or kk", tag)
		}
		l := c.Language[tag]
		for key, text := range map[string]string{"title_prefix": l.TitlePrefix, "standfirst": l.Standfirst} {
			if i > 0 && text == "" {
				bad("language."+tag+"."+key, "it is not set: the issue in this language wants words of its own")
			}
		}
	}
	for tag := range c.Language {
		if i := slices.Index(n.Languages, tag); i < 1 {
			bad("language."+tag, "newsletter.languages does not name %q beside the main language", tag)
		}
	}
}

// in is the newsletter's configuration as it is for one of its languages (ru-KZ
// is ru); one that it does not have is the main one.
func (c *Config) in(language string) *Config {
	for _, t := range c.tongues {
		if sameLanguage(t.Newsletter.Language, language) {
			return t
		}
	}
	return c
}

// readTongues makes the configuration of every language, and reads their styles.
func (c *Config) readTongues() error {
	c.tongues = nil
	for _, tag := range c.languages() {
		t := *c
		n, l := &t.Newsletter, c.Language[tag]
		n.Language, n.Name, n.Newsroom = tag, cmp.Or(l.Name, n.Name), cmp.Or(l.Newsroom, n.Newsroom)
		n.TitlePrefix, n.Standfirst = cmp.Or(l.TitlePrefix, n.TitlePrefix), cmp.Or(l.Standfirst, n.Standfirst)
		n.Preheader, n.Reason = cmp.Or(l.Preheader, n.Preheader), cmp.Or(l.Reason, n.Reason)
		n.Subject = cmp.Or(l.Subject, n.Subject)
		key := "newsletter"
		if tag != c.Newsletter.Language {
			n.StyleFile, key = l.StyleFile, "language."+tag
		}
		if err := t.readStyle(key); err != nil {
			return err
		}
		c.tongues = append(c.tongues, &t)
	}
	for _, t := range c.tongues {
		t.tongues = c.tongues
	}
	c.phrases = c.tongues[0].phrases
	return nil
}

// unknownLanguage says which languages a newsletter has.
func (c *Config) unknownLanguage(tag string) error {
	return &usageError{fmt.Errorf("--language %q: %s has issues in %s", tag, c.Newsletter.Name, strings.Join(c.languages(), ", "))}
}
