package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/newsletter/jobs"
	"apta/subscribers/database"

	"github.com/spf13/cobra"
)

// issueControls are the verbs that steer a send which has begun.
func (a *app) issueControls() []*cobra.Command {
	var why string
	pause := a.issueVerb("pause ID", "Stop a running send within a second, to go on later", func(ctx context.Context, s *delivery.Steering, issue database.ID) (string, error) {
		return "paused", s.Pause(ctx, issue, why)
	})
	pause.Flags().StringVar(&why, "why", "paused by hand", "the reason, shown with the status")
	resume := a.issueVerb("resume ID", "Let a paused send go on", func(ctx context.Context, s *delivery.Steering, issue database.ID) (string, error) {
		return "resumed", s.Resume(ctx, issue)
	})
	cancel := a.issueVerb("cancel ID", "End a send for good; readers who have no mail yet get none", func(ctx context.Context, s *delivery.Steering, issue database.ID) (string, error) {
		return "cancelled", s.Cancel(ctx, issue)
	})
	retry := a.issueVerb("retry ID", "Send once more to those who were refused or are doubtful", func(ctx context.Context, s *delivery.Steering, issue database.ID) (string, error) {
		n, err := s.Retry(ctx, issue)
		return fmt.Sprintf("%d deliveries are tried again by apta serve:", n), err
	})
	fallBack := a.issueVerb("fall-back ID", "Give the readers of an issue that will not come the main issue of their week", func(ctx context.Context, s *delivery.Steering, issue database.ID) (string, error) {
		n, err := s.FallBack(ctx, issue)
		return fmt.Sprintf("%d readers get the main issue instead of that in their language:", n), err
	})
	return []*cobra.Command{pause, resume, cancel, retry, fallBack}
}

// steering is what the verbs and the API do to issues on their way.
func (a *app) steering(r *rooms) *delivery.Steering {
	later := func(ctx context.Context, issue database.ID) error {
		return r.jobs.Insert(ctx, sweepSend{issue}, jobs.Once)
	}
	return delivery.NewSteering(r.ledger, r.newsletter, later, a.cfg.warmUps())
}

// issueVerb is a verb that does one thing to one issue and says so.
func (a *app) issueVerb(use, short string, do func(context.Context, *delivery.Steering, database.ID) (string, error)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withIssue(c.Context(), args[0], func(r *rooms, issue newsletter.Issue) error {
				said, err := do(c.Context(), a.steering(r), issue.ID)
				if errors.Is(err, delivery.ErrNoSend) {
					return fmt.Errorf("%s was never sent (apta issue send %s)", issue.Week, issue.Week)
				}
				if err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "%s %s\n", said, issue.Week)
				return nil
			})
		},
	}
}

// watchStatus prints a line a second until nothing waits any more.
func (a *app) watchStatus(ctx context.Context, r *rooms, issue newsletter.Issue) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	began, first := a.now(), -1
	for {
		s, err := a.steering(r).Report(ctx, issue.ID)
		if err != nil {
			return err
		}
		settled := s.Counts.Total - s.Counts.Waiting()
		if first < 0 {
			first = settled
		}
		fmt.Fprintln(a.stdout, watchLine(s, settled-first, a.now().Sub(began)))
		if s.Send == nil || s.Send.State == delivery.Done || s.Send.State == delivery.Cancelled && !s.Send.Ended.IsZero() {
			return a.printStatus(ctx, r, issue, false)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// watchLine says how far a send is, how fast it was since the watching began,
// and how long that speed would take for the rest.
func watchLine(s delivery.Report, since int, elapsed time.Duration) string {
	var b strings.Builder
	state := string(s.Status)
	if s.Send != nil {
		state = string(s.Send.State)
	}
	fmt.Fprintf(&b, "%s  %d of %d  accepted %d  deferred %d  refused %d  doubtful %d  skipped %d", state, s.Counts.Total-s.Counts.Waiting(), s.Counts.Total,
		s.Counts.Accepted, s.Counts.Deferred, s.Counts.Refused, s.Counts.Doubtful, s.Counts.Skipped)
	if seconds := elapsed.Seconds(); seconds > 0.5 && since > 0 {
		rate := float64(since) / seconds
		left := time.Duration(float64(s.Counts.Waiting()) / rate * float64(time.Second)).Round(time.Second)
		fmt.Fprintf(&b, "  %.0f/s", rate)
		if s.Counts.Waiting() > 0 {
			fmt.Fprintf(&b, ", %s left", left)
		}
	}
	for _, relay := range s.Relays {
		fmt.Fprintf(&b, "  relay %s %s", relay.Name, relay.State)
	}
	for i, d := range s.Slow[:min(len(s.Slow), 3)] {
		sep := ","
		if i == 0 {
			sep = "  slowest"
		}
		fmt.Fprintf(&b, "%s %s %d", sep, d.Domain, d.Deferred)
	}
	return b.String()
}
