package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) scheduleCommand() *cobra.Command {
	c := &cobra.Command{Use: "schedule", Short: "Look at the weekly schedule, skip weeks",
		Long: "Look at the weekly schedule, skip weeks. All times are in the zone of schedule.zone (docs/schedule.md)."}
	c.AddCommand(a.scheduleNext(), a.scheduleCalendar(), a.scheduleSkip(), a.scheduleUnskip())
	return c
}

func (a *app) scheduleNext() *cobra.Command {
	var count int
	var after string
	c := &cobra.Command{
		Use:   "next",
		Short: "Print the coming slots and the window each one covers",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			t := a.now()
			if after != "" {
				if t, err = time.Parse(time.RFC3339, after); err != nil {
					return &usageError{fmt.Errorf("--after %q is not a time like 2024-10-14T09:00:00+05:00", after)}
				}
			}
			const layout = "Mon 2006-01-02 15:04 -07:00"
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintf(w, "WEEK\tASSEMBLED AT (%s)\tITEMS FROM\tTO\n", cfg.Schedule.Zone)
			for range count {
				if t = cfg.cron.Next(t); t.IsZero() {
					break
				}
				window := cfg.slotWindow(t)
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", window.Name, t.Format(layout), window.From.Format(layout), window.To.Format(layout))
			}
			return w.Flush()
		},
	}
	c.Flags().IntVarP(&count, "count", "n", 5, "this many")
	c.Flags().StringVar(&after, "after", "", "slots after this RFC 3339 time (default now)")
	return c
}
