package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"apta/subscribers"

	"github.com/spf13/cobra"
)

func (a *app) subscriberCommand() *cobra.Command {
	c := &cobra.Command{Use: "subscriber", Short: "Add, import, list and export subscribers"}
	c.AddCommand(a.subscriberAdd(), a.subscriberImport(), a.subscriberList(), a.subscriberExport())
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
			case subscribers.Present:
				fmt.Fprintf(a.stdout, "%s is subscribed already\n", sub.Email)
			case subscribers.Left:
				return fmt.Errorf("%s: %w; only they can subscribe again", sub.Email, subscribers.ErrLeft)
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

func (a *app) subscriberImport() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE|-",
		Short: "Add the subscribers of a CSV with a header",
		Long: `Add the subscribers of a CSV with a header. Its columns are found by name:
email, name (or first and last name), language, format, status; parted by commas,
semicolons or tabs; in UTF-8. Wrong lines are reported with their number, the
rest is added, and the exit status is 1. Nobody who left is brought back.`,
		Example: "  apta subscriber import readers.csv\n  apta subscriber import - < readers.csv",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, name, size, err := a.input(args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			bar := a.byteBar("importing", size)
			defer bar.Finish()
			rep, err := r.subscribers.ImportCSV(c.Context(), bar.NewProxyReader(in), "import "+name, func(line int, err error) {
				fmt.Fprintf(a.stderr, "%s:%d: %v\n", name, line, err)
			})
			bar.Finish()
			if errors.Is(err, subscribers.ErrNoEmail) {
				return fmt.Errorf("%s:1: %w", name, err)
			}
			fmt.Fprintf(a.stdout, "%d added, %d already there, %d not brought back because they left, %d refused\n", rep.Added, rep.Present, rep.Left, rep.Refused)
			if err == nil && rep.Refused > 0 {
				err = errReported
			}
			return err
		},
	}
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
				enc := json.NewEncoder(a.stdout)
				enc.SetEscapeHTML(false)
				return r.subscribers.Each(c.Context(), func(s subscribers.Subscriber) error { return enc.Encode(s) })
			}
			return &usageError{fmt.Errorf("--format %q is neither csv nor jsonl", format)}
		},
	}
	c.Flags().StringVar(&format, "format", "csv", "csv or jsonl")
	return c
}
