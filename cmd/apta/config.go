package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/delivery"
	"apta/newsletter/schedule"
	"apta/subscribers"

	"github.com/pelletier/go-toml/v2"
)

// Config is everything an operator may set. Each key can be overridden by an
// environment variable: smtp.host is APTA_SMTP_HOST.
type Config struct {
	Database    string                    `toml:"database"`
	Listen      string                    `toml:"listen"`
	BaseURL     string                    `toml:"base_url"`
	Secret      string                    `toml:"secret"`
	SecretFile  string                    `toml:"secret_file"`
	StateFile   string                    `toml:"state_file"`
	Proxies     []string                  `toml:"proxies"`
	Newsletters []string                  `toml:"newsletters"`
	Newsletter  NewsletterConfig          `toml:"newsletter"`
	Language    map[string]LanguageConfig `toml:"language"`
	Subscribe   SubscribeConfig           `toml:"subscribe"`
	Schedule    ScheduleConfig            `toml:"schedule"`
	Mail        MailConfig                `toml:"mail"`
	SMTP        RelayConfig               `toml:"smtp"`
	Relay       []RelayConfig             `toml:"relay"`
	Limits      LimitsConfig              `toml:"limits"`
	DKIM        DKIMConfig                `toml:"dkim"`
	Theme       []ThemeConfig             `toml:"theme"`
	Intake      IntakeConfig              `toml:"intake"`
	OIDC        OIDCConfig                `toml:"oidc"`
	Bounces     BouncesConfig             `toml:"bounces"`
	Look        LookConfig                `toml:"look"`
	Backup      BackupConfig              `toml:"backup"`
	Webhooks    WebhooksConfig            `toml:"webhooks"`
	Metrics     MetricsConfig             `toml:"metrics"`
	TLS         TLSConfig                 `toml:"tls"`
	Log         LogConfig                 `toml:"log"`
	Doctor      DoctorConfig              `toml:"doctor"`

	file     string         // where it was read from, for messages
	mainFile string         // of the site, where this is not it
	lines    map[string]int // of the file's keys, where they are known
	site     []*Config      // of all newsletters, the main one first
	tongues  []*Config      // this newsletter's in each of its languages, the main one first
	zone     *time.Location
	cron     schedule.Schedule
	from     mail.Address

	lateness time.Duration // schedule.lateness
	flow     flowTimes
	proxies  []netip.Prefix
	rules    subscribers.Rules
	phrases  *assemble.Phrases
}

// NewsletterConfig says whose newsletter it is and how its texts are made.
type NewsletterConfig struct {
	Slug        string   `toml:"slug"`
	Name        string   `toml:"name"`
	Newsroom    string   `toml:"newsroom"`
	Language    string   `toml:"language"`
	Languages   []string `toml:"languages"`
	TitlePrefix string   `toml:"title_prefix"`
	Standfirst  string   `toml:"standfirst"`
	StyleFile   string   `toml:"style_file"`
	Subject     string   `toml:"subject"`
	Preheader   string   `toml:"preheader"`
	Latest      int      `toml:"latest"`
	MinItems    int      `toml:"min_items"`
	MaxItems    int      `toml:"max_items"`
	Postal      string   `toml:"postal_address"`
	Reason      string   `toml:"reason"`
	// What becomes of a week that has fewer items than these want.
	BelowMinimum string `toml:"below_minimum"`
	MinLatest    int    `toml:"min_latest"`

	Topics    []string `toml:"topics"`
	Templates string   `toml:"templates"`
}

// ScheduleConfig says when an issue is assembled and what happens then.
type ScheduleConfig struct {
	Cron    string `toml:"cron"`
	Zone    string `toml:"zone"`
	Policy  string `toml:"policy"`
	Window  string `toml:"window"`
	CatchUp string `toml:"catch_up"`
	// Lateness is the age at which an issue or a send waits for a person.
	Lateness string `toml:"lateness"`

	Editors  []string `toml:"editors"`
	CutOff   string   `toml:"cut_off"`
	AtCutOff string   `toml:"at_cut_off"`
	Reminder string   `toml:"reminder"`
	CoolOff  string   `toml:"cool_off"`
	Skip     []string `toml:"skip"`
}

