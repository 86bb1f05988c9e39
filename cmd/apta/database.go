package main

import (
	"fmt"

	"apta/newsletter/delivery"

	"github.com/spf13/cobra"
)

func (a *app) databaseCommand() *cobra.Command {
	c := &cobra.Command{Use: "database", Short: "Look after the database"}
	c.AddCommand(&cobra.Command{
		Use:   "accept",
		Short: "Say that a restored database is the one to go on with",
		Long: `Say that a restored database is the one to go on with. Its ledger does not know
what was sent after the copy was made: an issue that went out since then would go
out again. Look at "apta issue list" first, and hold or cancel what was sent.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			if err := a.guard(r).Accept(c.Context()); err != nil {
				return err
			}
			fmt.Fprintln(a.stdout, "accepted; sending may go on")
			return nil
		},
	})
	return c
}

// guard notices a database that was restored from a copy.
func (a *app) guard(r *rooms) *delivery.Guard { return delivery.NewGuard(r.ledger, a.cfg.StateFile) }
