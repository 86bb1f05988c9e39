package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"apta/subscribers/database"

	"github.com/spf13/cobra"
)

func (a *app) upgradeCommand() *cobra.Command {
	var check bool
	c := &cobra.Command{
		Use:   "upgrade",
		Short: "Bring the database to what this version of apta knows, or say what would be done",
		Long: `Bring the database to what this version of apta knows. Every verb that opens
the database does the same by itself, and copies a SQLite file to backup.folder
before. With --check nothing is changed: the configuration is read and the tables
are looked at, so that a new binary can be tried beside the running one. A database
of a newer version is refused by both.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			if !check {
				if _, err := a.open(c.Context()); err != nil {
					return err
				}
			}
			return a.checkUpgrade(c.Context(), cfg)
		},
	}
	c.Flags().BoolVar(&check, "check", false, "change nothing")
	return c
}

func (a *app) checkUpgrade(ctx context.Context, cfg *Config) error {
	if _, err := os.Stat(cfg.Database); errors.Is(err, fs.ErrNotExist) && filepath.IsAbs(cfg.Database) {
		fmt.Fprintf(a.stdout, "apta %s; %s does not exist yet\n", version(), cfg.Database)
		return nil
	}
	db, err := database.Open(ctx, cfg.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	versions, err := db.Versions(ctx, schemas()...)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "apta %s\n", version())
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TABLES OF\tARE AT\tTHIS VERSION HAS")
	for _, v := range versions {
		fmt.Fprintf(w, "%s\t%d\t%d\n", v.Owner, v.Is, v.Known)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := database.CheckNewer(versions); err != nil {
		return err
	}
	if !database.Due(versions) {
		fmt.Fprintln(a.stdout, "up to date")
		return nil
	}
	fmt.Fprintln(a.stdout, "the next start changes the tables; a SQLite file is copied before")
	return nil
}

// migrate brings the tables up to date. Where that changes tables which are
// there, a SQLite file is copied first: there is no way back otherwise.
func (a *app) migrate(ctx context.Context, cfg *Config, db *database.DB) error {
	versions, err := db.Versions(ctx, schemas()...)
	if err != nil {
		return err
	}
	if err := database.CheckNewer(versions); err != nil {
		return fmt.Errorf("%w; start the newer apta, or restore the copy made before it was upgraded (%s)", err, cfg.Backup.Folder)
	}
	if database.Due(versions) && db.Kind() == database.SQLite {
		if err := os.MkdirAll(cfg.Backup.Folder, 0o700); err != nil {
			return fmt.Errorf("backup.folder: %w", err)
		}
		file := filepath.Join(cfg.Backup.Folder, a.now().UTC().Format(upgradeName))
		if _, err := database.Backup(ctx, cfg.Database, file); err != nil {
			return fmt.Errorf("the tables are to be changed, and no copy can be made before: %w; nothing was changed", err)
		}
		fmt.Fprintf(a.stderr, "apta: the tables are brought up to date; a copy of what was is in %s\n", file)
	}
	return db.Migrate(ctx, schemas()...)
}
