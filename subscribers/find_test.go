package subscribers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
)

func TestFind(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *subscribers.Store) {
		ctx := context.Background()
		for _, sub := range []subscribers.Subscriber{
			{Email: "Ada@example.org", Name: "Ада Лавлейс"}, {Email: "b_c@example.org"}, {Email: "bxc@example.org", Status: subscribers.Unsubscribed}, {Email: "Жанар@example.org", Name: "100%"},
		} {
			if _, err := s.Add(ctx, sub, "test"); err != nil {
				t.Fatal(err)
			}
		}
		for name, c := range map[string]struct {
			search subscribers.Search
			want   string
		}{
			"all":           {subscribers.Search{}, "Ada b_c bxc Жанар"},
			"part":          {subscribers.Search{Text: "AdA"}, "Ada"},
			"own letters":   {subscribers.Search{Text: "Жан"}, "Жанар"},
			"name":          {subscribers.Search{Text: "Лавлейс"}, "Ada"},
			"no wildcard":   {subscribers.Search{Text: "b_c"}, "b_c"},
			"no wildcard 2": {subscribers.Search{Text: "%"}, "Жанар"},
			"no wildcard 3": {subscribers.Search{Text: `\`}, ""},
			"status":        {subscribers.Search{Status: subscribers.Unsubscribed, Text: "example"}, "bxc"},
			"address":       {subscribers.Search{Email: "Ada@example.org"}, "Ada"},
			"quote":         {subscribers.Search{Text: `' OR 1=1 --`}, ""},
		} {
			// One at a time, so that the cursor is held to its word.
			var got []string
			for {
				list, err := s.Find(ctx, c.search, 1)
				if err != nil {
					t.Fatal(name, err)
				}
				if len(list) == 0 {
					break
				}
				local, _, _ := strings.Cut(list[0].Email, "@")
				got, c.search.After = append(got, local), list[0].ID
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("%s: found %q, want %q", name, text, c.want)
			}
		}
	})
}

func TestEnrol(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *subscribers.Store) {
		ctx := context.Background()
		agreed := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		by := subscribers.Consent{Source: "shop checkout", Wording: "Send me the week", Agreed: agreed, Network: "192.0.2.0/24"}
		enrol := func(email string) (subscribers.Subscriber, subscribers.Outcome) {
			t.Helper()
			sub, out, err := s.Enrol(ctx, subscribers.Subscriber{Email: email, Topics: []string{"b", "a"}}, by)
			if err != nil {
				t.Fatal(err)
			}
			return sub, out
		}
		sub, out := enrol("a@example.org")
		if out != subscribers.Added || sub.Status != subscribers.Active || strings.Join(sub.Topics, "") != "ab" {
			t.Errorf("%v %+v", out, sub)
		}
		log, err := s.Consents(ctx, sub.ID)
		if err != nil || len(log) != 1 || !log[0].Intact || log[0].Source != by.Source || log[0].Wording != by.Wording || !log[0].Agreed.Equal(agreed) || log[0].Network != by.Network {
			t.Errorf("the log is %+v (%v)", log, err)
		}
		if again, out := enrol("a@example.org"); out != subscribers.Present || again.ID != sub.ID {
			t.Errorf("twice: %v", out)
		}
		if err := s.Unsubscribe(ctx, sub.ID, "test"); err != nil {
			t.Fatal(err)
		}
		if again, out := enrol("a@example.org"); out != subscribers.Left || again.Status != subscribers.Unsubscribed {
			t.Errorf("who left: %v %+v", out, again)
		}
		if _, err := s.Suppress(ctx, "b@example.org", "test", "test"); err != nil {
			t.Fatal(err)
		}
		if _, out := enrol("B@example.org"); out != subscribers.Barred {
			t.Errorf("suppressed: %v", out)
		}
		var wish *subscribers.WishError
		if _, _, err := s.Enrol(ctx, subscribers.Subscriber{Email: "c@example.org", Format: "pdf"}, by); !errors.As(err, &wish) || wish.Field != "format" {
			t.Errorf("a wrong wish: %v", err)
		}
	})
}
