package main

import (
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manCommand writes what the release packs; a person reads it with --help.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man FOLDER",
		Short:  "Write the man pages into a folder",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			// The same source gives the same pages: they bear the commit's date.
			date := a.now()
			if text, found := envValue(a.environ, "SOURCE_DATE_EPOCH"); found {
				seconds, err := strconv.ParseInt(text, 10, 64)
				if err != nil {
					return &usageError{err}
				}
				date = time.Unix(seconds, 0).UTC()
			}
			root := c.Root()
			root.DisableAutoGenTag = true
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Manual: "Apta", Source: "apta", Date: &date}, filepath.Clean(args[0]))
		},
	}
}
