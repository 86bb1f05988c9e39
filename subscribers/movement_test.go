package subscribers_test

import (
	"testing"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
)

func TestMovements(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, _ *subscribers.Store) {
		now := time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)
		keys, err := subscribers.NewKeys([]byte("0123456789abcdef0123456789abcdef"))
		if err != nil {
			t.Fatal(err)
		}
		s := subscribers.NewStore(db, database.NewIDs(nil, nil), keys, func() time.Time { return now }).For("moving")
		add := func(email string) database.ID {
			t.Helper()
			if _, err := s.Add(t.Context(), subscribers.Subscriber{Email: email, Status: subscribers.Active}, "test"); err != nil {
				t.Fatal(err)
			}
			sub, err := s.ByEmail(t.Context(), email)
			if err != nil {
				t.Fatal(err)
			}
			return sub.ID
		}
		a, b := add("a@news.example"), add("b@news.example")
		now = now.AddDate(0, 0, 8)
		add("c@news.example")
		if err := s.Unsubscribe(t.Context(), a, "test"); err != nil {
			t.Fatal(err)
		}
		now = now.AddDate(0, 0, 7)
		if _, err := s.SetStatus(t.Context(), b, subscribers.Bounced, subscribers.Consent{Source: "test"}); err != nil {
			t.Fatal(err)
		}
		list, err := s.Movements(t.Context(), time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), 7*24*time.Hour, 3)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range [][4]int{{2, 0, 0, 0}, {1, 1, 0, 0}, {0, 0, 1, 0}} {
			if got := [4]int{list[i].Joined, list[i].Unsubscribed, list[i].Bounced, list[i].Complained}; got != want {
				t.Errorf("week %d: %v, want %v", i, got, want)
			}
		}
		if n, err := s.LeftBetween(t.Context(), now.AddDate(0, 0, -8), now); n != 1 || err != nil {
			t.Errorf("left: %d %v", n, err)
		}
		if n, err := s.For("other").LeftBetween(t.Context(), now.AddDate(0, 0, -8), now); n != 0 || err != nil {
			t.Errorf("left another newsletter: %d %v", n, err)
		}
	})
}
