package subscribers_test

import (
	"context"
	"slices"
	"testing"

	"apta/subscribers"
)

func TestVariants(t *testing.T) {
	offices(t, func(o *office) {
		ctx := context.Background()
		_, err := o.AddAll(ctx, []subscribers.Subscriber{
			{Email: "a@example.org"}, {Email: "b@example.org"}, {Email: "c@example.org"},
			{Email: "d@example.org", Topics: []string{"Courts", "War"}}, {Email: "e@example.org", Topics: []string{"Courts", "War"}},
			{Email: "f@example.org", Format: "text"}, {Email: "g@example.org", Topics: []string{"Opera"}, Status: subscribers.Unsubscribed},
		}, "test")
		if err != nil {
			t.Fatal(err)
		}
		for limit, want := range map[int][]string{10: {"", "html\nCourts\nWar", "text"}, 2: {"", "html\nCourts\nWar"}} {
			list, err := o.Variants(ctx, limit)
			if err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, v := range list {
				keys = append(keys, v.Key())
			}
			if !slices.Equal(keys, want) {
				t.Errorf("got %q, want %q", keys, want)
			}
		}
	})
}
