package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"apta/newsletter/bounce"
	"apta/subscribers/database"

	"github.com/spf13/cobra"
)

func (a *app) bounceCommand() *cobra.Command {
	c := &cobra.Command{Use: "bounce", Short: "See what came back, and take back what it did"}
	c.AddCommand(a.bounceList(), a.bounceShow(), a.bounceUndo(), a.bounceCounts(), a.bounceUnread(), a.bounceFile(), a.bounceRead())
	return c
}

func (a *app) bounceList() *cobra.Command {
	var asJSON bool
	var address, issue, kind string
	var f bounce.Filter
	c := &cobra.Command{
		Use:   "list",
		Short: "List reports, the latest first, with what each did",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			if address != "" {
				_, sub, err := a.subscriber(c.Context(), address)
				if err != nil {
					return err
				}
				f.Reader = sub.ID
			}
			if issue != "" {
				if f.Issue, err = database.ParseID(issue); err != nil {
					return &usageError{fmt.Errorf("--issue: %w", err)}
				}
			}
			f.Kind = bounce.Kind(kind)
			list, err := a.book(r).List(c.Context(), f)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, list)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tAT\tBY\tKIND\tREASON\tREADER\tOUTCOME")
			for _, e := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.ID, e.At.In(a.cfg.zone).Format("2006-01-02 15:04"), e.Source, e.Kind, e.Class, shownID(e.Reader), outcome(e))
			}
			return w.Flush()
		},
	}
	c.Flags().StringVar(&address, "reader", "", "only those about the subscriber with this address")
	c.Flags().StringVar(&issue, "issue", "", "only those about the issue with this ID")
	c.Flags().StringVar(&kind, "kind", "", "only those of a kind: hard, soft, complaint, unsubscribe, auto-reply or other")
	c.Flags().IntVar(&f.Limit, "limit", 100, "how many")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// shownID leaves out an ID that is none.
func shownID(id database.ID) string {
	if id == 0 {
		return "-"
	}
	return id.String()
}

// outcome is what a report did, in a few words.
func outcome(e bounce.Entry) string {
	text := string(e.Outcome)
	if e.Why != "" {
		text += ": " + e.Why
	}
	if !e.Undone.IsZero() {
		text += " (taken back)"
	}
	return text
}

func bounceID(args []string) (database.ID, error) {
	id, err := database.ParseID(args[0])
	if err != nil {
		return 0, &usageError{err}
	}
	return id, nil
}

func (a *app) bounceShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show a report",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := bounceID(args)
			if err != nil {
				return err
			}
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			e, err := a.book(r).ByID(c.Context(), id)
			if err != nil {
				return err
			}
			return writeJSON(a.stdout, e)
		},
	}
}

func (a *app) bounceUndo() *cobra.Command {
	return &cobra.Command{
		Use:   "undo ID",
		Short: "Take a report back: its reader is what they were before it",
		Long: `Take a report back: its reader is what they were before it, and it counts no more
towards the soft bounces that are too many. A reader who has changed by themselves
since then stays as they are.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := bounceID(args)
			if err != nil {
				return err
			}
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			e, err := a.book(r).Undo(c.Context(), id)
			if err != nil {
				return err
			}
			now := "erased"
			if sub, err := r.subscribers.ByID(c.Context(), e.Reader); err == nil {
				now = string(sub.Status)
			}
			fmt.Fprintf(a.stdout, "taken back; the reader %s is %s\n", e.Reader, now)
			return nil
		},
	}
}

func (a *app) bounceCounts() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "counts [ISSUE]",
		Short: "Count the readers of each reason, by issue",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			var issue database.ID
			if len(args) > 0 {
				if issue, err = bounceID(args); err != nil {
					return err
				}
			}
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			list, err := a.book(r).Counts(c.Context(), issue)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, list)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ISSUE\tKIND\tREASON\tREADERS")
			for _, n := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", shownID(n.Issue), n.Kind, n.Class, n.Readers)
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) bounceUnread() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "unread",
		Short: "List the mails that are kept for a person: not understood, or proving nothing",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			list, err := a.book(r).Unread(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, list)
			}
			for _, k := range list {
				fmt.Fprintf(a.stdout, "%s  %s  %d octets  %q\n    %s\n    %s\n", k.Digest, k.At.In(a.cfg.zone).Format("2006-01-02 15:04"), k.Size, k.Subject, k.Why, k.File)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) bounceFile() *cobra.Command {
	return &cobra.Command{
		Use:   "file DIGEST",
		Short: "Print a mail that is kept, as it came",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			f, err := os.Open(a.book(r).Folder.Path(args[0]))
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("no mail of the digest %q is kept; apta bounce unread lists them", args[0])
			}
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(a.stdout, f)
			return err
		},
	}
}

func (a *app) bounceRead() *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use:   "read FILE|FOLDER...",
		Short: "Read mails from files, and act on them",
		Example: `  apta bounce read returned.eml
  apta bounce read --dry-run ~/Maildir/cur`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			book, failed := a.book(r), false
			for _, name := range args {
				err := filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
					if err != nil || !d.Type().IsRegular() {
						return err
					}
					if err := a.readMail(c.Context(), book, path, dry); err != nil {
						fmt.Fprintf(a.stderr, "%s: %v\n", path, err)
						failed = true
					}
					return c.Context().Err()
				})
				if err != nil {
					return err
				}
			}
			if failed {
				return errReported
			}
			return nil
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what each mail says")
	return c
}

func (a *app) readMail(ctx context.Context, book *bounce.Book, path string, dry bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, bounce.MaxSize+1))
	if err != nil {
		return err
	}
	if !dry {
		e, err := book.Take(ctx, raw, "file")
		if err != nil {
			return err
		}
		again := ""
		if e.Repeated {
			again = " (read before)"
		}
		fmt.Fprintf(a.stdout, "%s: %s %s: %s%s\n", path, e.ID, e.Kind, outcome(e), again)
		return nil
	}
	report, err := bounce.Parse(raw)
	if err != nil {
		return err
	}
	var who []string
	for _, to := range report.Recipients {
		who = append(who, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", to.Address, to.Kind, to.Status, to.Class)))
	}
	fmt.Fprintf(a.stdout, "%s: %s: %s\n", path, report.Kind, strings.Join(who, "; "))
	return nil
}
