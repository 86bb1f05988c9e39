package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"apta/newsletter"
	"apta/newsletter/intake/fetch"
	"apta/newsletter/jobs"
	"apta/newsletter/webhooks"
	"apta/subscribers"
	"apta/subscribers/database"

	"github.com/spf13/cobra"
)

// tellWebhook is the job of sending a webhook what is due.
type tellWebhook struct {
	Webhook database.ID `json:"webhook"`
}

func (tellWebhook) Kind() string { return "tell-webhook" }

// A job has eight seconds. So it begins no message after two of them, and none
// takes longer than five.
const (
	tellBegin = 2 * time.Second
	tellLimit = 5 * time.Second
)

func tell(ctx context.Context, r *rooms, job tellWebhook) error {
	more, err := r.webhooks.Deliver(ctx, job.Webhook, tellBegin)
	if err == nil && more {
		return jobs.Again(0)
	}
	return err
}

// listen makes the room of webhooks, and has the stores tell it of what happens.
func (a *app) listen(r *rooms) {
	r.webhooks = webhooks.New(r.db, r.ids, webhooks.Options{
		Secret: func(id database.ID) []byte { return r.keys.Secret("webhook " + id.String()) },
		Enqueue: func(ctx context.Context, tx *sql.Tx, id database.ID) error {
			return r.jobs.InsertTx(ctx, tx, tellWebhook{id}, jobs.Once)
		},
		Address: func(ctx context.Context, id database.ID) (string, error) {
			sub, err := r.subscribers.ByID(ctx, id)
			if errors.Is(err, subscribers.ErrNotFound) {
				err = nil
			}
			return sub.Email, err
		},
		IssueURL: func(i newsletter.Issue) string {
			c, err := a.cfg.of(i.Newsletter)
			if err != nil {
				c = a.cfg // its newsletter is configured no longer
			}
			return c.in(i.Language).masthead().IssueURL(i)
		},
		Now: a.now, Log: r.log,
		Post: fetch.New(fetch.Options{Allow: a.cfg.Webhooks.allow, AllowKey: "webhooks.allow", Timeout: tellLimit, UserAgent: "Apta (+" + a.cfg.BaseURL + ")"}),
	})
	r.subscribers, r.newsletter = r.subscribers.Telling(r.webhooks.Subscriber), r.newsletter.TellingSent(r.webhooks.Sent)
}

func (a *app) webhookCommand() *cobra.Command {
	c := &cobra.Command{Use: "webhook", Short: "Tell other programs who subscribes and leaves, and what is sent"}
	c.AddCommand(a.webhookAdd(), a.webhookList(), a.webhookRemove(), a.webhookEnable(), a.webhookTest(), a.webhookDeliveries())
	return c
}

func (a *app) webhookAdd() *cobra.Command {
	var w webhooks.Webhook
	c := &cobra.Command{
		Use:   "add URL --event EVENTS",
		Short: "Have an address told of events, and show the secret that signs them",
		Long: `Have an address told of events, and show the secret that signs them, as
standardwebhooks.com has it. The events are subscriber.confirmed,
subscriber.unsubscribed, subscriber.bounced and issue.sent. A reader is named by
their ID; with --with-address their address is sent too.`,
		Example: "  apta webhook add https://crm.example/apta --event subscriber.confirmed,subscriber.unsubscribed",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			w.URL = args[0]
			if err := w.Check(); err != nil {
				return &usageError{err}
			}
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			if w, err = r.webhooks.Add(c.Context(), w); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s %s\n", w.ID, r.webhooks.Secret(w.ID))
			fmt.Fprintf(a.stderr, "%s is told of %s, signed with the secret above; apta webhook test %s tries it\n", w.URL, strings.Join(w.Events, ", "), w.ID)
			return nil
		},
	}
	c.Flags().StringSliceVar(&w.Events, "event", nil, "what it is told of, parted by commas (required)")
	c.Flags().BoolVar(&w.WithAddress, "with-address", false, "send readers' addresses, not their IDs alone")
	c.MarkFlagRequired("event")
	return c
}

