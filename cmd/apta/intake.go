package main

import (
	"context"
	"time"

	"apta/newsletter/intake/feeds"
	"apta/newsletter/intake/fetch"
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
