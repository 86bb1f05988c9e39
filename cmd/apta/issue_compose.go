package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/subscribers/database"

	"github.com/spf13/pflag"
)

// edits are what an editor says on the command line about an issue. Words given
// here are locked: they stay when the issue is assembled again.
type edits struct {
	explain      bool
	pin, exclude []string
	words        map[newsletter.Lock]*string
	lock, unlock []string
}

// worded are the parts of an issue that can be given in an editor's words.
var worded = []newsletter.Lock{newsletter.LockTitle, newsletter.LockStandfirst, newsletter.LockSubject, newsletter.LockPreheader}

// lockStrands stands for the locks of all strands.
const lockStrands = "strands"

func (e *edits) flags(f *pflag.FlagSet) {
	f.BoolVar(&e.explain, "explain", false, "print why the issue is as it is")
	f.StringArrayVar(&e.pin, "pin", nil, "URL of an item that opens the review; may be repeated")
	f.StringArrayVar(&e.exclude, "exclude", nil, "URL of an item to leave out; may be repeated")
	e.words = map[newsletter.Lock]*string{}
	for _, part := range worded {
		e.words[part] = f.String(string(part), "", "the "+string(part)+" in your own words, which stay")
	}
	f.StringSliceVar(&e.lock, "lock", nil, "keep what is there when assembling again: order, strands, title, ...")
	f.StringSliceVar(&e.unlock, "unlock", nil, "let assembly choose again")
}

// check refuses what cannot be locked.
func (e *edits) check() error {
	for _, name := range slices.Concat(e.lock, e.unlock) {
		if name != lockStrands && name != string(newsletter.LockOrder) && !slices.Contains(worded, newsletter.Lock(name)) {
			return &usageError{fmt.Errorf("%q cannot be locked: title, standfirst, subject, preheader, order and strands can", name)}
		}
	}
	return nil
}

// apply lays the locks and words on an issue: a draft before it is assembled
// again, or one that is new.
func (e *edits) apply(i *newsletter.Issue) {
	i.Locks = slices.DeleteFunc(i.Locks, func(l newsletter.Lock) bool { return slices.Contains(e.unlock, string(l)) })
	lock := func(l newsletter.Lock) {
		if !slices.Contains(i.Locks, l) {
			i.Locks = append(i.Locks, l)
		}
	}
	for _, name := range e.lock {
		if name != lockStrands {
			lock(newsletter.Lock(name))
		}
	}
	into := map[newsletter.Lock]*string{newsletter.LockTitle: &i.Title, newsletter.LockStandfirst: &i.Standfirst,
		newsletter.LockSubject: &i.Subject, newsletter.LockPreheader: &i.Preheader}
	for _, part := range worded {
		if words := e.words[part]; words != nil && *words != "" {
			*into[part] = *words
			lock(part)
		}
	}
	for s := range i.Strands {
		switch {
		case slices.Contains(e.unlock, lockStrands):
			i.Strands[s].Locked = false
		case slices.Contains(e.lock, lockStrands):
			i.Strands[s].Locked = true
		}
	}
}

// compose assembles a window's issue from the stored items.
func (a *app) compose(ctx context.Context, r *rooms, w newsletter.Window) (newsletter.Issue, error) {
	issue, _, err := a.assemble(ctx, r, w, edits{})
	if err != nil {
		return issue, err
	}
	return a.fetchPictures(ctx, r, issue)
}

// assemble is compose with an editor's wishes and the reasons of every choice.
func (a *app) assemble(ctx context.Context, r *rooms, w newsletter.Window, e edits) (newsletter.Issue, assemble.Reasons, error) {
	items, past, err := a.material(ctx, r, w)
	if err != nil {
		return newsletter.Issue{}, assemble.Reasons{}, err
	}
	if past.Draft == nil {
		past.Draft = &newsletter.Issue{} // an editor's words may come before there is a draft
	}
	e.apply(past.Draft)
	style := a.cfg.style()
	style.Rules.Pins, style.Rules.Exclude = e.pin, e.exclude
	if err := a.marked(ctx, r, w.Name, &style.Rules); err != nil {
		return newsletter.Issue{}, assemble.Reasons{}, err
	}
	issue, reasons, err := assemble.Compose(items, w, style, past)
	if err != nil {
		return newsletter.Issue{}, reasons, err
	}
	e.apply(&issue) // its new strands too
	issue.Newsletter = a.cfg.Newsletter.Slug
	issue.Status = newsletter.Draft
	return issue, reasons, nil
}

