package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"apta/newsletter"
	"apta/newsletter/schedule"

	"github.com/spf13/cobra"
)

// calendarLine is one slot of the calendar as JSON has it.
type calendarLine struct {
	Week    string    `json:"week"`
	At      time.Time `json:"at"`
	Zone    string    `json:"zone"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	CutOff  time.Time `json:"cut_off,omitzero"`
	Skipped bool      `json:"skipped"`
	Why     string    `json:"why,omitempty"`
}

func (a *app) scheduleCalendar() *cobra.Command {
	var count int
	var asJSON bool
	c := &cobra.Command{
		Use:   "calendar",
		Short: "Print the coming weeks, the skipped ones among them",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			days, err := a.flow(r).Calendar(c.Context(), a.now(), count)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, a.calendarLines(days))
			}
			return a.printCalendar(days)
		},
	}
	c.Flags().IntVarP(&count, "count", "n", 8, "this many")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) calendarLines(days []schedule.Day) []calendarLine {
	lines := make([]calendarLine, len(days))
	for i, d := range days {
		lines[i] = calendarLine{Week: d.Window.Name, At: d.Slot, Zone: a.cfg.zone.String(), From: d.Window.From, To: d.Window.To, Skipped: d.Skipped, Why: d.Why}
		if a.cfg.flow.cutOff > 0 && !d.Skipped && a.cfg.Schedule.Policy == "approve" {
			lines[i].CutOff = d.Slot.Add(a.cfg.flow.cutOff)
		}
	}
	return lines
}

func (a *app) printCalendar(days []schedule.Day) error {
	const layout = "Mon 2006-01-02 15:04"
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "WEEK\tASSEMBLED AT (%s)\tCUT-OFF\tITEMS FROM\t\n", a.cfg.zone)
	for _, l := range a.calendarLines(days) {
		cutOff, from := "-", l.From.In(a.cfg.zone).Format(layout)
		switch {
		case l.Skipped:
			cutOff, from = "", l.Why+"; its items roll into the next week"
		case !l.CutOff.IsZero():
			cutOff = l.CutOff.In(a.cfg.zone).Format(layout)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t\n", l.Week, l.At.Format(layout), cutOff, from)
	}
	return w.Flush()
}

func (a *app) scheduleSkip() *cobra.Command {
	var why string
	c := &cobra.Command{
		Use:   "skip WEEK|DATE",
		Short: "Make no issue in a week, or on a day or days",
		Long: `Make no issue in a week, or on a day or days: the issue named 2026-W52, or every
slot that lies on the days, in the schedule's zone. The items of a skipped week
stand in the next issue that is made. schedule.skip in the configuration does the same.`,
		Example: "  apta schedule skip 2026-W52 --why Christmas\n  apta schedule skip 2026-12-24..2027-01-05",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			skip, err := schedule.ParseSkip(newsletter.Skip{Span: args[0], Why: why})
			if err != nil {
				return &usageError{err}
			}
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			slug := a.cfg.Newsletter.Slug
			state, err := r.newsletter.SlotState(c.Context(), slug, skip.Span)
			if err != nil {
				return err
			}
			if state != "" {
				return fmt.Errorf("the slot of %s has come already: hold its issue instead (apta issue hold %s)", skip.Span, skip.Span)
			}
			if err := r.newsletter.AddSkip(c.Context(), slug, skip.Skip); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s is skipped (apta schedule calendar)\n", skip.Span)
			return nil
		},
	}
	c.Flags().StringVar(&why, "why", "", "the reason, which the editors are told")
	return c
}

func (a *app) scheduleUnskip() *cobra.Command {
	return &cobra.Command{
		Use:   "unskip WEEK|DATE",
		Short: "Take back what apta schedule skip said",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			err = r.newsletter.RemoveSkip(c.Context(), a.cfg.Newsletter.Slug, args[0])
			if errors.Is(err, newsletter.ErrNotFound) {
				for _, s := range a.cfg.Schedule.Skip {
					if s == args[0] {
						return fmt.Errorf("%s is skipped by the configuration: take it out of schedule.skip in %s", args[0], a.cfg.file)
					}
				}
				return fmt.Errorf("%s is not skipped by that name (apta schedule calendar shows what is)", args[0])
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s is not skipped any more\n", args[0])
			return nil
		},
	}
}
