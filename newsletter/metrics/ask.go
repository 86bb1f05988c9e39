package metrics

import (
	"context"
	"time"

	"apta/newsletter/delivery"
	"apta/newsletter/jobs"
	"apta/subscribers"
)

func (r *room) askSends(ctx context.Context) error {
	list, err := r.Ledger.Sends(ctx, 1000)
	if err != nil {
		return err
	}
	states := map[delivery.SendState]int{delivery.Running: 0, delivery.Paused: 0, delivery.Cancelled: 0, delivery.Done: 0}
	for _, s := range list {
		states[s.State]++
	}
	for s, n := range states {
		r.gauge(descSending, float64(n), string(s))
	}
	for _, s := range list[:min(sends, len(list))] {
		counts, known := r.ended[s.Issue]
		if !known || s.State != delivery.Done {
			if counts, err = r.Ledger.Counts(ctx, s.Issue); err != nil {
				return err
			}
		}
		if s.State == delivery.Done {
			r.ended[s.Issue] = counts
		} else {
			delete(r.ended, s.Issue)
		}
		for state, n := range counts.ByState() {
			r.gauge(descDeliveries, float64(n), s.Issue.String(), state.String())
		}
	}
	return nil
}

func (r *room) askRelays(ctx context.Context) error {
	states, err := r.Ledger.Relays(ctx)
	if err != nil {
		return err
	}
	unusual := map[string]string{}
	for _, s := range states {
		unusual[s.Name] = s.State
	}
	for _, name := range r.Relays {
		if state := unusual[name]; state != "" {
			r.gauge(descRelay, 0, name, state)
		} else {
			r.gauge(descRelay, 1, name, "as usual")
		}
	}
	return nil
}

func (r *room) askQueues(ctx context.Context) error {
	for name, ask := range map[string]func(context.Context) (int, time.Time, error){"letters": r.Subscribers.LetterQueue, "notices": r.Notices.Queue} {
		n, oldest, err := ask(ctx)
		if err != nil {
			return err
		}
		age := 0.0
		if n > 0 {
			age = max(0, r.Now().Sub(oldest).Seconds())
		}
		r.gauge(descQueue, float64(n), name)
		r.gauge(descQueueAge, age, name)
	}
	return nil
}

func (r *room) askJobs(ctx context.Context) error {
	counts, err := r.Jobs.Counts(ctx)
	if err != nil {
		return err
	}
	for _, s := range append([]jobs.State{jobs.Completed}, jobs.Open...) {
		r.gauge(descJobs, float64(counts[s]), string(s))
	}
	return nil
}

func (r *room) askFeeds(ctx context.Context) error {
	list, err := r.Feeds.All(ctx)
	if err != nil {
		return err
	}
	failing, oldest := 0, 0.0
	for _, f := range list {
		if f.Failures > 0 {
			failing++
		}
		if !f.Polled.IsZero() {
			oldest = max(oldest, r.Now().Sub(f.Polled).Seconds())
		}
	}
	r.gauge(descFeeds, float64(len(list)-failing), "ok")
	r.gauge(descFeeds, float64(failing), "failing")
	r.gauge(descFeedAge, oldest)
	return nil
}

func (r *room) askSubscribers(ctx context.Context) error {
	counts, err := r.Subscribers.Count(ctx)
	if err != nil {
		return err
	}
	for _, s := range subscribers.Statuses() {
		r.gauge(descSubscribers, float64(counts[s]), string(s))
	}
	return nil
}

func (r *room) askDatabase(ctx context.Context) error {
	size, err := r.Database.Size(ctx)
	if err == nil {
		r.gauge(descSize, float64(size))
	}
	return err
}
