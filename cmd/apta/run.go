package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"apta/newsletter"
	"apta/newsletter/api"
	"apta/newsletter/bounce"
	"apta/newsletter/delivery"
	"apta/newsletter/desk"
	"apta/newsletter/intake/feeds"
	"apta/newsletter/jobs"
	"apta/newsletter/metrics"
	"apta/newsletter/notice"
	"apta/newsletter/render"
	"apta/newsletter/webhooks"
	"apta/subscribers"
	"apta/subscribers/database"

	"github.com/spf13/cobra"
)

// errReported says that all there is to say was printed already, and that the
// exit status is still to be 1.
var errReported = errors.New("reported")

// usageError is a command line that makes no sense.
type usageError struct{ error }

// run is the whole program, as main and the tests call it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, environ: os.Environ(), now: time.Now}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	return errors.Join(err, a.close())
}

// app is what the verbs share: where they read and write, the configuration,
// and, once a verb asks for them, the open rooms.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	now            func() time.Time

	configFile string
	language   string // of the issue that a verb works on; empty is the main one
	slug       string // of the newsletter that a verb works on; empty is the main one
	cfg        *Config
	rooms      *rooms
}

// rooms are the stores over one open database.
type rooms struct {
	db          *database.DB
	ids         *database.IDs
	newsletter  *newsletter.Store
	subscribers *subscribers.Store
	ledger      *delivery.Ledger
	jobs        *jobs.Engine
	notices     *notice.Store // mails to editors
	keys        *subscribers.Keys
	webhooks    *webhooks.Hooks
	renderer    *render.Renderer
	log         *slog.Logger
	metrics     *metrics.Metrics // set by handler
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "apta",
		Short: "Assemble a weekly review, show it to editors, send it to subscribers",
		Example: `  apta demo                        see the whole job done on this machine
  apta init                        write a commented apta.toml
  apta item import week.jsonl      store a week's items
  apta issue compose --save        assemble the week
  apta serve                       web server, scheduler and sender in one`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.PersistentFlags().StringVar(&a.configFile, "config", "", "configuration file (default apta.toml, or APTA_CONFIG)")
	root.PersistentFlags().StringVar(&a.slug, "newsletter", "", "newsletter to work on, by its slug (default that of the configuration file)")
	root.AddCommand(
		a.demoCommand(), a.initCommand(), a.serveCommand(), a.workCommand(),
		a.itemCommand(), a.feedCommand(), a.issueCommand(), a.scheduleCommand(), a.newsletterCommand(),
		a.subscriberCommand(), a.suppressCommand(),
		a.editorCommand(), a.tokenCommand(), a.webhookCommand(), a.templateCommand(), a.bounceCommand(), a.dkimCommand(), a.jobsCommand(),
		a.doctorCommand(), a.databaseCommand(), a.backupCommand(), a.restoreCommand(), a.upgradeCommand(), a.migrateToCommand(),
		a.manCommand(),
	)
	for _, c := range allCommands(root) {
		if c.RunE == nil {
			c.RunE = func(c *cobra.Command, args []string) error {
				if len(args) > 0 {
					return &usageError{fmt.Errorf("%s knows no %q", c.CommandPath(), args[0])}
				}
				return c.Help()
			}
		}
		if check := c.Args; check != nil {
			c.Args = func(c *cobra.Command, args []string) error {
				if err := check(c, args); err != nil {
					return &usageError{fmt.Errorf("%s: %w (usage: %s)", c.CommandPath(), err, c.UseLine())}
				}
				return nil
			}
		}
	}
	return root
}

func allCommands(c *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		list = append(list, allCommands(sub)...)
	}
	return list
}

// config reads the configuration once.
func (a *app) config() (*Config, error) {
	if a.cfg != nil {
		return a.cfg, nil
	}
	file, named := a.configFile, a.configFile != ""
	if !named {
		file, named = envValue(a.environ, "APTA_CONFIG")
	}
	if file == "" {
		file, named = "apta.toml", false
	}
	cfg, err := loadConfig(file, named, a.environ)
	if err != nil {
		return nil, err
	}
	if a.cfg, err = cfg.of(a.slug); err != nil {
		return nil, &usageError{fmt.Errorf("--newsletter: %w", err)}
	}
	return a.cfg, nil
}

