package main

import (
	"fmt"
	"os"

	"apta/newsletter/assemble"
)

// readStyle reads the style file, whose words take the place of the shipped ones.
func (c *Config) readStyle() error {
	file := c.Newsletter.StyleFile
	if file == "" {
		c.phrases = assemble.Shipped(c.Newsletter.Language)
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%s: newsletter.style_file: %w", c.file, err)
	}
	c.phrases, err = assemble.ParseStyle(file, text)
	return err
}

// style is the configuration as assembly knows it.
func (c *Config) style() assemble.Style {
	n := c.Newsletter
	return assemble.Style{Language: n.Language, Newsroom: n.Newsroom, TitlePrefix: n.TitlePrefix, Standfirst: n.Standfirst,
		MaxLatest: n.Latest, Phrases: c.phrases}
}
