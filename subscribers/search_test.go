package subscribers_test

import (
	"slices"
	"testing"

	"apta/subscribers"
	"apta/subscribers/database"
)

func TestSearch(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *subscribers.Store) {
		for _, sub := range []subscribers.Subscriber{
			{Email: "Aigerim@orda.example", Name: "Айгерім Сапарова"}, {Email: "b_erik@news.example", Name: "Berik"}, {Email: "dana100@news.example", Name: "Дана 100%"},
		} {
			sub.Status = subscribers.Active
			if _, err := s.Add(t.Context(), sub, "test"); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			text   string
			status subscribers.Status
			want   []string
		}{
			{"", "", []string{"dana100@news.example", "b_erik@news.example", "Aigerim@orda.example"}},
			{"NEWS.example", "", []string{"dana100@news.example", "b_erik@news.example"}},
			{"сапарова", "", []string{"Aigerim@orda.example"}},
			{"Сапарова", subscribers.Active, []string{"Aigerim@orda.example"}},
			{"aigerim", subscribers.Bounced, nil},
			{"_", "", []string{"b_erik@news.example"}},
			{"0%", "", []string{"dana100@news.example"}},
			{"'; DROP TABLE subscribers; --", "", nil},
		} {
			list, err := s.Search(t.Context(), c.text, c.status, 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, sub := range list {
				got = append(got, sub.Email)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q %s: %v, want %v", c.text, c.status, got, c.want)
			}
		}
		first, err := s.Search(t.Context(), "", "", 0, 1)
		if err != nil || len(first) != 1 {
			t.Fatal(first, err)
		}
		if rest, err := s.Search(t.Context(), "", "", first[0].ID, 10); len(rest) != 2 || err != nil {
			t.Errorf("the rest: %v %v", rest, err)
		}
	})
}
