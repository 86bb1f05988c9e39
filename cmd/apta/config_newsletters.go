package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// overlay is what the file of a further newsletter may set. Each place is that of
// a copy of the main configuration, so that what the file leaves out stays as it
// is there; lists of tables are taken whole or not at all. Keys of the whole site
// have no place here.
type overlay struct {
	Newsletter *NewsletterConfig         `toml:"newsletter"`
	Language   map[string]LanguageConfig `toml:"language"`
	Subscribe  *SubscribeConfig          `toml:"subscribe"`
	Schedule   *ScheduleConfig           `toml:"schedule"`
	Mail       *MailConfig               `toml:"mail"`
	SMTP       *RelayConfig              `toml:"smtp"`
	Relay      []RelayConfig             `toml:"relay"`
	Limits     *LimitsConfig             `toml:"limits"`
	DKIM       *DKIMConfig               `toml:"dkim"`
	Theme      []ThemeConfig             `toml:"theme"`
	Look       *LookConfig               `toml:"look"`
}

// loadNewsletters reads the files of the further newsletters over a copy of the
// main configuration, as the environment has left that: a variable changes what
// a newsletter takes from there, and nothing that its own file says.
func (c *Config) loadNewsletters(base Config) error {
	c.site = []*Config{c}
	base.Language = nil
	base.useWholePaths(c.file)
	var problems []error
	for _, name := range c.Newsletters {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(c.file), name)
		}
		n, err := loadNewsletter(name, base)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		c.site = append(c.site, n)
	}
	for i, n := range c.site {
		problems = append(problems, n.clashes(c.site[:i])...)
		n.site = c.site
		for _, t := range n.tongues {
			t.site = c.site
		}
	}
	return errors.Join(problems...)
}

// loadNewsletter reads one file over the main configuration.
func loadNewsletter(file string, base Config) (*Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: newsletters: %w", base.file, err)
	}
	c := base
	c.file, c.mainFile, c.lines = file, base.file, keyLines(text)
	c.Limits.Domains = maps.Clone(base.Limits.Domains)
	c.Newsletter.Topics = slices.Clone(base.Newsletter.Topics)
	c.Schedule.Editors, c.Schedule.Skip = slices.Clone(base.Schedule.Editors), slices.Clone(base.Schedule.Skip)
	c.Newsletter.Slug, c.Newsletter.Languages, c.Newsletters, c.Language = "", nil, nil, nil
	o := overlay{Newsletter: &c.Newsletter, Subscribe: &c.Subscribe, Schedule: &c.Schedule, Mail: &c.Mail, SMTP: &c.SMTP, Limits: &c.Limits, DKIM: &c.DKIM, Look: &c.Look}
	// A relay of its own takes the place of the main file's, however either is written.
	if c.lines["smtp"] > 0 {
		c.Relay = nil
	} else if c.lines["relay"] > 0 {
		c.SMTP, c.Relay = defaultRelay(), nil
	}
	if err := decodeOverlay(file, c.mainFile, text, &o); err != nil {
		return nil, err
	}
	c.Language = o.Language
	if o.Relay != nil {
		c.Relay = o.Relay
	}
	if o.Theme != nil {
		c.Theme = o.Theme
	}
	c.Relay = slices.Clone(c.Relay)
	if c.Newsletter.Slug == "" {
		return nil, fmt.Errorf("%s: newsletter.slug: it is not set: the newsletter needs a name of its own in addresses, such as slug = \"russian\"", file)
	}
	c.fillRelays()
	if err := errors.Join(c.check()...); err != nil {
		return nil, err
	}
	c.resolvePaths(file)
	if err := c.readLook(); err != nil {
		return nil, err
	}
	return &c, c.readTongues()
}

// decodeOverlay is decodeTOML for the file of a further newsletter: a key of the
// whole site is refused by a line of its own.
func decodeOverlay(file, mainFile string, text []byte, o *overlay) error {
	return decodeStrict(file, text, o, func(key toml.Key) string {
		if name := strings.Join(key, "."); slices.Contains(configKeys(), name) && !slices.Contains(overlayTables, key[0]) {
			return fmt.Sprintf("%s is the same for all newsletters: set it in %s", name, mainFile)
		}
		return unknownKey(key)
	})
}

// overlayTables are the tables that a further newsletter's file may have.
var overlayTables = []string{"newsletter", "language", "subscribe", "schedule", "mail", "smtp", "relay", "limits", "dkim", "theme", "look"}

// clashes says what a newsletter may not share with those before it.
func (c *Config) clashes(before []*Config) (problems []error) {
	for _, other := range before {
		if c.Newsletter.Slug == other.Newsletter.Slug {
			problems = append(problems, fmt.Errorf("%s: newsletter.slug: %q is that of %s too: each newsletter needs its own", c.at("newsletter.slug"), c.Newsletter.Slug, other.file))
		}
		if id := c.listID(); id == other.listID() && c.from.Address != "" {
			problems = append(problems, fmt.Errorf("%s: mail.list_id: %q is that of %s too: mailboxes would take the two for one list", c.at("mail.list_id"), id, other.file))
		}
	}
	return problems
}

// at is where a key stands, for a message: its file, and its line where that is known.
func (c *Config) at(key string) string {
	if line := c.lines[key]; line > 0 {
		return fmt.Sprintf("%s:%d", c.file, line)
	}
	return c.file
}

// keyLines gives the lines of the keys and tables of a TOML file, as far as it
// can be read.
func keyLines(text []byte) map[string]int {
	lines, table := map[string]int{}, ""
	var p unstable.Parser
	p.Reset(text)
	for p.NextExpression() {
		e := p.Expression()
		var parts []string
		row := 0
		for it := e.Key(); it.Next(); {
			if parts = append(parts, string(it.Node().Data)); row == 0 {
				row = p.Shape(it.Node().Raw).Start.Line
			}
		}
		key := strings.Join(parts, ".")
		if e.Kind == unstable.KeyValue {
			key = strings.TrimPrefix(table+"."+key, ".")
		} else {
			table = key
		}
		for ; key != ""; key = key[:max(0, strings.LastIndex(key, "."))] {
			if lines[key] == 0 {
				lines[key] = row
			}
		}
	}
	return lines
}

// useWholePaths makes the names of files good from any other folder.
func (c *Config) useWholePaths(file string) {
	c.Relay = slices.Clone(c.Relay)
	c.resolvePaths(file)
	for _, p := range append(c.paths(), &c.Database) {
		if strings.Contains(*p, "://") {
			continue // another kind of database has no path
		}
		if whole, err := filepath.Abs(*p); err == nil && *p != "" {
			*p = whole
		}
	}
}

// newsletters gives the configuration of every newsletter, the main one first.
func (c *Config) newsletters() []*Config {
	if len(c.site) == 0 {
		return []*Config{c}
	}
	return c.site
}

// of finds a newsletter by its slug; none is the main one.
func (c *Config) of(slug string) (*Config, error) {
	var known []string
	for _, n := range c.newsletters() {
		if n.Newsletter.Slug == slug || slug == "" {
			return n, nil
		}
		known = append(known, n.Newsletter.Slug)
	}
	return nil, fmt.Errorf("there is no newsletter %q; %s has %s", slug, c.file, strings.Join(known, ", "))
}
