package newsletter_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"apta/newsletter"
)

func TestMarksOfItems(t *testing.T) {
	each(t, func(t *testing.T, s *newsletter.Store) {
		ctx := context.Background()
		for _, m := range []newsletter.ItemMark{
			{URL: "a", Mark: newsletter.Pinned}, {URL: "b", Week: "2024-W42", Mark: newsletter.Pinned}, {URL: "c", Mark: newsletter.Excluded},
			{URL: "c", Week: "2024-W42", Mark: newsletter.Pinned}, {URL: "a", Mark: newsletter.Excluded},
		} {
			if err := s.MarkItem(ctx, "weekly", m); err != nil {
				t.Fatal(err)
			}
		}
		holds := func(week, want string) {
			t.Helper()
			list, err := s.Marks(ctx, "weekly", week)
			got := map[string]newsletter.Mark{}
			for _, m := range list {
				got[m.URL] = m.Mark
			}
			if fmt.Sprint(got) != want || err != nil {
				t.Errorf("in %s: %v (%v), want %s", week, got, err, want)
			}
		}
		holds("2024-W42", "map[a:exclude b:pin c:pin]")
		holds("2024-W43", "map[a:exclude c:exclude]")
		if err := s.FreeItem(ctx, "weekly", "a", "2024-W42"); !errors.Is(err, newsletter.ErrNotFound) {
			t.Errorf("what was not said is forgotten: %v", err)
		}
		if err := s.FreeItem(ctx, "weekly", "c", "2024-W42"); err != nil {
			t.Fatal(err)
		}
		holds("2024-W42", "map[a:exclude b:pin c:exclude]")
		if list, err := s.Marks(ctx, "other", "2024-W42"); err != nil || len(list) != 0 {
			t.Errorf("another newsletter has %v (%v)", list, err)
		}
	})
}
