package main

import (
	"context"
	"time"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/newsletter/schedule"
)

// byCommand is who does what the command line does.
const byCommand = "command line"

// flow is what people do to this newsletter's issues before they are sent.
func (a *app) flow(r *rooms) *schedule.Flow {
	return schedule.NewFlow(r.newsletter, r.jobs, r.notices, a.flowOptions(r))
}

func (a *app) flowOptions(r *rooms) schedule.FlowOptions {
	c := a.cfg
	return schedule.FlowOptions{
		Newsletter: c.Newsletter.Slug, Schedule: c.cron, Window: c.slotWindow, Skips: c.flow.skips,
		CutOff: c.flow.cutOff, Reminder: c.flow.reminder, SendAtCutOff: c.Schedule.AtCutOff == "send", CoolOff: c.flow.coolOff,
		Editors: c.Schedule.Editors, Desk: c.BaseURL + "/desk", Now: a.now,
		Freeze: func(ctx context.Context, issue newsletter.Issue) (map[string][]byte, error) {
			return a.freezeVariants(ctx, r, issue)
		},
	}
}

// keeper keeps the schedule that is configured.
func (a *app) keeper(r *rooms, sender *delivery.Sender) *schedule.Keeper {
	c := a.cfg
	return schedule.NewKeeper(r.newsletter, r.jobs, r.notices, schedule.Options{
		FlowOptions: a.flowOptions(r), All: c.Schedule.CatchUp == "all", Auto: c.Schedule.Policy == "auto", Lateness: c.lateness, NoIssue: c.noIssue(),
		Languages: c.languages(),
		Compose: func(ctx context.Context, w newsletter.Window, language string) (newsletter.Issue, error) {
			return a.in(language).compose(ctx, r, w)
		},
		Start: func(ctx context.Context, issue newsletter.Issue) error {
			if err := r.subscribers.Tend(ctx); err != nil { // pauses that ended are over now
				return err
			}
			return sender.Start(ctx, issue)
		},
		Counts: r.ledger.Counts, Log: r.log,
	})
}

// approve freezes an issue as it stands. It goes out by itself when it has cooled
// off, where its slot has come or is to come.
func (a *app) approve(ctx context.Context, r *rooms, issue newsletter.Issue, by string) (newsletter.Issue, error) {
	return a.flow(r).Approve(ctx, issue, by)
}

// moment writes a time with its zone, as all of the schedule's are written.
func (c *Config) moment(t time.Time) string {
	return t.In(c.zone).Format("Mon 2006-01-02 15:04") + " " + c.zone.String()
}
