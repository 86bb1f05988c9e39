package main

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"apta/subscribers"

	"github.com/spf13/cobra"
)

func (a *app) subscriberCommand() *cobra.Command {
	c := &cobra.Command{Use: "subscriber", Short: "Add, import, list, show, pause, erase and export subscribers"}
	c.AddCommand(a.subscriberAdd(), a.subscriberImport(), a.subscriberList(), a.subscriberShow(), a.subscriberPause(), a.subscriberErase(), a.subscriberExport())
	return c
}

func (a *app) subscriberAdd() *cobra.Command {
	var sub subscribers.Subscriber
	c := &cobra.Command{
		Use:     "add ADDRESS",
		Short:   "Add one subscriber, who must have asked for it",
		Example: `  apta subscriber add reader@example.org --name "A. Reader" --language en`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			if sub.Email, err = subscribers.ParseAddress(args[0]); err != nil {
				return &usageError{err}
			}
			if sub.Format != "html" && sub.Format != "text" {
				return &usageError{fmt.Errorf("--format %q is neither html nor text", sub.Format)}
			}
			outcome, err := r.subscribers.Add(c.Context(), sub, "command line")
			if err != nil {
				return err
			}
			switch outcome {
			case subscribers.Present, subscribers.Changed:
				fmt.Fprintf(a.stdout, "%s is subscribed already\n", sub.Email)
			case subscribers.Left:
				return fmt.Errorf("%s: %w; only they can subscribe again", sub.Email, subscribers.ErrLeft)
			case subscribers.Barred:
				return fmt.Errorf("%s is on the suppression list (apta suppress remove takes it off)", sub.Email)
			default:
				fmt.Fprintf(a.stdout, "added %s\n", sub.Email)
			}
			if meant := subscribers.Meant(sub.Email); meant != "" {
				fmt.Fprintf(a.stderr, "note: %s may be a typing error for %s\n", sub.Email, meant)
			}
			return nil
		},
	}
	c.Flags().StringVar(&sub.Name, "name", "", "name, as the mail addresses them")
	c.Flags().StringVar(&sub.Language, "language", "", "language of their pages, such as en")
	c.Flags().StringVar(&sub.Format, "format", "html", "html or text")
	return c
}

func (a *app) subscriberList() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:   "list",
		Short: "List subscribers in the order they came",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tEMAIL\tNAME\tLANGUAGE\tFORMAT\tSTATUS")
			full := errors.New("limit")
			n := 0
			err = r.subscribers.Each(c.Context(), func(s subscribers.Subscriber) error {
				if n++; n > limit {
					return full
				}
				_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.Email, s.Name, s.Language, s.Format, s.Status)
				return err
			})
			if errors.Is(err, full) {
				err = nil
			}
			return errors.Join(err, w.Flush())
		},
	}
	c.Flags().IntVar(&limit, "limit", 100, "at most this many")
	return c
}

func (a *app) subscriberExport() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:     "export",
		Short:   "Write every subscriber to standard output",
		Example: "  apta subscriber export > readers.csv\n  apta subscriber export --format jsonl > readers.jsonl",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			switch format {
			case "csv":
				return r.subscribers.ExportCSV(c.Context(), a.stdout)
			case "jsonl":
				return r.subscribers.ExportJSONL(c.Context(), a.stdout)
			}
			return &usageError{fmt.Errorf("--format %q is neither csv nor jsonl", format)}
		},
	}
	c.Flags().StringVar(&format, "format", "csv", "csv or jsonl")
	return c
}