// material gives what a window's issue is assembled from: its items, those that
// came too late for the one before, and those of another week that an editor took in.
func (a *app) material(ctx context.Context, r *rooms, w newsletter.Window) ([]newsletter.Item, assemble.Past, error) {
	items, err := r.newsletter.ItemsIn(ctx, w)
	if err != nil {
		return nil, assemble.Past{}, err
	}
	past, before, err := a.past(ctx, r, w)
	if err != nil {
		return nil, past, err
	}
	late, err := a.late(ctx, r, w, before, &past)
	if err != nil {
		return nil, past, err
	}
	items = append(items, late...)
	taken, err := taken(ctx, r, items, &past)
	return append(items, taken...), past, err
}

// remembered is how many issues back an item is looked for: half a year of
// weeks, after which no window reaches it any more.
const remembered = 26

// past gathers the week's draft, whose locks hold, and what the issues before had. A draft of another week
// holds nothing back: it may never be sent. before is the last of the others.
func (a *app) past(ctx context.Context, r *rooms, w newsletter.Window) (past assemble.Past, before newsletter.Issue, err error) {
	past = assemble.Past{Earlier: map[string]string{}, Late: map[string]bool{}}
	draft, err := r.newsletter.IssueIn(ctx, a.cfg.Newsletter.Slug, w.Name, a.cfg.Newsletter.Language)
	switch {
	case err == nil && (draft.Status == newsletter.Draft || draft.Status == newsletter.Held):
		past.Draft = &draft
	case err != nil && !errors.Is(err, newsletter.ErrNotFound):
		return past, before, err
	}
	issues, err := r.newsletter.Issues(ctx, a.cfg.Newsletter.Slug, remembered*len(a.cfg.languages()))
	if err != nil {
		return past, before, err
	}
	for _, i := range issues {
		if i.Week == w.Name || i.Status == newsletter.Draft || i.Status == newsletter.Held || i.Language != a.cfg.Newsletter.Language {
			continue
		}
		if before.ID == 0 && !i.To.After(w.From) {
			before = i // the newest window comes first
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
	return past, before, nil
}

// late gives the items of the windows before that were stored only after the last
// issue was made, and so roll into this one. IDs are in the order of time. Of a
// week without an issue that dropped its items, only what came after it is late.
func (a *app) late(ctx context.Context, r *rooms, w newsletter.Window, before newsletter.Issue, past *assemble.Past) (late []newsletter.Item, err error) {
	if before.ID == 0 {
		return nil, nil
	}
	items, err := r.newsletter.ItemsIn(ctx, newsletter.Window{From: before.From, To: w.From})
	if err != nil {
		return nil, err
	}
	dropped, err := a.flow(r).Dropped(ctx, before.To)
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		gone := slices.ContainsFunc(dropped, func(d newsletter.Window) bool { return d.Contains(it.Published) && it.ID.Time().Before(d.To) })
		if it.ID > before.ID && !gone && past.Earlier[it.URL] == "" {
			past.Late[it.URL] = true
			late = append(late, it)
		}
	}
	return late, nil
}

// taken gives the items of another week that an editor took into the draft.
func taken(ctx context.Context, r *rooms, items []newsletter.Item, past *assemble.Past) ([]newsletter.Item, error) {
	if past.Draft == nil {
		return nil, nil
	}
	known := make(map[database.ID]bool, len(items))
	for _, it := range items {
		known[it.ID] = true
	}
	var missing []database.ID
	for _, s := range past.Draft.Strands {
		for _, p := range s.Items {
			if !p.Locked && !s.Locked {
				continue
			}
			delete(past.Earlier, p.URL) // taken again, knowingly
			if !known[p.ID] {
				missing = append(missing, p.ID)
			}
		}
	}
	list, err := r.newsletter.ItemsByID(ctx, missing)
	for _, it := range list {
		past.Late[it.URL] = true
	}
	return list, err
}

// explain prints the reasons of an issue.
func (a *app) explain(r assemble.Reasons, asJSON bool) error {
	if asJSON {
		return writeJSON(a.stdout, r)
	}
	return r.Write(a.stdout)
}

// saveDraft stores an issue as its week's draft and says what is different from
// the revision before.
func (a *app) saveDraft(ctx context.Context, r *rooms, issue newsletter.Issue) (newsletter.Issue, error) {
	was, err := r.newsletter.IssueIn(ctx, issue.Newsletter, issue.Week, issue.Language)
	if err != nil && !errors.Is(err, newsletter.ErrNotFound) {
		return issue, err
	}
	if issue, err = a.fetchPictures(ctx, r, issue); err != nil {
		return issue, err
	}
	if issue, err = r.newsletter.SaveIssue(ctx, issue); err != nil {
		return issue, err
	}
	fmt.Fprintf(a.stderr, "saved as %s, revision %d\n", issue.ID, issue.Revision)
	if was.Revision > 0 {
		for _, change := range assemble.Diff(was, issue) {
			fmt.Fprintf(a.stderr, "  %s\n", change)
		}
	}
	return issue, nil
}
