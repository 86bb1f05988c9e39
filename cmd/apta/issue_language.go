package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"apta/newsletter"
	"apta/newsletter/assemble"
)

// findIssue finds an issue by its ID or by its week: there the one in the asked
// language, or in the first of the newsletter's languages that the week has.
func (a *app) findIssue(ctx context.Context, r *rooms, ref string) (newsletter.Issue, error) {
	slug := a.cfg.Newsletter.Slug
	if a.language != "" && !slices.Contains(a.cfg.languages(), a.language) {
		return newsletter.Issue{}, a.cfg.unknownLanguage(a.language)
	}
	issue, err := r.newsletter.Issue(ctx, slug, ref)
	if err != nil || issue.Week != ref {
		if err == nil && issue.Newsletter != slug {
			err = fmt.Errorf("issue %s is one of another newsletter (--newsletter %s)", ref, issue.Newsletter)
		}
		return issue, err
	}
	if a.language != "" {
		return r.newsletter.IssueIn(ctx, slug, ref, a.language)
	}
	for _, tag := range a.cfg.languages() {
		i, err := r.newsletter.IssueIn(ctx, slug, ref, tag)
		if !errors.Is(err, newsletter.ErrNotFound) {
			return i, err
		}
	}
	return issue, nil // in a language that the newsletter had once
}

// eachLanguage does something in the language that is asked for; where none is,
// in the main one, or in all of them. A language that has too little for an issue
// is said, and is an error where no language has one.
func (a *app) eachLanguage(all bool, do func(*app) error) error {
	tags := a.cfg.languages()
	switch {
	case a.language != "" && !slices.Contains(tags, a.language):
		return a.cfg.unknownLanguage(a.language)
	case a.language != "":
		tags = []string{a.language}
	case !all:
		tags = tags[:1]
	}
	var empty []error
	for _, tag := range tags {
		err := do(a.in(tag))
		if errors.Is(err, assemble.ErrEmpty) {
			empty = append(empty, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	if len(empty) == len(tags) {
		return errors.Join(empty...)
	}
	for _, err := range empty {
		fmt.Fprintf(a.stderr, "one language has no issue: %v\n", err)
	}
	return nil
}

// composeIssue assembles the issue in the app's language, stores and shows it as asked.
func (a *app) composeIssue(ctx context.Context, r *rooms, w newsletter.Window, e edits, save, asJSON bool, format string) error {
	issue, reasons, err := a.assemble(ctx, r, w, e)
	if e.explain {
		if wrote := a.explain(reasons, asJSON); wrote != nil {
			return wrote
		}
	}
	if err != nil {
		return err
	}
	if save {
		if issue, err = a.saveDraft(ctx, r, issue); err != nil {
			return err
		}
	}
	if e.explain {
		return nil
	}
	return a.printIssue(ctx, r, issue, format)
}

// given reports whether an editor has said anything about the issue: that is about
// the one in a single language.
func (e *edits) given() bool {
	for _, words := range e.words {
		if *words != "" {
			return true
		}
	}
	return len(e.pin)+len(e.exclude)+len(e.lock)+len(e.unlock) > 0
}

// column is a cell of a table that is there under a condition only.
func column(there bool, cell string) string {
	if there {
		return cell + "\t"
	}
	return ""
}
