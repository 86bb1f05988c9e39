package newsletter_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"apta/newsletter"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestMain(m *testing.M) { databasetest.Run(m) }

func each(t *testing.T, test func(t *testing.T, s *newsletter.Store)) {
	databasetest.Each(t, []database.Schema{newsletter.Schema()}, func(t *testing.T, db *database.DB) {
		test(t, newsletter.NewStore(db, database.NewIDs(nil, nil), time.Now))
	})
}

func TestWeeks(t *testing.T) {
	for _, c := range []struct{ zone, at, name, from, to string }{
		{"Asia/Almaty", "2024-10-18T09:00:00+05:00", "2024-W42", "2024-10-14T00:00:00+05:00", "2024-10-21T00:00:00+05:00"},
		{"Asia/Almaty", "2024-03-01T12:00:00+05:00", "2024-W09", "2024-02-26T00:00:00+06:00", "2024-03-04T00:00:00+05:00"}, // an hour less, for good
		{"Europe/Berlin", "2024-03-31T12:00:00+02:00", "2024-W13", "2024-03-25T00:00:00+01:00", "2024-04-01T00:00:00+02:00"},
		{"UTC", "2021-01-03T23:59:59Z", "2020-W53", "2020-12-28T00:00:00Z", "2021-01-04T00:00:00Z"},
		{"UTC", "2024-12-30T00:00:00Z", "2025-W01", "2024-12-30T00:00:00Z", "2025-01-06T00:00:00Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, _ := time.Parse(time.RFC3339, c.at)
		w := newsletter.Week(at.In(zone))
		if w.Name != c.name || w.From.Format(time.RFC3339) != c.from || w.To.Format(time.RFC3339) != c.to || !w.Contains(at) || w.Contains(w.To) || !w.Contains(w.From) {
			t.Errorf("%s in %s is %+v", c.at, c.zone, w)
		}
		if again, err := newsletter.ParseWeek(w.Name, zone); err != nil || !again.From.Equal(w.From) || !again.To.Equal(w.To) {
			t.Errorf("%s reads back as %+v (%v)", w.Name, again, err)
		}
	}
	for _, bad := range []string{"", "2024", "2024-42", "2024-W54", "2024-W00", "2023-W53", "2024-W042", "x2024-W42", "2024-W42 "} {
		if _, err := newsletter.ParseWeek(bad, time.UTC); !errors.Is(err, newsletter.ErrWeek) {
			t.Errorf("%q: error %v", bad, err)
		}
	}
	if w, err := newsletter.Dates("2024-10-14", "2024-10-21", time.UTC); err != nil || w.Name != "2024-W42" {
		t.Errorf("%+v (%v)", w, err)
	}
	if w, err := newsletter.Dates("2024-10-14", "2024-10-17", time.UTC); err != nil || w.Name != "2024-10-14_2024-10-17" {
		t.Errorf("%+v (%v)", w, err)
	}
	for _, bad := range [][2]string{{"2024-10-14", "2024-10-14"}, {"2024-10-14", "2024-10-13"}, {"14.10.2024", "2024-10-17"}, {"2024-10-14", "x"}} {
		if _, err := newsletter.Dates(bad[0], bad[1], time.UTC); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

func TestPlainText(t *testing.T) {
	for in, want := range map[string]string{
		"A *word* and **more**, `code` and [a link](https://x.example/).": "A word and more, code and a link.",
		"Tom &amp; Jerry \\*star\\* \"quoted\" 3+3":                       "Tom & Jerry *star* \"quoted\" 3+3",
		"one\ntwo  \nthree\n\nfour":                                       "one two three four",
		"no <script>alert(1)</script> here":                               "no alert(1) here",
		"<https://x.example/>":                                            "https://x.example/",
		"":                                                                "",
	} {
		if got := newsletter.PlainText(in); got != want {
			t.Errorf("%q gives %q, not %q", in, got, want)
		}
	}
}

func item(url string) newsletter.Item {
	return newsletter.Item{URL: url, Title: "T", Summary: "S", Published: time.Date(2024, 10, 16, 0, 0, 0, 0, time.UTC), Order: 2, Latest: true}
}

func TestItems(t *testing.T) {
	each(t, func(t *testing.T, s *newsletter.Store) {
		ctx := context.Background()
		items := []newsletter.Item{item("https://x.example/1"), item("https://x.example/2")}
		if n, err := s.PutItems(ctx, items); err != nil || n != (newsletter.ImportCount{New: 2}) || items[0].ID == 0 {
			t.Fatalf("%+v (%v)", n, err)
		}
		changed := item("https://x.example/2")
		changed.Title = "Other"
		if n, err := s.PutItems(ctx, []newsletter.Item{item("https://x.example/1"), changed}); err != nil || n != (newsletter.ImportCount{Changed: 1, Same: 1}) {
			t.Fatalf("%+v (%v)", n, err)
		}
		w, _ := newsletter.ParseWeek("2024-W42", time.UTC)
		got, err := s.ItemsIn(ctx, w)
		if err != nil || len(got) != 2 || got[1].Title != "Other" || got[1].ID != items[1].ID || !got[0].Latest || got[0].Order != 2 || !got[0].Published.Equal(items[0].Published) {
			t.Fatalf("%+v (%v)", got, err)
		}
		if err := s.RemoveItem(ctx, got[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := s.RemoveItem(ctx, got[0].ID); !errors.Is(err, newsletter.ErrNotFound) {
			t.Errorf("removed twice: %v", err)
		}
		if left, err := s.Items(ctx, 10); err != nil || len(left) != 1 {
			t.Errorf("%d left (%v)", len(left), err)
		}
	})
}

func TestAnIssuesWay(t *testing.T) {
	each(t, func(t *testing.T, s *newsletter.Store) {
		ctx := context.Background()
		i, err := s.SaveIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: "2024-W42", Language: "en", Title: "One"})
		if err != nil || i.Status != newsletter.Draft || i.Revision != 1 {
			t.Fatalf("%+v (%v)", i, err)
		}
		again, err := s.SaveIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: "2024-W42", Language: "en", Title: "Two"})
		if err != nil || again.ID != i.ID || again.Revision != 2 {
			t.Fatalf("%+v (%v)", again, err)
		}
		if public, err := s.ByWeek(ctx, "weekly", "", "2024-W42"); err != nil || len(public) > 0 {
			t.Errorf("a draft is public: %v", err)
		}
		if err := s.Move(ctx, i.ID, newsletter.Sending, "", newsletter.Approved); !errors.Is(err, newsletter.ErrStatus) || !strings.Contains(err.Error(), "it is draft, not approved") {
			t.Errorf("a draft is sent: %v", err)
		}
		if err := s.Approve(ctx, i, newsletter.Approval{}); !errors.Is(err, newsletter.ErrStatus) {
			t.Errorf("words that were not seen were approved: %v", err)
		}
		if err := s.Approve(ctx, again, newsletter.Approval{Editions: map[string][]byte{"": []byte("bytes")}}); err != nil {
			t.Fatal(err)
		}
		if b, err := s.Edition(ctx, i.ID, ""); err != nil || string(b) != "bytes" {
			t.Errorf("edition %q (%v)", b, err)
		}
		if _, err := s.SaveIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: "2024-W42", Language: "en", Title: "Three"}); !errors.Is(err, newsletter.ErrStatus) {
			t.Errorf("an approved issue was changed: %v", err)
		}
		// Of many who send, one does.
		var sent, refused int
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				err := s.Move(ctx, i.ID, newsletter.Sending, "", newsletter.Approved)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					sent++
				} else if errors.Is(err, newsletter.ErrStatus) {
					refused++
				}
			})
		}
		all.Wait()
		if sent != 1 || refused != 7 {
			t.Errorf("%d sent it, %d were refused", sent, refused)
		}
		public, err := s.ByWeek(ctx, "weekly", "", "2024-W42")
		if err != nil || len(public) != 1 || public[0].Title != "Two" || public[0].Status != newsletter.Sending {
			t.Errorf("%+v (%v)", public, err)
		}
	})
}

