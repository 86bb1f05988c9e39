package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"apta/newsletter"
	"apta/newsletter/api"
	"apta/subscribers/pages"

	"github.com/spf13/cobra"
)

func (a *app) tokenCommand() *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "Make, list and revoke tokens for the API"}
	c.AddCommand(a.tokenCreate(), a.tokenList(), a.tokenRevoke())
	return c
}

func (a *app) tokenCreate() *cobra.Command {
	var name, scopes, expires string
	c := &cobra.Command{
		Use:   "create --name NAME --scope SCOPES",
		Short: "Make a token and show it, once",
		Long: `Make a token for the API and show it, once: only its hash is kept. The scopes are
read (see issues), send (approve, hold and send issues and steer their sends),
items (store items), readers:read (see readers and their consents) and
readers:write (add, change, unsubscribe, erase and suppress them) and webhooks:write
(have other addresses told of events).`,
		Example: "  apta token create --name cms --scope items --expires 90d\n  apta token create --name dashboard --scope read",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			list, err := api.ParseScopes(scopes)
			if err != nil {
				return &usageError{err}
			}
			if name = strings.TrimSpace(name); name == "" || len(name) > 100 {
				return &usageError{errors.New("--name says whose token it is, in 1 to 100 characters")}
			}
			lasts, err := parseDays(expires)
			if err != nil {
				return &usageError{err}
			}
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			secret, t, err := r.tokens(a.now).Create(c.Context(), name, list, lasts)
			if err != nil {
				return err
			}
			fmt.Fprintln(a.stdout, secret)
			until := "until it is revoked"
			if !t.Expires.IsZero() {
				until = "until " + t.Expires.In(a.cfg.zone).Format("2006-01-02 15:04 MST")
			}
			fmt.Fprintf(a.stderr, "token %s (%s) is good for %s %s; it cannot be shown again\n", t.ID, name, scopes, until)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&name, "name", "", "whose it is (required)")
	f.StringVar(&scopes, "scope", "", "what it is good for, parted by commas: read, send, items, readers:read, readers:write, webhooks:write (required)")
	f.StringVar(&expires, "expires", "", "how long it lasts, such as 90d or 12h (default until it is revoked)")
	c.MarkFlagRequired("name")
	c.MarkFlagRequired("scope")
	return c
}

// parseDays reads a duration that may be in days; none is 0.
func parseDays(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if n, err = strconv.Atoi(days); n > 36500 {
			n = 0
		}
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("--expires %q is not a time such as 90d or 12h", text)
	}
	return d, nil
}

func (a *app) tokenList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List tokens, without what they are",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			list, err := r.tokens(a.now).List(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, list)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tNAME\tSCOPES\tCREATED\tLAST USED\tSTATE")
			for _, t := range list {
				fmt.Fprintf(w, "%s\t%s\t%v\t%s\t%s\t%s\n", t.ID, t.Name, t.Scopes, a.day(t.Created), a.day(t.Used), a.tokenState(t))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.In(a.cfg.zone).Format("2006-01-02 15:04")
}

func (a *app) tokenState(t api.Token) string {
	switch {
	case !t.Revoked.IsZero():
		return "revoked " + a.day(t.Revoked)
	case t.Expires.IsZero():
		return "good"
	case a.now().Before(t.Expires):
		return "good until " + a.day(t.Expires)
	}
	return "expired " + a.day(t.Expires)
}

func (a *app) tokenRevoke() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke NAME|ID",
		Short: "End a token at once",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			err = r.tokens(a.now).Revoke(c.Context(), args[0])
			if errors.Is(err, api.ErrNoToken) {
				return fmt.Errorf("there is no token %q that is still good (apta token list shows them)", args[0])
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "revoked %s\n", args[0])
			return nil
		},
	}
}

func (r *rooms) tokens(now func() time.Time) *api.Tokens {
	return api.NewTokens(r.db, r.ids, now, nil)
}

// api is the handler of /api/; own are the subscribers' pages.
func (a *app) api(r *rooms, own *pages.Pages) *api.API {
	return api.New(api.Options{
		Newsletter: a.cfg.Newsletter.Slug, Language: a.cfg.Newsletter.Language, Store: r.newsletter, Steering: a.steering(r), Newsroom: configured{a, r},
		Webhooks: r.webhooks, Readers: r.subscribers, Received: r.ledger.History, Subscriptions: own.Subscriptions(),
		Tokens: r.tokens(a.now), Now: a.now, Log: r.log,
	})
}

// configured is what the API wants done by the configuration.
type configured struct {
	app   *app
	rooms *rooms
}

// Approve freezes an issue.
func (c configured) Approve(ctx context.Context, issue newsletter.Issue, by string) error {
	_, err := c.app.approve(ctx, c.rooms, issue, by)
	return err
}

// PullBack makes a draft of an issue that cools off.
func (c configured) PullBack(ctx context.Context, issue newsletter.Issue, by, why string) error {
	return c.app.flow(c.rooms).PullBack(ctx, issue, by, why)
}

// Hold keeps an issue from being sent.
func (c configured) Hold(ctx context.Context, issue newsletter.Issue, by, why string) error {
	return c.app.flow(c.rooms).Hold(ctx, issue, by, why)
}

// Start begins the send of an issue; the sender of any process takes it up.
func (c configured) Start(ctx context.Context, issue newsletter.Issue) error {
	sender, err := c.app.sender(c.rooms)
	if err != nil {
		return err
	}
	if err := c.app.passGuard(ctx, c.rooms); err != nil {
		return err
	}
	return sender.Start(ctx, issue)
}
