package delivery

import (
	"context"
	"fmt"
	"testing"
	"time"

	"apta/newsletter"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// Whoever is erased or suppressed after a send has begun is sent nothing of it.
// The ledger keeps its count.
func TestSuppressedLateGetsNothing(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		d, s := newDesk(t, db, 5), server(t, nil)
		sender := d.sender(s, Retry{})
		d.start(t, sender)
		if err := d.ledger.Enqueue(ctx, d.issue.ID, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := d.subs.Suppress(ctx, "reader2@readers.example", "complaint", "test"); err != nil {
			t.Fatal(err)
		}
		erased, err := d.subs.ByEmail(ctx, "reader3@readers.example")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.subs.Erase(ctx, erased.ID, "test"); err != nil {
			t.Fatal(err)
		}
		if c := d.work(t, sender); c.Accepted != 3 || c.Skipped != 2 || s.Count() != 3 {
			t.Errorf("counts %+v, %d arrived", c, s.Count())
		}
		why := map[string]int{}
		reasons, err := d.ledger.Reasons(ctx, d.issue.ID, 10)
		for _, r := range reasons {
			why[r.Why] += r.Count
		}
		if err != nil || why["suppressed"] != 1 || why["erased"] != 1 {
			t.Errorf("reasons %+v (%v)", reasons, err)
		}
	})
}

// Who wants every third issue gets those of every third week from their choice.
func TestEveryThirdWeek(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		d := newDesk(t, db, 3)
		chosen, err := d.subs.ByEmail(ctx, "reader1@readers.example")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.subs.Choose(ctx, chosen.ID, subscribers.Wishes{Every: 3}, subscribers.Consent{Source: "test"}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for week := range 7 {
			saved, err := d.store.SaveIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: fmt.Sprint("week ", week), Language: "en"})
			if err != nil {
				t.Fatal(err)
			}
			issue := saved.ID
			d.ledger = NewLedger(db, func() time.Time { return began.AddDate(0, 0, 7*week) })
			if err := d.ledger.Start(ctx, issue); err != nil {
				t.Fatal(err)
			}
			if err := d.ledger.Enqueue(ctx, issue, nil); err != nil {
				t.Fatal(err)
			}
			want := 2
			if week%3 == 0 {
				want = 3
			}
			if c, err := d.ledger.Counts(ctx, issue); err != nil || c.Total != want {
				t.Errorf("week %d: %d deliveries, not %d (%v)", week, c.Total, want, err)
			}
		}
	})
}
