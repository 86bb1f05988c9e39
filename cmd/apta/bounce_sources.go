package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"apta/newsletter/bounce"
	"apta/newsletter/bounce/hooks"
	"apta/newsletter/delivery"
	"apta/subscribers"

	"golang.org/x/sync/errgroup"
)

// book is where bounces are written down and acted upon. It is the whole site's:
// a report names a reader of whichever newsletter.
func (a *app) book(r *rooms) *bounce.Book {
	b := a.cfg.newsletters()[0].Bounces
	var others []*subscribers.Store
	for _, n := range a.cfg.newsletters()[1:] {
		others = append(others, r.subscribers.For(n.Newsletter.Slug))
	}
	return &bounce.Book{
		DB: r.db, IDs: r.ids, Keys: r.keys, Readers: r.subscribers.For(a.cfg.newsletters()[0].Newsletter.Slug), Others: others, Now: a.now,
		Policy: bounce.Policy{Soft: b.Soft, Days: b.Days}, Folder: bounce.Folder{Dir: b.Folder, Most: b.Most},
	}
}

// maildirLook is how long a mail in a Maildir waits at most.
const maildirLook = 5 * time.Second

// readBounces starts whatever reads bounces, or nothing where any of it cannot be.
func (a *app) readBounces(ctx context.Context, group *errgroup.Group, r *rooms) error {
	b, book := a.cfg.Bounces, a.book(r)
	var sources []func() error
	if b.Maildir != "" {
		source := &bounce.Maildir{Dir: b.Maildir, Book: book, Every: maildirLook, Log: r.log}
		sources = append(sources, func() error { return source.Run(ctx) })
	}
	if b.IMAP != "" {
		source, err := a.cfg.mailbox(a, book)
		if err != nil {
			return err
		}
		sources = append(sources, func() error { return source.Run(ctx) })
	}
	if b.Listen != "" {
		on, err := net.Listen("tcp", b.Listen)
		if err != nil {
			return fmt.Errorf("bounces.listen: %w", err)
		}
		source := &bounce.Listener{Book: book, LMTP: b.Protocol == "lmtp", Domain: a.cfg.domain(), Paths: a.returnPaths(), Log: r.log}
		fmt.Fprintf(a.stdout, "reading bounces over %s on %s\n", strings.ToUpper(b.Protocol), on.Addr())
		sources = append(sources, func() error { return source.Serve(ctx, on) })
	}
	for _, run := range sources {
		group.Go(run)
	}
	return nil
}

// returnPaths are those of all newsletters, a * standing for the reader's token.
func (a *app) returnPaths() (paths []string) {
	for _, c := range a.cfg.newsletters() {
		if c.from.Address != "" {
			paths = append(paths, strings.ReplaceAll(c.returnPath(), delivery.ReaderMark, "*"))
		}
	}
	return paths
}

// bounceHooks answer services that tell of bounces.
func (a *app) bounceHooks(r *rooms) *hooks.Hooks {
	client := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
		return errors.New("a redirection, which Amazon has none of")
	}}
	get := func(ctx context.Context, address string) ([]byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s answers %s", req.URL.Host, resp.Status)
		}
		return io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	}
	return hooks.New(a.cfg.newsletters()[0].Bounces.hookOptions(), a.book(r), get, a.now, r.log)
}
