package main

import (
	"context"
	"errors"
	"time"

	"apta/newsletter/jobs"
	"apta/newsletter/schedule"
	"apta/subscribers/database"
)

// everyMinute is the job that looks for what has come due.
type everyMinute struct{}

func (everyMinute) Kind() string { return "every-minute" }

// sweepSend is the job of finishing a cancelled send.
type sweepSend struct {
	Issue database.ID `json:"issue"`
}

func (sweepSend) Kind() string { return "sweep-send" }

// background gives the engine its handlers: all that apta serve does besides
// sending and answering requests.
func (a *app) background(r *rooms, senders senders) *jobs.Engine {
	steering, keepers := a.steering(r), schedule.Keepers{}
	for _, n := range a.newsletters() {
		keepers = append(keepers, n.keeper(n.rooms, senders[n.cfg.Newsletter.Slug]))
	}
	jobs.Handle(r.jobs, func(ctx context.Context, _ everyMinute) error {
		return errors.Join(r.subscribers.Tend(ctx), r.notices.Tend(ctx), r.editors(a).Tend(ctx), keepers.Reckon(ctx), a.findCancelled(ctx, r), r.webhooks.Tend(ctx))
	})
	jobs.Handle(r.jobs, func(ctx context.Context, job tellWebhook) error { return tell(ctx, r, job) })
	jobs.Handle(r.jobs, func(ctx context.Context, _ pollFeeds) error { return a.pollDue(ctx, r) })
	jobs.Handle(r.jobs, keepers.Assemble)
	jobs.Handle(r.jobs, keepers.CutOff)
	jobs.Handle(r.jobs, keepers.Send)
	jobs.Handle(r.jobs, func(ctx context.Context, job sweepSend) error {
		ended, err := steering.Sweep(ctx, job.Issue)
		if err == nil && !ended {
			return jobs.Again(time.Second)
		}
		return err
	})
	return r.jobs
}

// findCancelled puts back the jobs of cancelled sends that have none.
func (a *app) findCancelled(ctx context.Context, r *rooms) error {
	sends, err := r.ledger.Cancelled(ctx)
	if err != nil {
		return err
	}
	for _, send := range sends {
		if err := r.jobs.Insert(ctx, sweepSend{send.Issue}, jobs.Once); err != nil {
			return err
		}
	}
	return nil
}
