package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// sampleConfig is what apta init writes.
//
//go:embed apta.toml
var sampleConfig []byte

func (a *app) initCommand() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:     "init [FILE]",
		Short:   "Write a commented apta.toml and a secret for readers' links",
		Example: "  apta init\n  apta init /etc/apta/apta.toml",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			file := a.configFile
			if len(args) == 1 {
				file = args[0]
			}
			if file == "" {
				file = "apta.toml"
			}
			flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
			if force {
				flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
			}
			f, err := os.OpenFile(file, flags, 0o644)
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s is there already; --force writes it anew", file)
			}
			if err != nil {
				return err
			}
			_, err = f.Write(sampleConfig)
			if err := errors.Join(err, f.Close()); err != nil {
				return err
			}
			cfg := defaults()
			cfg.SecretFile = filepath.Join(filepath.Dir(file), cfg.SecretFile)
			if _, err := cfg.loadSecret(); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "wrote %s and %s\nNext: set newsletter, mail and smtp in %s, then apta item import FILE.\n", file, cfg.SecretFile, file)
			return nil
		},
	}
	c.Flags().BoolVar(&force, "force", false, "overwrite the file")
	return c
}
