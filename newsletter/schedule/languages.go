package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"apta/newsletter"
	"apta/newsletter/assemble"
)

// issuesOf gives the issues of a slot, one a language, the main one first: those
// that an editor made already as they are, the others made now. why says what is
// missing and who gets what instead; the error is assemble.ErrEmpty where no
// language has an issue.
func (k *Keeper) issuesOf(ctx context.Context, slot newsletter.Due) (issues []newsletter.Issue, why string, err error) {
	var missing []error
	for _, language := range k.languages() {
		issue, err := k.issueIn(ctx, slot, language)
		switch {
		case errors.Is(err, assemble.ErrEmpty):
			missing = append(missing, err)
			if len(k.languages()) > 1 {
				k.opt.Log.Warn("no issue in this language this week", "week", slot.Week, "language", language, "err", err)
				why += fmt.Sprintf("none in %s: %v; ", language, err)
			}
		case err != nil:
			return nil, "", err
		default:
			issues = append(issues, issue)
		}
	}
	if len(issues) == 0 {
		return nil, "", errors.Join(missing...)
	}
	if why != "" {
		why += "its readers get the issue in " + issues[0].Language
	}
	return issues, strings.TrimSpace(why), nil
}

// missing are the languages in which the week has no issue.
func (k *Keeper) missing(issues []newsletter.Issue) (list []string) {
	for _, language := range k.opt.Languages {
		if len(k.opt.Languages) > 1 && !slices.ContainsFunc(issues, func(i newsletter.Issue) bool { return i.Language == language }) {
			list = append(list, language)
		}
	}
	return list
}

// languages are those in which there is an issue a week; one is any.
func (k *Keeper) languages() []string {
	if len(k.opt.Languages) < 2 {
		return []string{""}
	}
	return k.opt.Languages
}

// issueIn gives the issue of a slot in a language, made now where there is none.
func (k *Keeper) issueIn(ctx context.Context, slot newsletter.Due, language string) (newsletter.Issue, error) {
	issue, err := k.store.IssueIn(ctx, slot.Newsletter, slot.Week, language)
	if !errors.Is(err, newsletter.ErrNotFound) {
		return issue, err
	}
	w, err := k.WindowOf(ctx, slot.At)
	if err != nil {
		return issue, err
	}
	if issue, err = k.opt.Compose(ctx, w, language); err != nil {
		return issue, err
	}
	return k.store.AddIssue(ctx, issue)
}
