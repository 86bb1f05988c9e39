package main

import (
	"context"

	"apta/newsletter"
	"apta/newsletter/assemble"

	"github.com/spf13/pflag"
)

// edits are what an editor says on the command line about an issue.
type edits struct {
	explain      bool
	pin, exclude []string
}

func (e *edits) flags(f *pflag.FlagSet) {
	f.BoolVar(&e.explain, "explain", false, "print why the issue is as it is")
	f.StringArrayVar(&e.pin, "pin", nil, "URL of an item that opens the review; may be repeated")
	f.StringArrayVar(&e.exclude, "exclude", nil, "URL of an item to leave out; may be repeated")
}

// compose assembles a window's issue from the stored items.
func (a *app) compose(ctx context.Context, r *rooms, w newsletter.Window) (newsletter.Issue, error) {
	issue, _, err := a.assemble(ctx, r, w, edits{})
	return issue, err
}

// assemble is compose with an editor's wishes and the reasons of every choice.
func (a *app) assemble(ctx context.Context, r *rooms, w newsletter.Window, e edits) (newsletter.Issue, assemble.Reasons, error) {
	items, err := r.newsletter.ItemsIn(ctx, w)
	if err != nil {
		return newsletter.Issue{}, assemble.Reasons{}, err
	}
	past, err := a.past(ctx, r, w)
	if err != nil {
		return newsletter.Issue{}, assemble.Reasons{}, err
	}
	style := a.cfg.style()
	style.Rules.Pins, style.Rules.Exclude = e.pin, e.exclude
	issue, reasons, err := assemble.Compose(items, w, style, past)
	if err != nil {
		return newsletter.Issue{}, reasons, err
	}
	issue.Newsletter = a.cfg.Newsletter.Slug
	issue.Status = newsletter.Draft
	return issue, reasons, nil
}

// remembered is how many issues back an item is looked for: half a year of
// weeks, after which no window reaches it any more.
const remembered = 26

// past gathers what the issues before this one had. A draft of another week
// holds nothing back: it may never be sent.
func (a *app) past(ctx context.Context, r *rooms, w newsletter.Window) (assemble.Past, error) {
	past := assemble.Past{Earlier: map[string]string{}}
	issues, err := r.newsletter.Issues(ctx, a.cfg.Newsletter.Slug, remembered)
	if err != nil {
		return past, err
	}
	for _, i := range issues {
		if i.Week == w.Name || i.Status == newsletter.Draft || i.Status == newsletter.Held || i.Language != a.cfg.Newsletter.Language {
			continue
		}
		for _, s := range i.Strands {
			for _, p := range s.Items {
				past.Earlier[p.URL] = i.Week
			}
		}
		for _, h := range i.Latest {
			past.Earlier[h.URL] = i.Week
		}
	}
	return past, nil
}

// explain prints the reasons of an issue.
func (a *app) explain(r assemble.Reasons, asJSON bool) error {
	if asJSON {
		return writeJSON(a.stdout, r)
	}
	return r.Write(a.stdout)
}
