package main

import (
	"fmt"
	"text/tabwriter"

	"apta/subscribers/database"

	"github.com/spf13/cobra"
)

func (a *app) itemSources() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "sources ID",
		Short: "List who else told an item's story, as feeds brought it",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := database.ParseID(args[0])
			if err != nil {
				return &usageError{err}
			}
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			list, err := r.newsletter.Tellings(c.Context(), id)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, list)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "PUBLISHED\tSOURCE\tTITLE\tURL")
			for _, t := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.Published.In(a.cfg.zone).Format("2006-01-02 15:04"), t.Source, t.Title, t.URL)
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
