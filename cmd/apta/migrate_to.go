package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"apta/newsletter/delivery"
	"apta/subscribers/database"

	"github.com/spf13/cobra"
)

func (a *app) migrateToCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate-to URL",
		Short: "Copy everything to another database: from SQLite to PostgreSQL or back",
		Long: `Copy everything to another, empty database: from SQLite to PostgreSQL, or back to a
file. Stop apta serve and apta work first; the copy is of one moment. It is
written in one transaction, read back and compared row by row: broken off at any
point it leaves the new database empty and may be started again.

Readers, items, issues, editions, slots and the ledger come along, so an issue
that is half sent goes on where it stopped and nobody gets it twice. The tables
of the job engine (river_...) are not copied: its jobs are made anew. From then on
apta sends nothing from the old database by itself.`,
		Example: "  apta migrate-to postgres://apta:password@db.news.example/apta\n  apta migrate-to copy.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			return a.migrateTo(c.Context(), cfg, args[0])
		},
	}
}

func (a *app) migrateTo(ctx context.Context, cfg *Config, target string) error {
	if sameDatabase(cfg.Database, target) {
		return &usageError{fmt.Errorf("%s is the database that everything is in already", withoutCredentials(target))}
	}
	from, err := database.OpenAlone(ctx, cfg.Database)
	if errors.Is(err, database.ErrShared) {
		return fmt.Errorf("%w: stop apta serve and apta work first, then start again; nothing was changed", err)
	}
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := database.Open(ctx, target)
	if err != nil {
		return err
	}
	defer to.Close()
	if err := from.Migrate(ctx, schemas()...); err != nil {
		return err
	}
	// An old copy must not become the database to go on with unnoticed.
	if err := a.pass(ctx, delivery.NewGuard(delivery.NewLedger(from, a.now), cfg.StateFile)); err != nil {
		return err
	}
	counts, err := a.copyAll(ctx, from, to)
	if errors.Is(err, database.ErrNotEmpty) {
		return fmt.Errorf("%w; make a fresh database for it, or drop that one and make it again", err)
	}
	if err != nil {
		return err
	}
	// One further than the old database has counted: that one is an old copy now.
	if err := delivery.NewGuard(delivery.NewLedger(to, a.now), cfg.StateFile).Accept(ctx); err != nil {
		return err
	}
	a.printMigrated(cfg, counts, target)
	return nil
}

func sameDatabase(a, b string) bool {
	pathA, errA := filepath.Abs(strings.TrimPrefix(a, "sqlite:"))
	pathB, errB := filepath.Abs(strings.TrimPrefix(b, "sqlite:"))
	return a == b || errA == nil && errB == nil && pathA == pathB
}

func (a *app) copyAll(ctx context.Context, from, to *database.DB) ([]database.TableCount, error) {
	bar := a.bar("copying and comparing", 0)
	defer bar.Finish()
	return database.Copy(ctx, from, to, schemas(), func(done, total int64) { bar.SetTotal(total).SetCurrent(done) })
}

func (a *app) printMigrated(cfg *Config, counts []database.TableCount, target string) {
	for _, c := range counts {
		fmt.Fprintf(a.stdout, "%10d %s\n", c.Rows, c.Table)
	}
	shown := target
	if u, err := url.Parse(target); err == nil && u.Scheme != "" {
		shown = strings.Replace(u.Redacted(), ":xxxxx@", ":PASSWORD@", 1)
	}
	fmt.Fprintf(a.stdout, `every row was read back and is the same

Next, in %s (or APTA_DATABASE):
  database = %q
Keep secret_file and state_file as they are. Keep %s until the next issue is out;
apta sends nothing from it any more unless you say so.
`, cfg.file, shown, withoutCredentials(cfg.Database))
}

// withoutCredentials names a database in a message.
func withoutCredentials(database string) string {
	if u, err := url.Parse(database); err == nil && u.User != nil {
		return u.Redacted()
	}
	return database
}
