package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"apta/newsletter"
	"apta/newsletter/archive"
	"apta/newsletter/assemble"
	"apta/newsletter/delivery"
	"apta/subscribers/pages"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the web server, the scheduler and the sender",
		Long: `Run the web server, the scheduler and the sender in one process until it is
stopped. At each slot of the schedule the week's issue is assembled and, by the
policy, waits for approval or is sent. A slot missed while nothing ran is made up
at the start, once.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			listener, err := net.Listen("tcp", a.cfg.Listen)
			if err != nil {
				return fmt.Errorf("listen: %w (another program may have the port; set listen)", err)
			}
			fmt.Fprintf(a.stdout, "listening on http://%s\n", listener.Addr())
			return a.serve(c.Context(), r, listener)
		},
	}
}

func (a *app) workCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "work",
		Short: "Only send: help an apta serve on another machine, over PostgreSQL",
		Long: `Only send: help an apta serve on another machine, over PostgreSQL. Any number of
these share the issues that are on their way; no reader is served by two.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			sender, err := a.sender(r)
			if err != nil {
				return err
			}
			if err := a.passGuard(c.Context(), r); err != nil {
				return err
			}
			fmt.Fprintln(a.stdout, "working")
			if err := sender.Run(c.Context()); !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		},
	}
}

// serve runs everything until ctx ends.
func (a *app) serve(ctx context.Context, r *rooms, listener net.Listener) error {
	handler, err := a.handler(r)
	if err != nil {
		return err
	}
	sender, err := a.sender(r)
	if err != nil {
		return err
	}
	postman, err := a.postman(r)
	if err != nil {
		return err
	}
	if err := a.passGuard(ctx, r); err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Serve(listener) })
	group.Go(func() error { return sender.Run(ctx) })
	group.Go(func() error { return a.keepSchedule(ctx, r, sender) })
	group.Go(func() error { return postman.run(ctx) })
	group.Go(func() error { return tendSubscribers(ctx, r) })
	group.Go(func() error {
		<-ctx.Done()
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return server.Shutdown(closing)
	})
	err = group.Wait()
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// handler is every page.
func (a *app) handler(r *rooms) (http.Handler, error) {
	m := a.cfg.masthead()
	mux := http.NewServeMux()
	site, err := archive.New(r.newsletter, r.renderer, m, r.log)
	if err != nil {
		return nil, err
	}
	if err := site.Register(mux); err != nil {
		return nil, err
	}
	own, err := pages.New(r.subscribers, r.keys, a.pageOptions(r), r.log)
	if err != nil {
		return nil, err
	}
	own.Register(mux)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return mux, nil
}

// tendTick is how often pauses are ended and what nobody confirmed is deleted.
const tendTick = time.Minute

// tendSubscribers does for subscribers what time makes due, until ctx ends.
func tendSubscribers(ctx context.Context, r *rooms) error {
	tick := time.NewTicker(tendTick)
	defer tick.Stop()
	for {
		if err := r.subscribers.Tend(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("subscribers could not be tended, trying again", "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// scheduleTick is how often the clock is looked at. Slots are reckoned from
// history, so a tick that comes late or twice changes nothing.
const scheduleTick = time.Second

// keepSchedule makes the issue of every due slot until ctx ends.
func (a *app) keepSchedule(ctx context.Context, r *rooms, sender *delivery.Sender) error {
	tick := time.NewTicker(scheduleTick)
	defer tick.Stop()
	for {
		if err := a.takeSlots(ctx, r, sender); err != nil && ctx.Err() == nil {
			r.log.Error("the schedule could not be kept, trying again", "err", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// takeSlots writes down the slots that came due and works on those that are open.
func (a *app) takeSlots(ctx context.Context, r *rooms, sender *delivery.Sender) error {
	slug, now := a.cfg.Newsletter.Slug, a.now()
	last, err := r.newsletter.SlotHistory(ctx, slug, now)
	if err != nil {
		return err
	}
	due, missed := a.cfg.cron.Due(last, now, a.cfg.Schedule.CatchUp == "all")
	var slots []newsletter.Due
	for _, t := range missed {
		slots = append(slots, newsletter.Due{Newsletter: slug, Week: a.cfg.slotWindow(t).Name, At: t, State: newsletter.SlotSkipped, Why: "missed while apta was down"})
	}
	for _, t := range due {
		slots = append(slots, newsletter.Due{Newsletter: slug, Week: a.cfg.slotWindow(t).Name, At: t, State: newsletter.SlotOpen})
	}
	if len(slots) > 0 {
		if _, err := r.newsletter.AddSlots(ctx, slots); err != nil {
			return err
		}
	}
	open, err := r.newsletter.OpenSlots(ctx, slug)
	if err != nil {
		return err
	}
	for _, slot := range open {
		if err := a.workSlot(ctx, r, slot); err != nil {
			return err
		}
	}
	return a.sendApproved(ctx, r, sender)
}

// sendApproved sends the approved issues whose slot has come. An issue that no
// slot asked for is sent by hand.
func (a *app) sendApproved(ctx context.Context, r *rooms, sender *delivery.Sender) error {
	issues, err := r.newsletter.WithStatus(ctx, a.cfg.Newsletter.Slug, newsletter.Approved)
	if err != nil {
		return err
	}
	for _, issue := range issues {
		state, err := r.newsletter.SlotState(ctx, issue.Newsletter, issue.Week)
		if err != nil {
			return err
		}
		if state == newsletter.SlotDone {
			r.log.Info("sending", "week", issue.Week, "issue", issue.ID)
			if err := r.subscribers.Tend(ctx); err != nil {
				return err
			}
			if err := sender.Start(ctx, issue); err != nil {
				return err
			}
		}
	}
	return nil
}

// workSlot assembles the issue of a slot, unless an editor made it already, and
// approves it where the policy is to ask nobody.
func (a *app) workSlot(ctx context.Context, r *rooms, slot newsletter.Due) error {
	issue, err := r.newsletter.Issue(ctx, slot.Newsletter, slot.Week)
	if errors.Is(err, newsletter.ErrNotFound) {
		issue, err = a.compose(ctx, r, a.cfg.slotWindow(slot.At))
		if errors.Is(err, assemble.ErrEmpty) {
			r.log.Warn("no issue this week", "week", slot.Week, "err", err)
			return r.newsletter.CloseSlot(ctx, slot.Newsletter, slot.Week, newsletter.SlotSkipped, err.Error())
		}
		if err == nil {
			issue, err = r.newsletter.SaveIssue(ctx, issue)
		}
	}
	if err != nil {
		return err
	}
	if late := a.now().Sub(slot.At); late > a.cfg.lateness && (issue.Status == newsletter.Draft || issue.Status == newsletter.Approved) {
		why := fmt.Sprintf("its slot was %s ago; approve it if it is still wanted", late.Round(time.Minute))
		if err := r.newsletter.Move(ctx, issue.ID, newsletter.Held, why, issue.Status); err != nil {
			return err
		}
		issue.Status = newsletter.Held
	}
	r.log.Info("assembled", "week", issue.Week, "issue", issue.ID, "title", issue.Title, "status", issue.Status)
	if a.cfg.Schedule.Policy == "auto" && issue.Status == newsletter.Draft {
		if err := a.approve(ctx, r, issue); err != nil {
			return err
		}
	}
	return r.newsletter.CloseSlot(ctx, slot.Newsletter, slot.Week, newsletter.SlotDone, "")
}
