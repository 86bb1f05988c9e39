package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"apta/newsletter/bounce"
	"apta/newsletter/delivery"
	"apta/subscribers"

	"github.com/spf13/cobra"
)

// subscriber finds one by address.
func (a *app) subscriber(ctx context.Context, address string) (*rooms, subscribers.Subscriber, error) {
	email, err := subscribers.ParseAddress(address)
	if err != nil {
		return nil, subscribers.Subscriber{}, &usageError{err}
	}
	r, err := a.open(ctx)
	if err != nil {
		return nil, subscribers.Subscriber{}, err
	}
	sub, err := r.subscribers.ByEmail(ctx, email)
	if err != nil {
		return nil, sub, err
	}
	return r, sub, nil
}

// dossier is all that is stored about a reader, in every room.
type dossier struct {
	subscribers.Dossier
	Received []delivery.Received `json:"received"`
	Bounces  []bounce.Entry      `json:"bounces,omitempty"`
}

func (a *app) subscriberShow() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "show ADDRESS",
		Short:   "Show all that is stored about a subscriber, with the consent log",
		Example: "  apta subscriber show reader@example.org --json > reader.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, sub, err := a.subscriber(c.Context(), args[0])
			if err != nil {
				return err
			}
			var d dossier
			if d.Dossier, err = r.subscribers.Export(c.Context(), sub.ID); err != nil {
				return err
			}
			if d.Received, err = r.ledger.History(c.Context(), sub.ID); err != nil {
				return err
			}
			if d.Bounces, err = a.book(r).List(c.Context(), bounce.Filter{Reader: sub.ID}); err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(a.stdout)
				enc.SetEscapeHTML(false)
				enc.SetIndent("", "  ")
				return enc.Encode(d)
			}
			return a.printDossier(d)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON, which is what a reader may ask for")
	return c
}

func (a *app) printDossier(d dossier) error {
	sub := d.Subscriber
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", key, value)
		}
	}
	line("ID", sub.ID.String())
	line("address", sub.Email)
	line("name", sub.Name)
	status := string(sub.Status)
	if !sub.PausedUntil.IsZero() {
		status += " until " + sub.PausedUntil.Format(time.DateOnly)
	}
	line("status", status)
	line("language", sub.Language)
	line("format", sub.Format)
	line("topics", strings.Join(sub.Topics, ", "))
	if sub.Every > 1 {
		line("frequency", fmt.Sprintf("every %d weeks", sub.Every))
	}
	line("since", sub.Created.Format("2006-01-02 15:04:05Z"))
	if d.Application != nil {
		line("asked", d.Application.At.Format("2006-01-02 15:04:05Z")+", not confirmed")
	}
	if d.Change != nil {
		line("moving to", d.Change.Email)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, "\nConsent log")
	for _, e := range d.Consents {
		fmt.Fprintln(a.stdout, " ", e)
	}
	if len(d.Received) > 0 {
		fmt.Fprintln(a.stdout, "\nIssues")
	}
	for _, r := range d.Received {
		why := ""
		if r.Why != "" {
			why = ": " + r.Why
		}
		fmt.Fprintf(a.stdout, "  %s  %s %s%s\n", r.At.Format("2006-01-02 15:04:05Z"), r.Issue, r.State, why)
	}
	if len(d.Bounces) > 0 {
		fmt.Fprintln(a.stdout, "\nWhat came back")
	}
	for _, e := range d.Bounces {
		fmt.Fprintf(a.stdout, "  %s  %s %s %s: %s\n", e.At.Format("2006-01-02 15:04:05Z"), e.ID, e.Kind, e.Class, outcome(e))
	}
	return nil
}

func (a *app) subscriberPause() *cobra.Command {
	var until string
	c := &cobra.Command{
		Use:     "pause ADDRESS",
		Short:   "Send a subscriber nothing for a while, as they asked for",
		Example: "  apta subscriber pause reader@example.org --until 2024-12-01",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, sub, err := a.subscriber(c.Context(), args[0])
			if err != nil {
				return err
			}
			var end time.Time
			if until != "" {
				if end, err = time.ParseInLocation(time.DateOnly, until, a.cfg.zone); err != nil || !end.After(a.now()) {
					return &usageError{fmt.Errorf("--until %q is not a day to come, such as %s", until, a.now().AddDate(0, 1, 0).Format(time.DateOnly))}
				}
			}
			if err := r.subscribers.Pause(c.Context(), sub.ID, end, subscribers.Consent{Source: "command line"}); err != nil {
				return err
			}
			if end.IsZero() {
				fmt.Fprintf(a.stdout, "%s is paused until they come back\n", sub.Email)
			} else {
				fmt.Fprintf(a.stdout, "%s is paused until %s\n", sub.Email, until)
			}
			return nil
		},
	}
	c.Flags().StringVar(&until, "until", "", "the day on which the pause ends (YYYY-MM-DD); until they come back where it is not set")
	return c
}

func (a *app) subscriberErase() *cobra.Command {
	return &cobra.Command{
		Use:   "erase ADDRESS",
		Short: "Delete all that is stored about a subscriber",
		Long: `Delete all that is stored about a subscriber. A keyed hash of the address keeps it
from ever being mailed again; the ledger and the consent log stay under a number
that names nobody.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, sub, err := a.subscriber(c.Context(), args[0])
			if err != nil {
				return err
			}
			if err := r.subscribers.Erase(c.Context(), sub.ID, "command line"); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s is erased and will never be mailed again\n", sub.Email)
			return nil
		},
	}
}
