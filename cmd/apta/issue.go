package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"apta/newsletter"

	"github.com/spf13/cobra"
)

func (a *app) issueCommand() *cobra.Command {
	c := &cobra.Command{Use: "issue", Short: "Compose, show, approve and send issues",
		Long: "Compose, show, approve and send issues. ID is an issue's ID or the name of its week, such as\n2024-W42: where the week has several, the one in the newsletter's main language or in that of --language."}
	c.PersistentFlags().StringVar(&a.language, "language", "", "of a newsletter that has issues in several languages, the one in this")
	c.AddCommand(a.issueCompose(), a.issueList(), a.issueShow(), a.issueApprove(), a.issuePullBack(), a.issueHold(), a.issueSend(), a.issueTest(), a.issueStatus(), a.issueCheck())
	c.AddCommand(a.issueControls()...)
	c.AddCommand(a.issueLocks()...)
	return c
}

func (a *app) issueCompose() *cobra.Command {
	var week, from, to, format string
	var save, asJSON bool
	var e edits
	c := &cobra.Command{
		Use:   "compose",
		Short: "Assemble a week's review from the stored items",
		Long: `Assemble a week's review from the stored items and print it. Nothing is stored
without --save; with it, the week's draft gets a new revision. --explain prints why
it is as it is instead: every item of the window, every paragraph, bridge and title.`,
		Example: `  apta issue compose                                 the week up to now
  apta issue compose --week 2024-W42 --format text   a calendar week, as the text mail
  apta issue compose --from 2024-10-14 --to 2024-10-21 --format html > week.html
  apta issue compose --explain                       why each item is in or out, and where
  apta issue compose --save                          keep it as the week's draft
  apta issue compose --save --title "A quiet week"   in your words, which stay
  apta issue compose --save --lock strands,order     assemble again around what is there`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			if err := errors.Join(checkFormat(format), e.check()); err != nil {
				return err
			}
			w, err := a.window(c.Context(), r, week, from, to)
			if err != nil {
				return &usageError{err}
			}
			shown := func(a *app) error { return a.composeIssue(c.Context(), r, w, e, save, asJSON, format) }
			return a.eachLanguage(save && format == "text" && !asJSON && !e.given(), shown)
		},
	}
	f := c.Flags()
	f.StringVar(&week, "week", "", "calendar week such as 2024-W42")
	f.StringVar(&from, "from", "", "first day, such as 2024-10-14")
	f.StringVar(&to, "to", "", "the day after the last")
	f.BoolVar(&save, "save", false, "keep it as the week's draft")
	f.BoolVar(&asJSON, "json", false, "with --explain: print JSON")
	e.flags(f)
	formatFlag(c, &format)
	c.MarkFlagsMutuallyExclusive("week", "from")
	c.MarkFlagsRequiredTogether("from", "to")
	return c
}

func formatFlag(c *cobra.Command, format *string) {
	c.Flags().StringVar(format, "format", "text", "text, html, json or eml")
}

func checkFormat(format string) error {
	switch format {
	case "text", "html", "json", "eml":
		return nil
	}
	return &usageError{fmt.Errorf("--format %q is none of text, html, json, eml", format)}
}

// window is what the flags ask for; by default the week that the schedule's next
// slot would cover, had it come now.
func (a *app) window(ctx context.Context, r *rooms, week, from, to string) (newsletter.Window, error) {
	switch {
	case week != "":
		return newsletter.ParseWeek(week, a.cfg.zone)
	case from != "":
		return newsletter.Dates(from, to, a.cfg.zone)
	}
	return a.flow(r).WindowOf(ctx, a.cfg.cron.Next(a.now()))
}