// MailConfig is what the headers of a mail say.
type MailConfig struct {
	From       string `toml:"from"`
	ReplyTo    string `toml:"reply_to"`
	ListID     string `toml:"list_id"`
	ReturnPath string `toml:"return_path"`
	Doubtful   string `toml:"doubtful"`
	Links      string `toml:"links"`
	Images     string `toml:"images"`
}

// defaults are what a key is worth when neither the file nor the environment sets it.
func defaults() Config {
	return Config{
		Database:   "apta.db",
		Listen:     "127.0.0.1:8080",
		BaseURL:    "http://127.0.0.1:8080",
		SecretFile: "apta.key",
		StateFile:  "apta.state",
		Newsletter: NewsletterConfig{
			Slug: "weekly", Name: "Week in Review", Newsroom: "The newsroom", Language: "en", TitlePrefix: "Week in Review",
			Standfirst: "{newsroom} has put together a brief synopsis of the past week.", Latest: 20,
			Reason: "You receive this because you subscribed to {name}.", BelowMinimum: "roll",
		},
		Subscribe: defaultSubscribe(),
		Schedule: ScheduleConfig{Cron: "0 9 * * FRI", Zone: "UTC", Policy: "approve", Window: "rolling", CatchUp: "latest", Lateness: "72h",
			CutOff: "0s", AtCutOff: "hold", Reminder: "1h", CoolOff: "15m"},
		Mail:    MailConfig{Doubtful: "resend", Links: "numbered", Images: "hosted"},
		SMTP:    defaultRelay(),
		Intake:  IntakeConfig{Poll: "30m"},
		Backup:  BackupConfig{Folder: "backups"},
		TLS:     TLSConfig{ACMEFolder: "acme"},
		Log:     LogConfig{Format: "text", Addresses: "short"},
		Doctor:  DoctorConfig{TimeServer: "pool.ntp.org:123"},
		Bounces: defaultBounces(),
		Look:    LookConfig{LogoHeight: 28},
	}
}

// loadConfig reads the file, lets the environment override it, and checks the
// whole. A file that was not named and is not there is no error. The error has
// one line for each thing that is wrong.
func loadConfig(file string, named bool, environ []string) (*Config, error) {
	c := defaults()
	c.file = file
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
		c.file = "the configuration"
	case err != nil:
		return nil, fmt.Errorf("cannot read the configuration: %w (apta init writes one)", err)
	default:
		if err := decodeTOML(file, text, &c); err != nil {
			return nil, err
		}
	}
	problems := overrideFromEnv(&c, environ)
	base := c
	c.Relay = slices.Clone(c.Relay)
	c.fillRelays()
	problems = append(problems, c.check()...)
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	c.resolvePaths(file)
	if err := c.readLook(); err != nil {
		return nil, err
	}
	if err := c.readTongues(); err != nil {
		return nil, err
	}
	if err := c.loadNewsletters(base); err != nil {
		return nil, err
	}
	return &c, nil
}

// decodeTOML reports every unknown key with its line, or the first syntax error.
func decodeTOML(file string, text []byte, c *Config) error {
	return decodeStrict(file, text, c, unknownKey)
}

// unknownKey says that there is no such key, and which may be meant.
func unknownKey(key toml.Key) string {
	name := strings.Join(key, ".")
	return fmt.Sprintf("unknown key %q%s", name, didYouMean(name, configKeys()))
}

