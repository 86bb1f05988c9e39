package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"apta/newsletter"
	"apta/newsletter/intake"
	"apta/subscribers/database"

	"github.com/spf13/cobra"
)

func (a *app) itemCommand() *cobra.Command {
	c := &cobra.Command{Use: "item", Short: "Store, list and remove items"}
	c.AddCommand(a.itemImport(), a.itemList(), a.itemAdd(), a.itemRemove(), a.itemSources())
	c.AddCommand(a.itemMarks()...)
	return c
}

func (a *app) itemImport() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE|-",
		Short: "Store items from JSONL, one object a line",
		Long: `Store items from JSONL, one object a line. Bad lines and unknown keys are
reported with their line; the rest is stored, and the exit status is 1. A second
import of the same file changes nothing.`,
		Example: "  apta item import week.jsonl\n  zcat week.jsonl.gz | apta item import -",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, name, size, err := a.input(args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			return a.importItems(c.Context(), in, name, size)
		},
	}
}

// input opens a file, or standard input for "-". size is -1 where it is unknown.
func (a *app) input(arg string) (in io.ReadCloser, name string, size int64, err error) {
	if arg == "-" {
		return io.NopCloser(a.stdin), "standard input", -1, nil
	}
	f, err := os.Open(arg)
	if err != nil {
		return nil, "", 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, "", 0, err
	}
	if !info.Mode().IsRegular() {
		return f, arg, -1, nil
	}
	return f, arg, info.Size(), nil
}

// importBatch is how many items one transaction stores.
const importBatch = 1000

func (a *app) importItems(ctx context.Context, in io.Reader, name string, size int64) error {
	r, err := a.open(ctx)
	if err != nil {
		return err
	}
	bar := a.byteBar("importing", size)
	defer bar.Finish()
	var (
		count newsletter.ImportCount
		wrong int
		batch []newsletter.Item
	)
	flush := func() error {
		n, err := r.newsletter.PutItems(ctx, batch)
		count.Add(n)
		batch = batch[:0]
		return err
	}
	err = intake.ReadJSONL(bar.NewProxyReader(in), name, func(it newsletter.Item) error {
		if batch = append(batch, it); len(batch) < importBatch {
			return nil
		}
		return flush()
	}, func(e *intake.LineError) {
		wrong++
		fmt.Fprintln(a.stderr, e)
	})
	if err == nil {
		err = flush()
	}
	bar.Finish()
	fmt.Fprintf(a.stdout, "%d new, %d changed, %d unchanged", count.New, count.Changed, count.Same)
	if wrong > 0 {
		fmt.Fprintf(a.stdout, ", %d complaints", wrong)
	}
	fmt.Fprintln(a.stdout)
	if err == nil && wrong > 0 {
		err = errReported
	}
	return err
}

func (a *app) itemList() *cobra.Command {
	var limit int
	var week string
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List items, the newest first",
		Example: "  apta item list --week 2024-W42\n  apta item list --limit 100000 --json > items.jsonl",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			var items []newsletter.Item
			if week == "" {
				items, err = r.newsletter.Items(c.Context(), limit)
			} else {
				var w newsletter.Window
				if w, err = newsletter.ParseWeek(week, a.cfg.zone); err != nil {
					return &usageError{err}
				}
				items, err = r.newsletter.ItemsIn(c.Context(), w)
			}
			if err != nil {
				return err
			}
			return a.printItems(items, asJSON)
		},
	}
	c.Flags().IntVar(&limit, "limit", 50, "at most this many")
	c.Flags().StringVar(&week, "week", "", "only the items of a week such as 2024-W42, the oldest first")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSONL, as import reads it")
	return c
}

func (a *app) printItems(items []newsletter.Item, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(a.stdout)
		enc.SetEscapeHTML(false)
		for _, it := range items {
			if err := enc.Encode(it); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tPUBLISHED\tTHEME\tPLACE\tTITLE")
	for _, it := range items {
		theme := it.Theme
		if it.Latest {
			theme = "(latest)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", it.ID, it.Published.In(a.cfg.zone).Format("2006-01-02 15:04"), theme, it.Place, it.Title)
	}
	return w.Flush()
}

func (a *app) itemAdd() *cobra.Command {
	var it newsletter.Item
	var published string
	c := &cobra.Command{
		Use:   "add URL",
		Short: "Store one item, read from its page",
		Long: `Store one item. Its page is read for title, summary, source, date, language,
image and author, unless both --title and --summary are given; a flag has the last word.`,
		Example: `  apta item add https://news.example/story --theme Trade
  apta item add https://news.example/story --title "Harbour reopens" --summary "The harbour reopened on Monday."`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			address, err := a.fillFromPage(c.Context(), args[0], &it, &published)
			if err != nil {
				return err
			}
			if published == "" {
				published = a.now().Format(time.RFC3339)
			}
			line, err := json.Marshal(map[string]any{
				"url": address, "title": it.Title, "summary": it.Summary, "source": it.Source, "theme": it.Theme, "place": it.Place,
				"language": it.Language, "published": published, "strand": it.Strand, "order": it.Order, "bridge": it.Bridge, "latest": it.Latest,
				"image": it.Image, "author": it.Author,
			})
			if err != nil {
				return err
			}
			// The same checks as an imported line, and the same words when one fails.
			item, _, err := intake.ParseItem(line)
			if err != nil {
				return &usageError{err}
			}
			items := []newsletter.Item{item}
			count, err := r.newsletter.PutItems(c.Context(), items)
			if err != nil {
				return err
			}
			switch {
			case count.New == 1:
				fmt.Fprintf(a.stdout, "added %s\n", items[0].ID)
			case count.Changed == 1:
				fmt.Fprintf(a.stdout, "changed %s\n", items[0].ID)
			default:
				fmt.Fprintln(a.stdout, "that item is stored already, just so")
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&it.Title, "title", "", "title")
	f.StringVar(&it.Summary, "summary", "", "summary in Markdown")
	f.StringVar(&it.Source, "source", "", "who reported it")
	f.StringVar(&it.Theme, "theme", "", "what it is about")
	f.StringVar(&it.Place, "place", "", "where it happened")
	f.StringVar(&it.Language, "language", "", "language, such as en")
	f.StringVar(&published, "published", "", "RFC 3339 time (default the page's, or now)")
	f.StringVar(&it.Strand, "strand", "", "items of one strand make one paragraph")
	f.IntVar(&it.Order, "order", 0, "place within the issue")
	f.StringVar(&it.Bridge, "bridge", "", `connective that opens it, such as "Meanwhile,"`)
	f.BoolVar(&it.Latest, "latest", false, "only a headline of the latest news")
	return c
}

func (a *app) itemRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove ID...",
		Short: "Remove items; issues that quote them keep their words",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			for _, arg := range args {
				id, err := database.ParseID(arg)
				if err != nil {
					return &usageError{err}
				}
				if err := r.newsletter.RemoveItem(c.Context(), id); err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "removed %s\n", id)
			}
			return nil
		},
	}
}