func (a *app) webhookList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List webhooks and how they are",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			list, err := r.webhooks.List(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, list)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tURL\tEVENTS\tADDRESSES\tSTATE")
			for _, h := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", h.ID, h.URL, strings.Join(h.Events, " "), map[bool]string{true: "sent", false: "no"}[h.WithAddress], a.webhookState(h))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) webhookState(h webhooks.Webhook) string {
	switch {
	case !h.Disabled.IsZero():
		return "given up " + a.day(h.Disabled) + ": " + h.Why
	case h.Failures > 0:
		return fmt.Sprintf("failing since %s, %d times: %s", a.day(h.FailingSince), h.Failures, h.Why)
	}
	return "good"
}

// webhookVerb is a verb that does something to one webhook.
func (a *app) webhookVerb(use, short string, do func(ctx context.Context, r *rooms, id database.ID) error, said string) *cobra.Command {
	return &cobra.Command{
		Use: use + " ID", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, id, err := a.webhook(c.Context(), args[0])
			if err == nil {
				err = do(c.Context(), r, id)
			}
			if errors.Is(err, webhooks.ErrNotFound) {
				return fmt.Errorf("there is no webhook %s (apta webhook list shows them)", args[0])
			}
			if errors.Is(err, webhooks.ErrDisabled) {
				return fmt.Errorf("webhook %s was given up: apta webhook enable %s has it told again", args[0], args[0])
			}
			if err == nil && said != "" {
				fmt.Fprintln(a.stdout, strings.ReplaceAll(said, "ID", args[0]))
			}
			return err
		},
	}
}

func (a *app) webhook(ctx context.Context, ref string) (*rooms, database.ID, error) {
	id, err := database.ParseID(ref)
	if err != nil {
		return nil, 0, &usageError{fmt.Errorf("%q is not the ID of a webhook (apta webhook list)", ref)}
	}
	r, err := a.open(ctx)
	return r, id, err
}

func (a *app) webhookRemove() *cobra.Command {
	return a.webhookVerb("remove", "Forget a webhook, with what it was still to be told", func(ctx context.Context, r *rooms, id database.ID) error {
		return r.webhooks.Remove(ctx, id)
	}, "removed ID")
}

func (a *app) webhookEnable() *cobra.Command {
	return a.webhookVerb("enable", "Have a webhook told again that was given up", func(ctx context.Context, r *rooms, id database.ID) error {
		return r.webhooks.Enable(ctx, id)
	}, "ID is told again as soon as apta serve runs")
}

func (a *app) webhookTest() *cobra.Command {
	return a.webhookVerb("test", "Send a webhook the event webhook.test", func(ctx context.Context, r *rooms, id database.ID) error {
		return r.webhooks.SendTest(ctx, id)
	}, "webhook.test is sent as soon as apta serve runs; apta webhook deliveries ID shows what came of it")
}

func (a *app) webhookDeliveries() *cobra.Command {
	var limit int
	var asJSON bool
	c := a.webhookVerb("deliveries", "Show what a webhook was told of late, the newest first", func(ctx context.Context, r *rooms, id database.ID) error {
		list, err := r.webhooks.Deliveries(ctx, id, limit)
		if err != nil {
			return err
		}
		if asJSON {
			return writeJSON(a.stdout, list)
		}
		w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tEVENT\tAT\tSTATE\tTRIES\tNEXT\tWHY")
		for _, d := range list {
			next := ""
			if !d.Next.IsZero() {
				next = a.day(d.Next)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", d.ID, d.Event, a.day(d.At), d.State, d.Tries, next, d.Why)
		}
		return w.Flush()
	}, "")
	c.Flags().IntVar(&limit, "limit", 50, "at most this many")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
