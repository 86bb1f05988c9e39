package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"apta/newsletter"
	"apta/newsletter/render/check"

	"github.com/spf13/cobra"
)

// checked is what apta issue check --json prints.
type checked struct {
	Week     string          `json:"week"`
	Subject  string          `json:"subject"`
	Sizes    check.Sizes     `json:"sizes"`
	Findings []check.Finding `json:"findings"`
	Untested []string        `json:"untested"` // mail programs, and what of the mail no program was tested for
	Unlisted []string        `json:"unlisted"`
	Data     string          `json:"data"` // of which day the tests are
}

func (a *app) issueCheck() *cobra.Command {
	var asJSON, all bool
	c := &cobra.Command{
		Use:   "check ID",
		Short: "Say what of an issue's mail does not come out as meant, and where",
		Long: `Say what of an issue's mail does not come out as meant, and where: what mail
programs do not support (by caniemail.com's tests) and what their readers see
instead, how large it is and how much of that each paragraph takes, and what is
missing. The exit status is 1 where there is an error to mend.`,
		Example: "  apta issue check 2024-W42\n  apta issue check 2024-W42 --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withIssue(c.Context(), args[0], func(r *rooms, issue newsletter.Issue) error {
				report, err := a.check(c.Context(), r, issue)
				if err != nil {
					return err
				}
				if asJSON {
					err = writeJSON(a.stdout, report)
				} else {
					err = report.write(a.stdout, all)
				}
				if err == nil && len(report.Findings) > 0 && report.Findings[0].Level == check.Error {
					return errReported
				}
				return err
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&all, "all", false, "name also what is supported only partly")
	return c
}

func (a *app) check(ctx context.Context, r *rooms, issue newsletter.Issue) (checked, error) {
	m, err := a.issueMail(ctx, r, issue)
	if err != nil {
		return checked{}, err
	}
	report := checked{Week: issue.Week, Subject: m.Subject, Sizes: check.Measure(m), Untested: check.Untested}
	if report.Findings, err = check.Mail(m); err != nil {
		return report, err
	}
	if report.Unlisted, err = check.Unlisted(m); err != nil {
		return report, err
	}
	data, err := check.Load()
	report.Data = "caniemail.com, " + data.Updated
	return report, err
}

func (c checked) write(w io.Writer, all bool) error {
	fmt.Fprintf(w, "%s: %s\n\nHTML %d bytes of %d, text %d bytes; by paragraph:", c.Week, c.Subject, c.Sizes.HTML, c.Sizes.Limit, c.Sizes.Text)
	for i, s := range c.Sizes.Strands {
		fmt.Fprintf(w, "%s %d: %d (%.0f %%)", strings.Repeat(",", min(i, 1)), i+1, s.Bytes, s.Percent)
	}
	fmt.Fprintln(w)
	partly := 0
	for _, f := range c.Findings {
		if f.Kind == "support" && f.Support != check.Unsupported && !all {
			partly++
			continue
		}
		fmt.Fprintf(w, "\n%s: %s\n", f.Level, f.Text)
		if f.Support != "" {
			fmt.Fprintf(w, "  Instead: %s\n  %s\n", cmp.Or(f.Fallback, "what is supported of it is enough."), f.URL)
		}
	}
	if partly > 0 {
		fmt.Fprintf(w, "\n%d more are supported partly somewhere (--all names them).\n", partly)
	}
	_, err := fmt.Fprintf(w, "\nBy %s; of %s there are no tests.\n", c.Data, strings.Join(c.Untested, ", "))
	return err
}
