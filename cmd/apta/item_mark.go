package main

import (
	"context"
	"errors"
	"fmt"

	"apta/newsletter"
	"apta/newsletter/assemble"

	"github.com/spf13/cobra"
)

// itemMarks are the verbs that say what assembly does with a single item.
func (a *app) itemMarks() []*cobra.Command {
	return []*cobra.Command{
		a.itemMark("pin URL", "Have an item open the review, in one week or in every one", func(ctx context.Context, r *rooms, url, week string) error {
			return r.newsletter.MarkItem(ctx, a.cfg.Newsletter.Slug, newsletter.ItemMark{URL: url, Week: week, Mark: newsletter.Pinned})
		}),
		a.itemMark("exclude URL", "Keep an item out, of one week or of every one", func(ctx context.Context, r *rooms, url, week string) error {
			return r.newsletter.MarkItem(ctx, a.cfg.Newsletter.Slug, newsletter.ItemMark{URL: url, Week: week, Mark: newsletter.Excluded})
		}),
		a.itemMark("free URL", "Let assembly choose again: forget a pin or an exclusion", func(ctx context.Context, r *rooms, url, week string) error {
			err := r.newsletter.FreeItem(ctx, a.cfg.Newsletter.Slug, url, week)
			if errors.Is(err, newsletter.ErrNotFound) {
				return fmt.Errorf("nothing was said about %s%s", url, inWeek(week))
			}
			return err
		}),
	}
}

func (a *app) itemMark(use, short string, do func(ctx context.Context, r *rooms, url, week string) error) *cobra.Command {
	var week string
	c := &cobra.Command{
		Use: use, Short: short,
		Long:    short + ". It holds for every time the week is\nassembled, until apta item free; apta issue compose --explain says what it did.",
		Args:    cobra.ExactArgs(1),
		Example: "  apta item " + use[:len(use)-len("URL")] + "https://news.example/story --week 2024-W42",
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			if week != "" {
				if _, err := newsletter.ParseWeek(week, a.cfg.zone); err != nil {
					return &usageError{err}
				}
			}
			known, err := r.newsletter.HasItem(c.Context(), args[0])
			if err != nil {
				return err
			}
			if !known && c.Name() != "free" {
				return fmt.Errorf("there is no item %s (apta item list shows them)", args[0])
			}
			if err := do(c.Context(), r, args[0], week); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s %s%s\n", map[string]string{"pin": "pinned", "exclude": "excluded", "free": "freed"}[c.Name()], args[0], inWeek(week))
			return nil
		},
	}
	c.Flags().StringVar(&week, "week", "", "in this week only, such as 2024-W42")
	return c
}

func inWeek(week string) string {
	if week == "" {
		return ""
	}
	return " in " + week
}

// marked lays the stored pins and exclusions beside those of the command line.
func (a *app) marked(ctx context.Context, r *rooms, week string, rules *assemble.Rules) error {
	marks, err := r.newsletter.Marks(ctx, a.cfg.Newsletter.Slug, week)
	for _, m := range marks {
		if m.Mark == newsletter.Pinned {
			rules.Pins = append(rules.Pins, m.URL)
		} else {
			rules.Exclude = append(rules.Exclude, m.URL)
		}
	}
	return err
}
