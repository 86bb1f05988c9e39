package main

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"apta/newsletter"
	"apta/newsletter/pictures"
)

// LookConfig is how a newsletter's mails look. What is not set is as shipped.
type LookConfig struct {
	Paper      string `toml:"paper"`
	Ink        string `toml:"ink"`
	Quiet      string `toml:"quiet"`
	Accent     string `toml:"accent"`
	Line       string `toml:"line"`
	DarkPaper  string `toml:"dark_paper"`
	DarkInk    string `toml:"dark_ink"`
	DarkQuiet  string `toml:"dark_quiet"`
	DarkAccent string `toml:"dark_accent"`
	DarkLine   string `toml:"dark_line"`
	Serif      string `toml:"serif"`
	Sans       string `toml:"sans"`
	Logo       string `toml:"logo"`
	LogoDark   string `toml:"logo_dark"`
	LogoHeight int    `toml:"logo_height"`
	Footer     string `toml:"footer"`

	look  newsletter.Look
	logos []pictures.Made
}

// checkLook takes colours that can be read, and says which come nearest to those that cannot.
func (c *Config) checkLook(bad func(key, format string, args ...any), oneOf func(key, value string, allowed ...string)) {
	l := &c.Look
	l.look = newsletter.Look{Serif: l.Serif, Sans: l.Sans, Footer: l.Footer, Links: newsletter.Links(c.Mail.Links), Images: newsletter.Images(c.Mail.Images)}.Filled()
	oneOf("mail.links", c.Mail.Links, string(newsletter.LinksNumbered), string(newsletter.LinksInline))
	oneOf("mail.images", c.Mail.Images, string(newsletter.ImagesHosted), string(newsletter.ImagesInline), string(newsletter.ImagesNone))
	for _, s := range []struct {
		prefix                          string
		paper, ink, quiet, accent, line string
		into                            *newsletter.Palette
	}{{"look.", l.Paper, l.Ink, l.Quiet, l.Accent, l.Line, &l.look.Light}, {"look.dark_", l.DarkPaper, l.DarkInk, l.DarkQuiet, l.DarkAccent, l.DarkLine, &l.look.Dark}} {
		readable := true
		for _, k := range []struct {
			name, value string
			into        *newsletter.Colour
		}{{"paper", s.paper, &s.into.Paper}, {"ink", s.ink, &s.into.Ink}, {"quiet", s.quiet, &s.into.Quiet}, {"accent", s.accent, &s.into.Accent}, {"line", s.line, &s.into.Line}} {
			if k.value == "" {
				continue
			}
			colour, err := newsletter.ParseColour(k.value)
			if err != nil {
				bad(s.prefix+k.name, "%v", err)
				readable = false
			}
			*k.into = colour
		}
		problems := s.into.Check()
		for _, name := range slices.Sorted(maps.Keys(problems)) {
			if readable {
				bad(s.prefix+name, "%v", problems[name])
			}
		}
	}
	for key, list := range map[string]string{"look.serif": l.Serif, "look.sans": l.Sans} {
		if list == "" {
			continue
		}
		if err := newsletter.CheckFonts(list); err != nil {
			bad(key, "%v", err)
		}
	}
	if l.LogoHeight < 10 || l.LogoHeight > 120 {
		bad("look.logo_height", "%d px is not between 10 and 120", l.LogoHeight)
	}
}

// readLook reads the logos.
func (c *Config) readLook() error {
	l := &c.Look
	l.logos = nil
	for _, logo := range []struct {
		key, file string
		into      *newsletter.Picture
	}{{"look.logo", l.Logo, &l.look.Logo}, {"look.logo_dark", l.LogoDark, &l.look.LogoDark}} {
		if logo.file == "" {
			continue
		}
		body, err := os.ReadFile(logo.file)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", c.at(logo.key), logo.key, err)
		}
		made, err := pictures.Make(body)
		if err != nil {
			return fmt.Errorf("%s: %s: %s: %w", c.at(logo.key), logo.key, logo.file, err)
		}
		*logo.into = newsletter.Picture{Name: made.Name, Width: max(made.Width*l.LogoHeight/made.Height, 1), Height: l.LogoHeight}
		l.logos = append(l.logos, made)
	}
	return nil
}
