package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"apta/newsletter/transport/smtptest"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"

	"github.com/google/go-cmp/cmp"
)

func TestMarksAreReadAsWritten(t *testing.T) {
	marks := []mark{
		{id: 1000, state: Offered},
		{id: 1001, was: Offered, state: Doubtful, attempts: 3, doubts: 2, until: 1_700_000_000_000, why: "no reply"},
		{id: 1<<62 + 5, was: Deferred, state: Refused, attempts: 9, code: 550, why: "5.1.1 kein Postfach für „Ә“"},
	}
	var got []mark
	if err := readMarks(appendMarks(nil, 1000, 77, marks), 1000, func(m mark) { got = append(got, m) }); err != nil {
		t.Fatal(err)
	}
	for i := range marks {
		marks[i].at = 77
	}
	if d := cmp.Diff(marks, got, cmp.AllowUnexported(mark{})); d != "" {
		t.Error(d)
	}
}

func FuzzReadMarks(f *testing.F) {
	f.Add(appendMarks(nil, 1, 2, []mark{{id: 3, state: Accepted, code: 250}, {id: 4, state: Refused, why: "no"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var marks []mark
		if readMarks(b, 0, func(m mark) { marks = append(marks, m) }) != nil || len(marks) == 0 {
			return
		}
		var again []mark
		if err := readMarks(appendMarks(nil, 0, marks[0].at, marks), 0, func(m mark) { again = append(again, m) }); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(marks, again, cmp.AllowUnexported(mark{})); d != "" {
			t.Fatal(d)
		}
	})
}

// A chunk that was broken off in the middle keeps what it did and queues the
// rest; until it is folded the counts know both.
func TestJournalOfABrokenChunk(t *testing.T) {
	ctx := context.Background()
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		d := newDesk(t, db, 50)
		d.start(t, d.sender(server(t, nil), fast))
		if err := d.ledger.Enqueue(ctx, d.issue.ID, nil); err != nil {
			t.Fatal(err)
		}
		c, _, err := d.ledger.claim(ctx, d.issue.ID, "one", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		list, err := d.ledger.load(ctx, c, c.first-1, 50)
		if err != nil || len(list) != 50 {
			t.Fatalf("%d due (%v)", len(list), err)
		}
		var n note
		for i := range list[:40] {
			e := list[i].entry()
			switch {
			case i%10 == 7:
				continue // handed out and not begun
			case i == 12:
				e.state, e.attempts, e.code, e.why = Refused, 1, 550, "5.1.1 no"
			case i == 20:
				e.state = Offered
			default:
				e.state, e.attempts, e.code = Accepted, 1, 250
			}
			n.entries = append(n.entries, e)
		}
		commitNote(t, d.ledger, &n)
		want := Counts{Total: 50, Queued: 14, Offered: 1, Accepted: 34, Refused: 1}
		if got := d.counts(t); got != want {
			t.Errorf("before the fold %+v", got)
		}
		if err := d.ledger.release(ctx, c); err != nil {
			t.Fatal(err)
		}
		if got := d.counts(t); got != want {
			t.Errorf("after the fold %+v", got)
		}
		var rows int
		if err := db.QueryRow(ctx, `SELECT count(*) FROM journal`).Scan(&rows); err != nil || rows != 0 {
			t.Errorf("%d rows are left in the journal (%v)", rows, err)
		}
		reasons, err := d.ledger.Reasons(ctx, d.issue.ID, 5)
		if err != nil || len(reasons) != 1 || fmt.Sprint(reasons[0]) != "{refused 550 5.1.1 no 1}" {
			t.Errorf("reasons %v (%v)", reasons, err)
		}
		again, _, err := d.ledger.claim(ctx, d.issue.ID, "two", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if list, err = d.ledger.load(ctx, again, again.first-1, 50); err != nil || len(list) != 15 {
			t.Errorf("%d are due again (%v)", len(list), err)
		}
	})
}

// commitNote writes a note down as a recorder does.
func commitNote(t *testing.T, l *Ledger, n *note) {
	t.Helper()
	r, err := newRecorder(l, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer r.journal.Close()
	lost, err := r.persist(context.Background(), []*note{n})
	if err != nil || anyLost(n, lost) {
		t.Fatalf("lost %v (%v)", lost, err)
	}
}

// Whoever counts in the middle of a send finds everybody.
func TestCountsAddUpInMidSend(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		d := newDesk(t, db, 2500)
		s := server(t, func(stage smtptest.Stage, argument string) smtptest.Action {
			if stage == smtptest.Rcpt && len(argument)%3 == 0 {
				return smtptest.Action{Reply: "450 4.2.0 later"}
			}
			return smtptest.Action{}
		})
		sender := d.sender(s, Retry{First: time.Hour, Max: time.Hour})
		d.start(t, sender)
		if err := d.ledger.Enqueue(context.Background(), d.issue.ID, nil); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- sender.Work(context.Background(), d.issue.ID) }()
		for seen := 0; ; seen++ {
			if c := d.counts(t); c.Total != 2500 {
				t.Fatalf("after %d looks: %+v", seen, c)
			}
			select {
			case err := <-ended:
				if c := d.counts(t); err != nil || c.Waiting() != c.Deferred || c.Deferred == 0 {
					t.Errorf("%+v (%v)", c, err)
				}
				return
			default:
			}
		}
	})
}
