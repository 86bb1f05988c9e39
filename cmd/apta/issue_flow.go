package main

import (
	"errors"
	"fmt"

	"apta/newsletter"

	"github.com/spf13/cobra"
)

func (a *app) issuePullBack() *cobra.Command {
	var why string
	c := &cobra.Command{
		Use:   "pull-back ID",
		Short: "Make a draft again of an approved issue, while it cools off",
		Long: `Make a draft again of an approved issue, while it cools off. What was frozen is
dropped, the editors are told, and nothing sends the issue until it is approved anew.`,
		Example: "  apta issue pull-back 2024-W42 --why \"a name is wrong\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withIssue(c.Context(), args[0], func(r *rooms, issue newsletter.Issue) error {
				err := a.flow(r).PullBack(c.Context(), issue, byCommand, why)
				if errors.Is(err, newsletter.ErrStatus) {
					return fmt.Errorf("%w: only an approved issue can be pulled back; a send that has begun is paused or cancelled (apta issue pause %s)", err, issue.Week)
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "pulled back %s (%s): it is a draft again\n", issue.ID, issue.Week)
				return nil
			})
		},
	}
	c.Flags().StringVar(&why, "why", "pulled back by hand", "the reason, shown with the issue")
	return c
}

// standing says what happens to an issue next, and who approved it; nothing where
// that is what its status says already.
func (a *app) standing(i newsletter.Issue) string {
	switch {
	case i.Status == newsletter.Draft && !i.CutOff.IsZero():
		what := "held"
		if a.cfg.Schedule.AtCutOff == "send" {
			what = "approved"
		}
		return fmt.Sprintf("cut-off: %s; unapproved it is %s then", a.cfg.moment(i.CutOff), what)
	case i.Status == newsletter.Approved:
		return "approved by " + i.ApprovedBy + "; " + a.whenSent(i)
	case i.ApprovedBy != "":
		return "approved by " + i.ApprovedBy
	}
	return ""
}

// whenSent says when an approved issue goes out.
func (a *app) whenSent(i newsletter.Issue) string {
	switch {
	case i.SendsAt.IsZero():
		return "no slot asks for it: apta issue send " + i.Week + " sends it"
	case i.SendsAt.After(a.now()):
		return fmt.Sprintf("sent at %s (apta issue pull-back %s takes it back until then)", a.cfg.moment(i.SendsAt), i.Week)
	}
	return "apta serve sends it now"
}
