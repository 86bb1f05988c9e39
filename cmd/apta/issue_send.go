package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/subscribers/database"

	"github.com/spf13/cobra"
)

func (a *app) issueSend() *cobra.Command {
	var wait bool
	c := &cobra.Command{
		Use:   "send ID",
		Short: "Send an approved issue to every active subscriber",
		Long: `Send an approved issue to every active subscriber. Without --wait a running
"apta serve" does the work; with it this command does, and shows how far it is.
Sending an issue twice sends nothing twice: the ledger knows who has it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withIssue(c.Context(), args[0], func(r *rooms, issue newsletter.Issue) error {
				return a.send(c.Context(), r, issue, wait)
			})
		},
	}
	c.Flags().BoolVar(&wait, "wait", false, "send it now and return when every reader was tried")
	return c
}

func (a *app) send(ctx context.Context, r *rooms, issue newsletter.Issue, wait bool) error {
	switch issue.Status {
	case newsletter.Sent:
		fmt.Fprintf(a.stdout, "%s was sent already; nobody gets it twice\n", issue.Week)
		return a.printStatus(ctx, r, issue, false)
	case newsletter.Draft, newsletter.Held:
		return fmt.Errorf("%s is %s: approve it first (apta issue approve %s)", issue.Week, issue.Status, issue.Week)
	}
	sender, err := a.sender(r)
	if err != nil {
		return err
	}
	if wait {
		// Before anything is promised: a relay that cannot be reached is one clear line.
		if err := a.checkRelay(ctx); err != nil {
			return err
		}
	}
	if err := a.passGuard(ctx, r); err != nil {
		return err
	}
	if err := r.subscribers.Tend(ctx); err != nil { // pauses that ended are over now
		return err
	}
	if err := sender.Start(ctx, issue); err != nil {
		return err
	}
	if !wait {
		fmt.Fprintf(a.stdout, "%s is on its way as soon as apta serve runs (apta issue status %s)\n", issue.Week, issue.Week)
		return nil
	}
	if err := a.sendAndWait(ctx, r, sender, issue.ID); err != nil {
		return err
	}
	return a.printStatus(ctx, r, issue, false)
}

// workUntilTried works on a send until every reader was tried once: those who
// wait for a domain's limit are waited for, those who were put off are not.
func workUntilTried(ctx context.Context, ledger *delivery.Ledger, sender *delivery.Sender, issue database.ID) error {
	for {
		if err := sender.Work(ctx, issue); err != nil {
			return err
		}
		if n, err := ledger.Untried(ctx, issue); err != nil || n == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// sendAndWait carries the send as far as it goes now, with a progress bar.
func (a *app) sendAndWait(ctx context.Context, r *rooms, sender *delivery.Sender, issue database.ID) error {
	bar := a.bar("sending", 0)
	defer bar.Finish()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- workUntilTried(ctx, r.ledger, sender, issue) }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if c, e := r.ledger.Counts(context.WithoutCancel(ctx), issue); e == nil {
				bar.SetTotal(int64(c.Total)).SetCurrent(int64(c.Total - c.Waiting()))
			}
			return err
		case <-tick.C:
			if !isTerminal(a.stderr) {
				continue
			}
			if c, err := r.ledger.Counts(ctx, issue); err == nil {
				bar.SetTotal(int64(c.Total)).SetCurrent(int64(c.Total - c.Waiting()))
			}
		}
	}
}

func (a *app) issueStatus() *cobra.Command {
	var asJSON, watch bool
	c := &cobra.Command{
		Use:     "status ID",
		Short:   "Say where an issue stands and how many readers have it",
		Example: "  apta issue status 2024-W42 --watch\n  apta issue status 2024-W42 --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withIssue(c.Context(), args[0], func(r *rooms, issue newsletter.Issue) error {
				if watch {
					return a.watchStatus(c.Context(), r, issue)
				}
				return a.printStatus(c.Context(), r, issue, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&watch, "watch", false, "a line a second, until it is sent")
	c.MarkFlagsMutuallyExclusive("json", "watch")
	return c
}

func (a *app) printStatus(ctx context.Context, r *rooms, issue newsletter.Issue, asJSON bool) error {
	s, err := a.steering(r).Report(ctx, issue.ID)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.stdout, s)
	}
	fmt.Fprintf(a.stdout, "%s  %s  %s\n", s.Week, s.Status, s.Title)
	if s.Note != "" {
		fmt.Fprintf(a.stdout, "because: %s\n", s.Note)
	}
	if line := a.standing(newsletter.Issue{Week: s.Week, Status: s.Status, ApprovedBy: s.ApprovedBy, SendsAt: s.SendsAt, CutOff: s.CutOff}); line != "" {
		fmt.Fprintln(a.stdout, line)
	}
	if s.Send == nil {
		return nil
	}
	if s.Send.State == delivery.Paused {
		fmt.Fprintf(a.stdout, "paused: %s (apta issue resume %s)\n", s.Send.Why, s.Week)
	}
	if s.Send.State == delivery.Waiting {
		fmt.Fprintf(a.stdout, "waiting: the week's readers are shared out, and these are its own; they get it when it is approved and sent,\nor the main issue by apta issue fall-back %s\n", issue.ID)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 1, ' ', tabwriter.AlignRight)
	for _, row := range []struct {
		name string
		n    int
	}{
		{"accepted", s.Counts.Accepted}, {"queued", s.Counts.Queued}, {"offered", s.Counts.Offered}, {"deferred", s.Counts.Deferred},
		{"refused", s.Counts.Refused}, {"doubtful", s.Counts.Doubtful}, {"skipped", s.Counts.Skipped}, {"total", s.Counts.Total},
	} {
		if row.n > 0 || row.name == "total" || row.name == "accepted" {
			fmt.Fprintf(w, "%d\t %s\t\n", row.n, row.name)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	a.printWaiting(s)
	for _, reason := range s.Reasons {
		code := ""
		if reason.Code != 0 {
			code = fmt.Sprintf(" %d", reason.Code)
		}
		fmt.Fprintf(a.stdout, "%d %s:%s %s\n", reason.Count, reason.State, code, reason.Why)
	}
	return nil
}

// printWaiting says what a send waits for: relays and domains.
func (a *app) printWaiting(s delivery.Report) {
	for _, relay := range s.Relays {
		until := ""
		if !relay.Until.IsZero() {
			until = " until " + relay.Until.In(a.cfg.zone).Format("2006-01-02 15:04:05")
		}
		fmt.Fprintf(a.stdout, "relay %s is %s%s: %s\n", relay.Name, relay.State, until, relay.Why)
	}
	for _, d := range s.Slow {
		code := ""
		if d.Code != 0 {
			code = fmt.Sprintf("%d ", d.Code)
		}
		fmt.Fprintf(a.stdout, "slow: %d wait for %s, the next at %s: %s%s\n", d.Deferred, d.Domain, d.Next.In(a.cfg.zone).Format("15:04:05"), code, d.Why)
	}
}
