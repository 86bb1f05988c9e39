package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"apta/newsletter/api"
	"apta/newsletter/archive"
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
			if _, err := a.open(c.Context()); err != nil {
				return err
			}
			listener, err := net.Listen("tcp", a.cfg.Listen)
			if err != nil {
				return fmt.Errorf("listen: %w (another program may have the port; set listen)", err)
			}
			fmt.Fprintf(a.stdout, "listening on %s://%s\n", a.cfg.scheme(), listener.Addr())
			if err := a.printFirstLink(c.Context(), a.rooms); err != nil {
				return err
			}
			return a.keepServing(c.Context(), listener)
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
			senders, err := a.senders(r)
			if err != nil {
				return err
			}
			if err := a.passGuard(c.Context(), r); err != nil {
				return err
			}
			fmt.Fprintln(a.stdout, "working")
			group, ctx := errgroup.WithContext(c.Context())
			senders.run(ctx, group)
			if err := group.Wait(); !errors.Is(err, context.Canceled) {
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
	senders, err := a.senders(r)
	if err != nil {
		return err
	}
	postmen, err := a.postmen()
	if err != nil {
		return err
	}
	for _, n := range a.newsletters() {
		if err := n.keepLogos(ctx, r); err != nil {
			return err
		}
	}
	if err := a.passGuard(ctx, r); err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: log.New(errorLog{r.log}, "", 0)}
	engine := a.background(r, senders)
	engine.Every(time.Minute, everyMinute{}) // slots come at whole minutes
	if a.cfg.Intake.poll > 0 {
		engine.Every(time.Minute, pollFeeds{}) // those that are due
	}
	group, ctx := errgroup.WithContext(ctx)
	if err := a.readBounces(ctx, group, r); err != nil {
		return err
	}
	group.Go(func() error { return a.serveWeb(server, listener) })
	group.Go(func() error { return a.serveMetrics(ctx, r) })
	senders.run(ctx, group)
	group.Go(func() error { return engine.Run(ctx) })
	for _, p := range postmen {
		group.Go(func() error { return p.run(ctx) })
	}
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
	mux := http.NewServeMux()
	var sites []*archive.Site
	var forms []*pages.Pages
	var programs []*api.API
	for _, n := range a.newsletters() {
		for _, tag := range n.cfg.languages() {
			site, err := archive.New(r.newsletter, r.renderer, n.cfg.in(tag).masthead(), r.log)
			if err != nil {
				return nil, err
			}
			sites = append(sites, site)
		}
		own, err := pages.New(n.rooms.subscribers, r.keys, n.pageOptions(n.rooms), r.log)
		if err != nil {
			return nil, err
		}
		forms, programs = append(forms, own), append(programs, n.api(n.rooms, own))
	}
	if err := sites[0].Register(mux, sites[1:]...); err != nil {
		return nil, err
	}
	forms[0].Register(mux, forms[1:]...)
	programs[0].Register(mux, programs[1:]...)
	editors, err := a.desk(r)
	if err != nil {
		return nil, err
	}
	editors.Register(mux)
	a.bounceHooks(r).Register(mux)
	a.registerHealth(mux, r)
	return r.metrics.Measure(a.withHeaders(mux)), nil
}
