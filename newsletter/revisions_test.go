package newsletter_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"apta/newsletter"
)

// same compares the words that these tests change.
func same(a, b newsletter.Issue) bool { return a.Title == b.Title && a.Standfirst == b.Standfirst }

// Twenty editors who change one text at once lose nothing of each other's.
func TestFault_W9_RevisionsAreNeverOverwritten(t *testing.T) {
	each(t, func(t *testing.T, s *newsletter.Store) {
		ctx := t.Context()
		issue, err := s.SaveIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: "2026-W24", Language: "en", Title: "0"})
		if err != nil {
			t.Fatal(err)
		}
		const editors = 5
		var all sync.WaitGroup
		for n := range editors {
			all.Go(func() {
				for {
					_, err := s.Revise(ctx, issue.ID, same, func(now newsletter.Issue, _ func(int) (newsletter.Issue, error)) (newsletter.Issue, newsletter.Revision, error) {
						now.Standfirst += fmt.Sprintf("%c", 'a'+n)
						return now, newsletter.Revision{Author: fmt.Sprintf("editor %d", n), What: "standfirst"}, nil
					})
					if err == nil {
						return
					}
					if !strings.Contains(err.Error(), "another revision came first") {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		now, err := s.AtRevision(ctx, issue.ID, editors+1)
		if err != nil {
			t.Fatal(err)
		}
		letters := []byte(now.Standfirst)
		slices.Sort(letters)
		list, err := s.Revisions(ctx, issue.ID)
		if string(letters) != "abcde" || len(list) != editors+1 || err != nil {
			t.Fatalf("%q, revisions %+v (%v)", now.Standfirst, list, err)
		}
		last, err := s.LastRevision(ctx, issue.ID)
		if err != nil || last != list[editors] || last.Author == "" || last.What != "standfirst" {
			t.Errorf("the last is %+v (%v)", last, err)
		}
	})
}

func TestRevise(t *testing.T) {
	each(t, func(t *testing.T, s *newsletter.Store) {
		ctx := t.Context()
		issue, err := s.SaveIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: "2026-W24", Language: "en", Title: "one"})
		if err != nil {
			t.Fatal(err)
		}
		title := func(text string) (newsletter.Issue, error) {
			return s.Revise(ctx, issue.ID, same, func(now newsletter.Issue, _ func(int) (newsletter.Issue, error)) (newsletter.Issue, newsletter.Revision, error) {
				now.Title, now.Week, now.Status = text, "2030-W01", newsletter.Sent // what an edit has no say in
				return now, newsletter.Revision{Author: "Lena"}, nil
			})
		}
		if got, err := title("one"); err != nil || got.Revision != 1 {
			t.Errorf("the same words made revision %d (%v)", got.Revision, err)
		}
		if got, err := title("two"); err != nil || got.Revision != 2 || got.Week != "2026-W24" || got.Status != newsletter.Draft {
			t.Errorf("%+v (%v)", got, err)
		}
		got, err := s.Revise(ctx, issue.ID, same, func(_ newsletter.Issue, at func(int) (newsletter.Issue, error)) (newsletter.Issue, newsletter.Revision, error) {
			was, err := at(1)
			return was, newsletter.Revision{Author: "Lena", Restores: 1}, err
		})
		if err != nil || got.Title != "one" || got.Revision != 3 {
			t.Errorf("%+v (%v)", got, err)
		}
		if was, err := s.AtRevision(ctx, issue.ID, 2); err != nil || was.Title != "two" || was.Revision != 2 {
			t.Errorf("%+v (%v)", was, err)
		}
		if _, err := s.AtRevision(ctx, issue.ID, 9); !errors.Is(err, newsletter.ErrNotFound) {
			t.Error(err)
		}
		if err := s.Move(ctx, issue.ID, newsletter.Approved, "", newsletter.Draft); err != nil {
			t.Fatal(err)
		}
		if _, err := title("three"); !errors.Is(err, newsletter.ErrStatus) {
			t.Errorf("what was approved was changed: %v", err)
		}
	})
}
