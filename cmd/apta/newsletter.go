package main

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"text/tabwriter"

	"apta/newsletter/delivery"
	"apta/subscribers"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func (a *app) newsletterCommand() *cobra.Command {
	c := &cobra.Command{Use: "newsletter", Short: "Look at the newsletters that are configured",
		Long: "Look at the newsletters that are configured. Every other verb works on the one that\n--newsletter names (docs/newsletters.md)."}
	c.AddCommand(a.newsletterList())
	return c
}

// newsletterLine is one newsletter in a list.
type newsletterLine struct {
	Slug      string   `json:"slug"`
	Name      string   `json:"name"`
	Languages []string `json:"languages"`
	Next      string   `json:"next"` // its next slot
	Readers   int      `json:"readers"`
}

func (a *app) newsletterList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the newsletters, the main one first",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := a.open(c.Context()); err != nil {
				return err
			}
			lines, err := a.newsletterLines(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, lines)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "SLUG\tNAME\tLANGUAGES\tNEXT\tREADERS")
			for _, l := range lines {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\n", l.Slug, l.Name, strings.Join(l.Languages, ", "), l.Next, l.Readers)
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) newsletterLines(ctx context.Context) (lines []newsletterLine, err error) {
	for _, n := range a.newsletters() {
		count, err := n.rooms.subscribers.Count(ctx)
		if err != nil {
			return nil, err
		}
		c := n.cfg
		lines = append(lines, newsletterLine{Slug: c.Newsletter.Slug, Name: c.Newsletter.Name, Languages: c.languages(),
			Next: c.cron.Next(a.now()).Format("2006-01-02 15:04 MST"), Readers: count[subscribers.Active]})
	}
	return lines, nil
}

// newsletters gives every newsletter as an app of its own over the same rooms,
// the main one first. The database has to be open.
func (a *app) newsletters() (all []*app) {
	for _, c := range a.cfg.newsletters() {
		all = append(all, a.as(c))
	}
	return all
}

// as is the app for another newsletter of the site, or for one of its languages.
func (a *app) as(c *Config) *app {
	other, rooms := *a, *a.rooms
	rooms.subscribers = rooms.subscribers.For(c.Newsletter.Slug).WithRules(c.rules)
	other.cfg, other.rooms = c, &rooms
	return &other
}

// bySlug is the app for a newsletter; ok is false where none has that slug.
func (a *app) bySlug(slug string) (n *app, ok bool) {
	for _, c := range a.cfg.newsletters() {
		if c.Newsletter.Slug == slug {
			return a.as(c), true
		}
	}
	return nil, false
}

// in is the app for one of the newsletter's languages.
func (a *app) in(language string) *app {
	if c := a.cfg.in(language); c != a.cfg {
		return a.as(c)
	}
	return a
}

// carriers parts the newsletters into those whose mails go the same way: over the
// same relays, within the same limits. One sender carries them, so that the
// limits hold for them together.
func (c *Config) carriers() (groups [][]*Config) {
next:
	for _, n := range c.newsletters() {
		for i, g := range groups {
			if goSameWay(g[0], n) {
				groups[i] = append(g, n)
				continue next
			}
		}
		groups = append(groups, []*Config{n})
	}
	return groups
}

func goSameWay(a, b *Config) bool {
	return reflect.DeepEqual(a.relays(), b.relays()) && reflect.DeepEqual(a.Limits, b.Limits) &&
		a.Mail.Doubtful == b.Mail.Doubtful && a.lateness == b.lateness && a.zone.String() == b.zone.String()
}

// senders are the senders of all newsletters, by their slugs; those that go the
// same way have one between them.
type senders map[string]*delivery.Sender

func (a *app) senders(r *rooms) (senders, error) {
	all := senders{}
	for _, group := range a.cfg.carriers() {
		s, err := a.as(group[0]).senderOf(r, group)
		if err != nil {
			return nil, err
		}
		for _, n := range group {
			all[n.Newsletter.Slug] = s
		}
	}
	return all, nil
}

// run has every one of them carry out its sends.
func (all senders) run(ctx context.Context, group *errgroup.Group) {
	running := map[*delivery.Sender]bool{}
	for _, s := range all {
		if !running[s] {
			running[s] = true
			group.Go(func() error { return s.Run(ctx) })
		}
	}
}

// postmen are those of all newsletters.
func (a *app) postmen() (all []*postman, err error) {
	for _, n := range a.newsletters() {
		p, err := n.postman(n.rooms)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}