// printIssue writes an issue in one of the formats. An issue that was never
// stored has no ID and is shown just the same.
func (a *app) printIssue(ctx context.Context, r *rooms, issue newsletter.Issue, format string) error {
	if format == "json" {
		return writeJSON(a.stdout, issue)
	}
	m, err := a.issueMail(ctx, r, issue)
	if err != nil {
		return err
	}
	switch format {
	case "html":
		_, err = io.WriteString(a.stdout, m.HTML)
	case "text":
		_, err = io.WriteString(a.stdout, m.Text)
	case "eml":
		var message []byte
		if message, err = a.sampleMessage(issue, m); err == nil {
			_, err = a.stdout.Write(message)
		}
	}
	return err
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func (a *app) issueList() *cobra.Command {
	var limit int
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List issues, the newest first",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			issues, err := r.newsletter.Issues(c.Context(), a.cfg.Newsletter.Slug, limit)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, issues)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			several := len(a.cfg.languages()) > 1
			fmt.Fprintln(w, "ID\tWEEK\t"+column(several, "LANGUAGE")+"STATUS\tREVISION\tTITLE")
			for _, i := range issues {
				fmt.Fprintf(w, "%s\t%s\t%s%s\t%d\t%s\n", i.ID, i.Week, column(several, i.Language), i.Status, i.Revision, i.Title)
			}
			return w.Flush()
		},
	}
	c.Flags().IntVar(&limit, "limit", 50, "at most this many")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) issueShow() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:     "show ID",
		Short:   "Show a stored issue",
		Example: "  apta issue show 2024-W42 --format html > week.html",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			return a.withIssue(c.Context(), args[0], func(r *rooms, issue newsletter.Issue) error {
				if line := a.standing(issue); line != "" && format == "text" {
					fmt.Fprintln(a.stderr, line)
				}
				return a.printIssue(c.Context(), r, issue, format)
			})
		},
	}
	formatFlag(c, &format)
	return c
}

// withIssue finds an issue by ID or week and does something with it.
func (a *app) withIssue(ctx context.Context, ref string, do func(*rooms, newsletter.Issue) error) error {
	r, err := a.open(ctx)
	if err != nil {
		return err
	}
	issue, err := a.findIssue(ctx, r, ref)
	if errors.Is(err, newsletter.ErrNotFound) {
		return fmt.Errorf("there is no issue %q (apta issue list shows those there are)", ref)
	}
	if err != nil {
		return err
	}
	return do(r, issue)
}

func (a *app) issueApprove() *cobra.Command {
	return &cobra.Command{
		Use:   "approve ID",
		Short: "Freeze an issue as it stands; what is approved is what goes out",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withIssue(c.Context(), args[0], func(r *rooms, issue newsletter.Issue) error {
				issue, err := a.approve(c.Context(), r, issue, byCommand)
				if err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "approved %s (%s): %s\n%s\n", issue.ID, issue.Week, issue.Title, a.whenSent(issue))
				return nil
			})
		},
	}
}

func (a *app) issueHold() *cobra.Command {
	var why string
	c := &cobra.Command{
		Use:   "hold ID",
		Short: "Keep an issue from being sent until it is approved again",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withIssue(c.Context(), args[0], func(r *rooms, issue newsletter.Issue) error {
				if err := a.flow(r).Hold(c.Context(), issue, byCommand, why); err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "held %s (%s)\n", issue.ID, issue.Week)
				return nil
			})
		},
	}
	c.Flags().StringVar(&why, "why", "held by hand", "the reason, shown with the issue")
	return c
}

func (a *app) issueTest() *cobra.Command {
	return &cobra.Command{
		Use:     "test ID ADDRESS...",
		Short:   "Send an issue to an address, marked as a test and counted nowhere",
		Example: "  apta issue test 2024-W42 editor@news.example",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withIssue(c.Context(), args[0], func(r *rooms, issue newsletter.Issue) error {
				for _, address := range args[1:] {
					if err := a.sendTest(c.Context(), r, issue, address); err != nil {
						return err
					}
					fmt.Fprintf(a.stdout, "sent a test of %s to %s\n", issue.Week, address)
				}
				return nil
			})
		},
	}
}
