package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"apta/newsletter/delivery"
	"apta/subscribers/database"

	"github.com/spf13/cobra"
)

// backupName is how copies are named that have no name of the operator's; in
// their order of time they are in that of the alphabet.
const (
	backupName   = "apta-20060102T150405Z.db"
	upgradeName  = "apta-before-upgrade-20060102T150405.000Z.db"
	backupGlob   = "apta-[0-9]*T[0-9]*Z.db"
	replacedName = ".replaced-20060102T150405Z"
)

func (a *app) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup [FILE]",
		Short: "Copy the database while apta goes on working",
		Long: `Copy the database to a file while apta goes on working. The copy is of one
moment; it is read back, checked and counted before it gets its name. Without
FILE it is put into backup.folder under a name of its own, and of those there the
newest backup.keep are kept.

The file holds readers' addresses. What it does not hold is named at the end: keep
that too, elsewhere. On PostgreSQL use pg_dump.`,
		Example: "  apta backup\n  apta backup /mnt/elsewhere/apta.db",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			file := filepath.Join(cfg.Backup.Folder, a.now().UTC().Format(backupName))
			if len(args) > 0 {
				file = args[0]
			} else if err := os.MkdirAll(cfg.Backup.Folder, 0o700); err != nil {
				return fmt.Errorf("backup.folder: %w", err)
			}
			if err := a.backup(c.Context(), cfg, file); err != nil || len(args) > 0 {
				return err
			}
			return a.forgetBackups(cfg)
		},
	}
}

func (a *app) backup(ctx context.Context, cfg *Config, file string) error {
	counts, err := database.Backup(ctx, cfg.Database, file)
	switch {
	case errors.Is(err, database.ErrNoFile):
		return fmt.Errorf("the database is PostgreSQL, which has its own: pg_dump --format=custom --file=%s %s", file, withoutCredentials(cfg.Database))
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: give another name, or remove it", err)
	case err != nil:
		return err
	}
	var rows int64
	for _, c := range counts {
		rows += c.Rows
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "wrote %s: %d bytes, %d rows in %d tables, checked\nkeep these too, elsewhere:\n", file, info.Size(), rows, len(counts))
	for _, k := range cfg.keepBesides() {
		fmt.Fprintf(a.stdout, "  %s\n", k)
	}
	return nil
}

// backups are the copies with a name of our own, the oldest first.
func (c *Config) backups() ([]string, error) {
	list, err := filepath.Glob(filepath.Join(c.Backup.Folder, backupGlob))
	slices.Sort(list)
	return list, err
}

func (a *app) forgetBackups(cfg *Config) error {
	list, err := cfg.backups()
	if err != nil || cfg.Backup.Keep == 0 || len(list) <= cfg.Backup.Keep {
		return err
	}
	for _, old := range list[:len(list)-cfg.Backup.Keep] {
		if err := os.Remove(old); err != nil {
			return fmt.Errorf("backup.keep: %w", err)
		}
		fmt.Fprintf(a.stdout, "removed %s\n", old)
	}
	return nil
}

func (a *app) restoreCommand() *cobra.Command {
	var replace bool
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the database's place",
		Long: `Put a backup in the database's place. The backup is checked first; one of a
newer version of apta is refused. Stop apta serve before. With --replace the
database that is there is kept beside it under another name.

Nothing is sent from a restored database until "apta database accept": it does
not know what went out after the backup was made.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			return a.restore(c.Context(), cfg, args[0], replace)
		},
	}
	c.Flags().BoolVar(&replace, "replace", false, "keep the database that is there under another name")
	return c
}

func (a *app) restore(ctx context.Context, cfg *Config, file string, replace bool) error {
	if strings.Contains(cfg.Database, "://") {
		return fmt.Errorf("the database is PostgreSQL, which has its own: pg_restore --clean --if-exists --dbname=%s %s, and then, before anything is sent, look at apta issue list", withoutCredentials(cfg.Database), file)
	}
	if sameDatabase(cfg.Database, file) {
		return &usageError{fmt.Errorf("%s is the database itself", file)}
	}
	if _, err := os.Stat(file + "-wal"); err == nil {
		return fmt.Errorf("beside %s there is %s-wal, so it is a database in use and no backup: make one with apta backup", file, file)
	}
	versions, counts, err := database.Inspect(ctx, file, schemas()...)
	if err != nil {
		return err
	}
	if err := database.CheckNewer(versions); err != nil {
		return err
	}
	aside := ""
	if replace {
		aside = cfg.Database + a.now().UTC().Format(replacedName)
	}
	// The mark comes first: a crash between the two leaves the old database, which
	// then wants to be accepted too, and never a restored one that sends.
	err = database.Restore(ctx, file, cfg.Database, aside, func() error { return delivery.Distrust(cfg.StateFile) })
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: with --replace it is kept under another name", err)
	case errors.Is(err, database.ErrShared):
		return fmt.Errorf("%w: stop apta serve and apta work first, then start again; nothing was changed", err)
	case err != nil:
		return err
	}
	for _, c := range counts {
		if c.Rows > 0 && !strings.HasPrefix(c.Table, "river_") && !strings.Contains(c.Table, "_fts") {
			fmt.Fprintf(a.stdout, "%10d %s\n", c.Rows, c.Table)
		}
	}
	if aside != "" {
		if _, err := os.Stat(aside); err == nil {
			fmt.Fprintf(a.stdout, "what was there is now %s\n", aside)
		}
	}
	fmt.Fprintf(a.stdout, "restored %s\nNothing is sent until you say: apta database accept. Look at apta issue list before.\n", cfg.Database)
	return nil
}

// newestBackup gives the newest copy with a name of our own; ok is false where
// there is none.
func (c *Config) newestBackup() (file string, at time.Time, ok bool) {
	list, err := c.backups()
	if err != nil || len(list) == 0 {
		return "", time.Time{}, false
	}
	file = list[len(list)-1]
	at, err = time.Parse(backupName, filepath.Base(file))
	return file, at, err == nil
}