// decodeStrict decodes a file into what has all keys that it may set. Of every
// other key unknown says what is wrong with it.
func decodeStrict(file string, text []byte, into any, unknown func(toml.Key) string) error {
	err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(into)
	var strict *toml.StrictMissingError
	if !errors.As(err, &strict) {
		return tomlError(file, err)
	}
	var all []error
	for _, e := range strict.Errors {
		row, _ := e.Position()
		all = append(all, fmt.Errorf("%s:%d: %s", file, row, unknown(e.Key())))
	}
	return errors.Join(all...)
}

// tomlError says where a file is no TOML.
func tomlError(file string, err error) error {
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		row, col := decode.Position()
		return fmt.Errorf("%s:%d:%d: %s", file, row, col, strings.TrimPrefix(decode.Error(), "toml: "))
	}
	return err
}

// resolvePaths makes file names relative to the configuration's folder, so that
// it does not matter where apta is started from.
func (c *Config) resolvePaths(file string) {
	dir := filepath.Dir(file)
	for tag, l := range c.Language {
		if l.StyleFile != "" && !filepath.IsAbs(l.StyleFile) {
			l.StyleFile = filepath.Join(dir, l.StyleFile)
			c.Language[tag] = l
		}
	}
	for _, p := range c.paths() {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	if path, ok := strings.CutPrefix(c.Database, "sqlite:"); ok || !strings.Contains(c.Database, "://") {
		if path == "" {
			path = c.Database
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		c.Database = path
	}
}

// paths are the keys that name files.
func (c *Config) paths() []*string {
	files := []*string{
		&c.SecretFile, &c.StateFile, &c.Newsletter.StyleFile, &c.Newsletter.Templates, &c.Look.Logo, &c.Look.LogoDark, &c.SMTP.PasswordFile, &c.OIDC.ClientSecretFile, &c.DKIM.RSAFile, &c.DKIM.Ed25519File,
		&c.Backup.Folder, &c.Metrics.TokenFile, &c.TLS.CertFile, &c.TLS.KeyFile, &c.TLS.ACMEFolder, &c.TLS.ACMERoots,
	}
	for i := range c.Relay {
		files = append(files, &c.Relay[i].PasswordFile)
	}
	return append(files, c.Bounces.paths()...)
}

// check validates every key and gives one error for each that is wrong.
func (c *Config) check() (problems []error) {
	bad := func(key, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s: %s: "+format, append([]any{c.at(key), key}, args...)...))
	}
	oneOf := func(key, value string, allowed ...string) {
		for _, a := range allowed {
			if value == a {
				return
			}
		}
		bad(key, "%q is none of %s", value, strings.Join(allowed, ", "))
	}
	c.checkSchedule(bad, oneOf)
	c.checkFlow(bad, oneOf)
	c.checkMail(bad)
	c.checkReturnPath(bad)
	c.checkSubscribe(bad)
	c.checkLanguages(bad)
	for _, k := range [][3]string{{"dkim.rsa_selector", c.DKIM.RSASelector, c.DKIM.RSAFile}, {"dkim.ed25519_selector", c.DKIM.Ed25519Selector, c.DKIM.Ed25519File}} {
		if k[2] != "" && k[1] == "" {
			bad(k[0], "it is not set, but the key's file is: it is the name under which the key is published")
		}
	}
	if u, err := url.Parse(c.BaseURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
		bad("base_url", "%q is not the http or https address of a site, such as https://news.example.org", c.BaseURL)
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		bad("listen", "%q is not host:port, such as 127.0.0.1:8080", c.Listen)
	}
	if !validSlug(c.Newsletter.Slug) {
		bad("newsletter.slug", "%q: use lower-case letters, digits and hyphens", c.Newsletter.Slug)
	}
	if slices.Contains(takenSlugs, c.Newsletter.Slug) {
		bad("newsletter.slug", "%q is the address of another page: choose another", c.Newsletter.Slug)
	}
	if c.Newsletter.Latest < 0 || c.Newsletter.Latest > 200 {
		bad("newsletter.latest", "%d is not between 0 and 200", c.Newsletter.Latest)
	}
	if c.Secret != "" && len(c.Secret) < 32 {
		bad("secret", "it has %d characters, at least 32 are needed", len(c.Secret))
	}
	c.checkRules(bad)
	c.checkRelays(bad, oneOf)
	c.checkLimits(bad)
	c.checkIntake(bad)
	c.checkOIDC(bad)
	c.checkBounces(bad, oneOf)
	c.checkLook(bad, oneOf)
	c.checkBackup(bad)
	c.checkWebhooks(bad)
	c.checkOperation(bad, oneOf)
	return problems
}

func (c *Config) checkSchedule(bad func(key, format string, args ...any), oneOf func(key, value string, allowed ...string)) {
	oneOf("schedule.policy", c.Schedule.Policy, "approve", "auto")
	oneOf("schedule.window", c.Schedule.Window, "rolling", "week")
	oneOf("schedule.catch_up", c.Schedule.CatchUp, "latest", "all")
	oneOf("mail.doubtful", c.Mail.Doubtful, "resend", "hold")
	var err error
	if c.lateness, err = time.ParseDuration(c.Schedule.Lateness); err != nil || c.lateness <= 0 {
		bad("schedule.lateness", "%q is not a duration such as 72h", c.Schedule.Lateness)
	}
	if c.zone, err = time.LoadLocation(c.Schedule.Zone); err != nil || c.Schedule.Zone == "" || c.Schedule.Zone == "Local" {
		bad("schedule.zone", "%q is no time zone: use a name such as Asia/Almaty or UTC", c.Schedule.Zone)
		return
	}
	if c.cron, err = schedule.Parse(c.Schedule.Cron, c.zone); err != nil {
		bad("schedule.cron", "%v", err)
	}
}

func (c *Config) checkMail(bad func(key, format string, args ...any)) {
	for _, a := range []struct {
		key, value string
		into       *mail.Address
	}{{"mail.from", c.Mail.From, &c.from}, {"mail.reply_to", c.Mail.ReplyTo, nil}} {
		if a.value == "" {
			continue // what needs it says so when it is used
		}
		parsed, err := mail.ParseAddress(a.value)
		if err != nil {
			bad(a.key, "%q is not an address such as Week in Review <weekly@example.org>", a.value)
		} else if a.into != nil {
			*a.into = *parsed
		}
	}
}

// checkReturnPath takes a bare address in which the reader may be marked.
func (c *Config) checkReturnPath(bad func(key, format string, args ...any)) {
	if c.Mail.ReturnPath == "" {
		return
	}
	if _, err := subscribers.ParseAddress(strings.Replace(c.Mail.ReturnPath, delivery.ReaderMark, "reader", 1)); err != nil {
		bad("mail.return_path", "%v; write something like bounces@news.example or bounces+{reader}@news.example", err)
	}
}

// takenSlugs are the first parts of the addresses of pages.
var takenSlugs = []string{"api", "assets", "c", "desk", "healthz", "hooks", "images", "lost", "metrics", "n", "o", "p", "readyz", "subscribe", "u"}

func validSlug(s string) bool {
	return s != "" && len(s) <= 63 && s[0] != '-' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// masthead is the configuration as the rooms below know it.
func (c *Config) masthead() newsletter.Masthead {
	n := c.Newsletter
	return newsletter.Masthead{
		Slug: n.Slug, Name: n.Name, Newsroom: n.Newsroom, Postal: n.Postal, BaseURL: c.BaseURL, Language: n.Language, Zone: c.zone,
		Reason:    strings.NewReplacer("{name}", n.Name, "{newsroom}", n.Newsroom).Replace(n.Reason),
		Languages: n.Languages, Further: c.mainFile != "",
		Look: c.Look.look, Templates: n.Templates,
	}
}

// readSecret gives a secret from its file, without the final line break.
func readSecret(key, file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}
