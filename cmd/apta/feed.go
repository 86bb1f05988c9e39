package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"apta/newsletter/intake"
	"apta/newsletter/intake/feeds"
	"apta/newsletter/intake/fetch"
	"apta/subscribers/database"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) feedCommand() *cobra.Command {
	c := &cobra.Command{Use: "feed", Short: "Follow feeds: RSS, Atom and JSON Feed"}
	c.AddCommand(a.feedAdd(), a.feedList(), a.feedPoll(), a.feedSet(), a.feedRemove(), a.feedImport(), a.feedExport())
	return c
}

// feedFlags are what may be said of a feed.
type feedFlags struct {
	source, theme, place, language, role string
	rules                                []string
}

func (v *feedFlags) register(f *pflag.FlagSet) {
	f.StringVar(&v.source, "source", "", "who its items are reported by (default the feed's title)")
	f.StringVar(&v.theme, "theme", "", "theme of its items")
	f.StringVar(&v.place, "place", "", "place of its items")
	f.StringVar(&v.language, "language", "", "language of its items, such as en (default what the feed says)")
	f.StringVar(&v.role, "role", "latest", "what its items are for: review or latest")
	f.StringArrayVar(&v.rules, "rule", nil, `a rule, such as "word=elect; theme=Elections; role=review" or "category=Sport; skip"; may be repeated`)
}

// apply takes over the flags that were given.
func (v *feedFlags) apply(flags *pflag.FlagSet, f *feeds.Feed) (err error) {
	for name, p := range map[string][2]*string{"source": {&f.Source, &v.source}, "theme": {&f.Theme, &v.theme}, "place": {&f.Place, &v.place}, "language": {&f.Language, &v.language}} {
		if flags.Changed(name) {
			*p[0] = *p[1]
		}
	}
	if flags.Changed("role") || f.Role == "" {
		if f.Role, err = feeds.ParseRole(v.role); err != nil {
			return &usageError{fmt.Errorf("--role: %w", err)}
		}
	}
	if flags.Changed("rule") {
		f.Rules = nil
	}
	for _, text := range v.rules {
		if text == "" {
			continue // --rule "" takes all rules away
		}
		r, err := feeds.ParseRule(text)
		if err != nil {
			return &usageError{err}
		}
		f.Rules = append(f.Rules, r)
	}
	if err := f.Check(); err != nil {
		return &usageError{err}
	}
	return nil
}

func (a *app) feedAdd() *cobra.Command {
	var v feedFlags
	c := &cobra.Command{
		Use:   "add URL",
		Short: "Follow a feed, given its address or that of a page that names it",
		Example: `  apta feed add https://news.example/rss --theme Trade --role review
  apta feed add https://news.example/ --rule "category=Sport; skip"`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			var f feeds.Feed
			if err := v.apply(c.Flags(), &f); err != nil {
				return err
			}
			address, err := intake.CheckURL(args[0])
			if err != nil {
				return &usageError{err}
			}
			p := a.poller(r, fetch.DefaultTimeout)
			found, parsed, err := p.Find(c.Context(), address)
			if err != nil {
				return err
			}
			f.URL, f.Title = found, parsed.Title
			if err := p.Store.Add(c.Context(), &f); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s %s (%s): %d entries\n", f.ID, f.URL, f.Title, len(parsed.Entries))
			return nil
		},
	}
	v.register(c.Flags())
	return c
}