func envValue(environ []string, name string) (string, bool) {
	for _, e := range environ {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v, v != ""
		}
	}
	return "", false
}

// schemas are the tables of every room.
func schemas() []database.Schema {
	return []database.Schema{
		subscribers.Schema(), newsletter.Schema(), delivery.Schema(), api.Schema(), jobs.Schema(), feeds.Schema(),
		notice.Schema(), bounce.Schema(), webhooks.Schema(), desk.Schema(),
	}
}

// open opens the database, brings its tables up to date, and gives the rooms.
func (a *app) open(ctx context.Context) (*rooms, error) {
	if a.rooms != nil {
		return a.rooms, nil
	}
	cfg, err := a.config()
	if err != nil {
		return nil, err
	}
	secret, err := cfg.loadSecret()
	if err != nil {
		return nil, err
	}
	keys, err := subscribers.NewKeys(secret)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	renderer, err := render.New()
	if err != nil {
		return nil, err
	}
	for _, c := range cfg.site {
		if c.Newsletter.Templates == "" {
			continue
		}
		if err := renderer.UseFolder(c.Newsletter.Templates); err != nil {
			return nil, fmt.Errorf("%s: newsletter.templates: %w", c.at("newsletter.templates"), err)
		}
	}
	db, err := database.Open(ctx, cfg.Database)
	if err != nil {
		return nil, err
	}
	if err := a.migrate(ctx, cfg, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	main := cfg.newsletters()[0].Newsletter.Slug
	ids, log := database.NewIDs(a.now, nil), newLog(a.stderr, cfg.Log)
	readers := subscribers.NewStore(db, ids, keys, a.now)
	if err := readers.For(main).Adopt(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	renderer.LogTo(log)
	a.rooms = &rooms{
		db: db, ids: ids, newsletter: newsletter.NewStore(db, ids, a.now), subscribers: readers.For(cfg.Newsletter.Slug).WithRules(cfg.rules),
		ledger: delivery.NewLedger(db, a.now), jobs: jobs.New(db, log), notices: notice.NewStore(db, ids, a.now), keys: keys, renderer: renderer, log: log,
	}
	a.listen(a.rooms)
	return a.rooms, nil
}

func (a *app) close() error {
	if a.rooms == nil {
		return nil
	}
	return a.rooms.db.Close()
}

// loadSecret gives the secret from which readers' links are made. Where there is
// none yet and it is to be in a file, the file is written: whoever loses it
// loses the links in all mails sent so far, and nothing else.
func (c *Config) loadSecret() ([]byte, error) {
	if c.Secret != "" {
		return []byte(c.Secret), nil
	}
	if c.SecretFile == "" {
		return nil, fmt.Errorf("%s: secret_file: it is empty and so is secret: readers' links are made from one of them", c.file)
	}
	text, err := readSecret("secret_file", c.SecretFile)
	if errors.Is(err, fs.ErrNotExist) {
		return c.writeSecret()
	}
	if err != nil {
		return nil, err
	}
	if len(text) < 32 {
		return nil, fmt.Errorf("secret_file: %s holds %d characters, at least 32 are needed", c.SecretFile, len(text))
	}
	return []byte(text), nil
}

func (c *Config) writeSecret() ([]byte, error) {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails
	text := hex.EncodeToString(raw)
	if err := os.MkdirAll(filepath.Dir(c.SecretFile), 0o755); err != nil {
		return nil, fmt.Errorf("secret_file: %w", err)
	}
	// O_EXCL: of two programs that start at once only one writes it.
	f, err := os.OpenFile(c.SecretFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		text, err := readSecret("secret_file", c.SecretFile)
		return []byte(text), err
	}
	if err != nil {
		return nil, fmt.Errorf("secret_file: %w", err)
	}
	_, err = f.WriteString(text + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("secret_file: %w", err)
	}
	return []byte(text), nil
}
