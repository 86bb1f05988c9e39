package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"apta/newsletter"
	"apta/newsletter/edit"

	"github.com/spf13/cobra"
)

// issueLocks are the verbs that keep parts of a draft as they are, or let go of them.
func (a *app) issueLocks() []*cobra.Command {
	return []*cobra.Command{
		a.issueLock("lock ID", "Keep strands and pieces of a draft as they are when it is assembled again", true),
		a.issueLock("unlock ID", "Let assembly make strands and pieces of a draft anew", false),
	}
}

func (a *app) issueLock(use, short string, on bool) *cobra.Command {
	var strands, pieces []string
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		Long: short + ". A strand is named as\napta issue show --format json has it, and keeps its items, their order and words; a piece is named by\nits item's URL, and keeps its words wherever it goes. Both may be repeated.",
		Example: fmt.Sprintf("  apta issue %s 2024-W42 --strand \"Harbour, Odesa\"\n  apta issue %s 2024-W42 --piece https://news.example/story",
			use[:len(use)-len(" ID")], use[:len(use)-len(" ID")]),
		RunE: func(c *cobra.Command, args []string) error {
			if len(strands)+len(pieces) == 0 {
				return &usageError{errors.New("name what: --strand NAME or --piece URL")}
			}
			return a.withIssue(c.Context(), args[0], func(r *rooms, issue newsletter.Issue) error {
				return a.lockParts(c.Context(), r, issue, strands, pieces, on)
			})
		},
	}
	c.Flags().StringArrayVar(&strands, "strand", nil, "a strand, by its name")
	c.Flags().StringArrayVar(&pieces, "piece", nil, "a piece, by the URL of its item")
	return c
}

func (a *app) lockParts(ctx context.Context, r *rooms, issue newsletter.Issue, strands, pieces []string, on bool) error {
	what := map[bool]string{true: "lock", false: "unlock"}[on]
	made, err := r.newsletter.Revise(ctx, issue.ID, edit.Same, func(now newsletter.Issue, _ func(int) (newsletter.Issue, error)) (newsletter.Issue, newsletter.Revision, error) {
		rev := newsletter.Revision{Author: byCommand, What: what}
		for _, name := range strands {
			next, err := edit.Apply(now, edit.LockStrand{Strand: name, On: on}, nil)
			if errors.Is(err, edit.ErrGone) {
				return now, rev, fmt.Errorf("it has no strand %q (apta issue show %s --format json names them)", name, issue.Week)
			} else if err != nil {
				return now, rev, err
			}
			now, rev.About = next, name
		}
		for _, url := range pieces {
			piece, found := pieceOf(now, url)
			if !found {
				return now, rev, fmt.Errorf("it has no piece of %s (apta issue show %s --format json names them)", url, issue.Week)
			}
			next, err := edit.Apply(now, edit.LockPiece{Piece: piece.ID, On: on}, nil)
			if err != nil {
				return now, rev, err
			}
			now, rev.About = next, piece.Title
		}
		return now, rev, nil
	})
	if err != nil {
		return err
	}
	if made.Revision == issue.Revision {
		fmt.Fprintf(a.stdout, "%s is so already\n", made.Week)
		return nil
	}
	fmt.Fprintf(a.stdout, "%sed in %s, revision %d\n", what, made.Week, made.Revision)
	return nil
}

func pieceOf(i newsletter.Issue, url string) (newsletter.Piece, bool) {
	for _, s := range i.Strands {
		if n := slices.IndexFunc(s.Items, func(p newsletter.Piece) bool { return p.URL == url }); n >= 0 {
			return s.Items[n], true
		}
	}
	return newsletter.Piece{}, false
}