func (a *app) feedList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List feeds, with how their last poll went",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			list, err := a.poller(r, fetch.DefaultTimeout).Store.All(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, list)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tFEED\tROLE\tTHEME\tPOLLED\tENTRIES\tNEW\tNEXT\tRESULT")
			for _, f := range list {
				polled := "never"
				if !f.Polled.IsZero() {
					polled = f.Polled.In(a.cfg.zone).Format("2006-01-02 15:04")
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", f.ID, f.URL, f.Role, f.Theme, polled, f.Entries, f.New, f.Due.In(a.cfg.zone).Format("01-02 15:04"), feedResult(f))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// feedResult is how the last poll went, in a few words.
func feedResult(f feeds.Feed) string {
	switch {
	case f.Error != "":
		return fmt.Sprintf("failed %d times: %s", f.Failures, f.Error)
	case f.Note != "":
		return f.Note
	case f.Polled.IsZero():
		return ""
	}
	return "ok"
}

func (a *app) feedPoll() *cobra.Command {
	return &cobra.Command{
		Use:   "poll [ID...]",
		Short: "Ask feeds now, all or those given, due or not",
		Long: `Ask feeds now, all or those given, due or not. apta serve does so by itself
whenever one is due (intake.poll). The exit status is 1 if any of them failed.`,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			p := a.poller(r, fetch.DefaultTimeout)
			list, err := feedsNamed(c.Context(), p.Store, args)
			if err != nil {
				return err
			}
			failed := false
			err = p.Poll(c.Context(), list, func(f feeds.Feed) {
				if f.Error != "" {
					failed = true
					fmt.Fprintf(a.stderr, "%s %s: %s\n", f.ID, f.URL, f.Error)
					return
				}
				fmt.Fprintf(a.stdout, "%s %s: %d new\n", f.ID, f.URL, f.New)
				if f.Note != "" {
					fmt.Fprintf(a.stderr, "%s %s: %s\n", f.ID, f.URL, f.Note)
				}
			})
			if err == nil && failed {
				err = errReported
			}
			return err
		},
	}
}

func feedsNamed(ctx context.Context, store *feeds.Store, args []string) (list []feeds.Feed, err error) {
	if len(args) == 0 {
		return store.All(ctx)
	}
	for _, arg := range args {
		id, err := database.ParseID(arg)
		if err != nil {
			return nil, &usageError{err}
		}
		f, err := store.Feed(ctx, id)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

func (a *app) feedSet() *cobra.Command {
	var v feedFlags
	c := &cobra.Command{
		Use:     "set ID",
		Short:   "Change what a feed's items are given; those stored already stay as they are",
		Example: `  apta feed set 0sb2vra5msma5 --theme Elections --role review --rule ""`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			store := a.poller(r, fetch.DefaultTimeout).Store
			list, err := feedsNamed(c.Context(), store, args)
			if err != nil {
				return err
			}
			if err := v.apply(c.Flags(), &list[0]); err != nil {
				return err
			}
			return store.Set(c.Context(), list[0])
		},
	}
	v.register(c.Flags())
	return c
}

func (a *app) feedRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove ID...",
		Short: "Follow feeds no longer; their items stay",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			store := a.poller(r, fetch.DefaultTimeout).Store
			list, err := feedsNamed(c.Context(), store, args)
			if err != nil {
				return err
			}
			for _, f := range list {
				if err := store.Remove(c.Context(), f.ID); err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "removed %s\n", f.URL)
			}
			return nil
		},
	}
}

func (a *app) feedImport() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE|-",
		Short: "Follow the feeds of an OPML file; its folders become themes",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, name, _, err := a.input(args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			wrong, added, known := 0, 0, 0
			list, err := feeds.ReadOPML(in, func(e error) {
				wrong++
				fmt.Fprintf(a.stderr, "%s: %v\n", name, e)
			})
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			store := a.poller(r, fetch.DefaultTimeout).Store
			for _, o := range list {
				err := store.Add(c.Context(), &feeds.Feed{URL: o.URL, Title: o.Title, Theme: o.Theme, Role: feeds.Latest})
				switch {
				case errors.Is(err, feeds.ErrTaken):
					known++
				case err != nil:
					return err
				default:
					added++
				}
			}
			fmt.Fprintf(a.stdout, "%d new, %d known already\n", added, known)
			if wrong > 0 {
				return errReported
			}
			return nil
		},
	}
}

func (a *app) feedExport() *cobra.Command {
	return &cobra.Command{
		Use:     "export",
		Short:   "Write the feeds as OPML",
		Example: "  apta feed export > feeds.opml",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			list, err := a.poller(r, fetch.DefaultTimeout).Store.All(c.Context())
			if err != nil {
				return err
			}
			return feeds.WriteOPML(a.stdout, a.cfg.Newsletter.Name, list)
		},
	}
}