// Two processes that see the same slot write it down once.
func TestFault_T4_ASlotIsTakenOnce(t *testing.T) {
	each(t, func(t *testing.T, s *newsletter.Store) {
		ctx := context.Background()
		start := time.Date(2024, 10, 15, 0, 0, 0, 0, time.UTC)
		for range 2 {
			last, err := s.SlotHistory(ctx, "weekly", start)
			if err != nil || !last.Equal(start) {
				t.Fatalf("history ends at %s (%v)", last, err)
			}
		}
		for n := range 20 {
			week := newsletter.Week(start.AddDate(0, 0, 7*n))
			var added int
			var mu sync.Mutex
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					got, err := s.AddSlots(ctx, []newsletter.Due{{Newsletter: "weekly", Week: week.Name, At: week.To, State: newsletter.SlotOpen}})
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					added += got
					mu.Unlock()
				})
			}
			all.Wait()
			if added != 1 {
				t.Fatalf("%s was added %d times", week.Name, added)
			}
		}
		open, err := s.OpenSlots(ctx, "weekly")
		if err != nil || len(open) != 20 {
			t.Errorf("%d are open (%v)", len(open), err)
		}
		done := open[0]
		done.State = newsletter.SlotDone
		for _, first := range []bool{true, false} {
			if closed, err := s.CloseSlot(ctx, done); err != nil || closed != first {
				t.Fatalf("closed %v (%v)", closed, err)
			}
		}
		if state, err := s.SlotState(ctx, "weekly", open[0].Week); err != nil || state != newsletter.SlotDone {
			t.Errorf("it is %s (%v)", state, err)
		}
	})
}
