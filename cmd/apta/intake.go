package main

import (
	"context"
	"fmt"
	"time"

	"apta/newsletter"
	"apta/newsletter/intake"
	"apta/newsletter/intake/feeds"
	"apta/newsletter/intake/fetch"
	"apta/newsletter/intake/page"
	"apta/newsletter/jobs"
)

// pollFeeds is the job that asks the feeds that are due.
type pollFeeds struct{}

func (pollFeeds) Kind() string { return "poll-feeds" }

// A job has eight seconds. So it begins no fetch after two of them, and none
// takes longer than five; a feed that needs more is one for apta feed poll.
const (
	pollBegin = 2 * time.Second
	pollFetch = 5 * time.Second
)

func (a *app) pollDue(ctx context.Context, r *rooms) error {
	left, err := a.poller(r, pollFetch).PollDue(ctx, pollBegin)
	if err != nil {
		return err
	}
	if left > 0 {
		return jobs.Again(time.Second)
	}
	return nil
}

// fetcher gets pages within what the configuration allows.
func (a *app) fetcher(timeout time.Duration) *fetch.Fetcher {
	return fetch.New(fetch.Options{Allow: a.cfg.Intake.allow, Timeout: timeout, UserAgent: "Apta (+" + a.cfg.BaseURL + ")"})
}

// poller follows the feeds that are stored.
func (a *app) poller(r *rooms, timeout time.Duration) *feeds.Poller {
	every := a.cfg.Intake.poll
	if every == 0 {
		every = 30 * time.Minute // how soon one is due again makes no difference then
	}
	return &feeds.Poller{
		Store: feeds.NewStore(r.db, r.ids, a.now), Shelf: r.newsletter, Fetch: a.fetcher(timeout),
		Reader: feeds.NewReader(a.cfg.zone, a.now), Every: every, Now: a.now,
	}
}

// fillFromPage reads an item's page for what was not given, and gives the page's
// own address. Where there is a title a page that cannot be read is no obstacle.
func (a *app) fillFromPage(ctx context.Context, address string, it *newsletter.Item, published *string) (string, error) {
	address, err := intake.Canonical(address)
	if err != nil {
		return "", &usageError{fmt.Errorf("key \"url\": %w", err)}
	}
	if it.Title != "" && it.Summary != "" {
		return address, nil
	}
	read, err := a.readPage(ctx, address)
	switch {
	case err == nil:
	case it.Title == "":
		return "", fmt.Errorf("%w; give --title and --summary yourself", err)
	default:
		fmt.Fprintf(a.stderr, "%v; the item has what was given\n", err)
		return address, nil
	}
	for _, p := range [][2]*string{{&it.Title, &read.Title}, {&it.Summary, &read.Summary}, {&it.Source, &read.Source}, {&it.Language, &read.Language}, {&it.Image, &read.Image}, {&it.Author, &read.Author}} {
		if *p[0] == "" {
			*p[0] = *p[1]
		}
	}
	if *published == "" && !read.Published.IsZero() {
		*published = read.Published.Format(time.RFC3339)
	}
	return read.URL, nil
}

// readPage makes an item of a page.
func (a *app) readPage(ctx context.Context, address string) (newsletter.Item, error) {
	got, err := a.fetcher(fetch.DefaultTimeout).Get(ctx, fetch.Request{URL: address, Accept: page.Accept})
	if err != nil {
		return newsletter.Item{}, err
	}
	return page.Read(got.Body, got.ContentType, got.URL, a.cfg.zone)
}
