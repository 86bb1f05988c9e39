package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"apta/newsletter"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

var threeLanguages = []string{"en", "ru", "kk"}

// bureau is a desk whose newsletter has issues in several languages.
type bureau struct {
	*desk
	t      *testing.T
	sender *Sender
}

func newBureau(t *testing.T, db *database.DB, readers int, sender *Sender) *bureau {
	b := &bureau{newDesk(t, db, readers), t, sender}
	if b.sender == nil {
		b.sender = b.over(Options{})
	}
	b.sender.opt.Newsletters = map[string]Newsletter{"weekly": {Languages: threeLanguages, BaseURL: "https://news.example", Domain: "news.example", ReturnPath: "bounces@news.example"}}
	return b
}

// in makes the week's issue in a further language, approved.
func (b *bureau) in(language string) newsletter.Issue {
	b.t.Helper()
	ctx := context.Background()
	i, err := b.store.SaveIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: "2024-W42", Language: language, Title: language})
	if err != nil {
		b.t.Fatal(err)
	}
	e, err := b.store.Edition(ctx, b.issue.ID, "")
	if err == nil {
		err = b.store.Approve(ctx, i, newsletter.Approval{Editions: map[string][]byte{"": e}})
	}
	if err != nil {
		b.t.Fatal(err)
	}
	i.Status = newsletter.Approved
	return i
}

func (b *bureau) reader(email, language string) database.ID {
	b.t.Helper()
	if _, err := b.subs.Add(context.Background(), subscribers.Subscriber{Email: email, Language: language}, "test"); err != nil {
		b.t.Fatal(err)
	}
	sub, err := b.subs.ByEmail(context.Background(), email)
	if err != nil {
		b.t.Fatal(err)
	}
	return sub.ID
}

func (b *bureau) begin(i newsletter.Issue) {
	b.t.Helper()
	if err := b.sender.Start(context.Background(), i); err != nil {
		b.t.Fatal(err)
	}
	if err := b.ledger.Enqueue(context.Background(), i.ID, nil); err != nil {
		b.t.Fatal(err)
	}
}

// due says who is due which issue: the languages of the issues by the readers,
// several joined by +. Every delivery has to be in a chunk of its issue.
func (b *bureau) due() map[string]string {
	b.t.Helper()
	rows, err := b.db.Query(context.Background(), `
SELECT s.email, i.language, (SELECT count(*) FROM chunks c WHERE c.issue_id = d.issue_id AND c.first_id <= d.subscriber_id AND c.last_id >= d.subscriber_id)
FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id JOIN issues i ON i.id = d.issue_id ORDER BY d.issue_id`)
	if err != nil {
		b.t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var email, language string
		var chunks int
		if err := rows.Scan(&email, &language, &chunks); err != nil {
			b.t.Fatal(err)
		}
		if chunks != 1 {
			b.t.Errorf("the delivery of %s is in %d chunks", email, chunks)
		}
		email, _, _ = strings.Cut(email, "@")
		all[email] = strings.TrimPrefix(all[email]+"+"+language, "+")
	}
	if err := rows.Err(); err != nil {
		b.t.Fatal(err)
	}
	return all
}

func (b *bureau) expect(want map[string]string) {
	b.t.Helper()
	if got := b.due(); fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Errorf("due are %v, not %v", got, want)
	}
}

// Whoever reads a language that has an issue is due that, everybody else the
// lead, whichever is sent first; and nobody two, whatever they choose in between.
func TestLanguagesShareOutTheReadersOnce(t *testing.T) {
	for _, first := range []string{"en", "ru"} {
		databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
			ctx := context.Background()
			b := newBureau(t, db, 0, nil)
			en, ru := b.issue, b.in("ru")
			for email, language := range map[string]string{"any": "", "english": "en-GB", "russian": "ru", "oral": "ru-KZ", "loud": "RU", "rusyn": "rue", "kazakh": "kk", "german": "de"} {
				b.reader(email+"@example.org", language)
			}
			wanderer, left := b.reader("wanderer@example.org", "ru"), b.reader("left@example.org", "ru")
			other, then := en, ru
			if first == "ru" {
				other, then = ru, en
			}
			b.begin(other)
			want := map[string]string{"any": "en", "english": "en", "russian": "ru", "oral": "ru", "loud": "ru", "rusyn": "en", "kazakh": "en", "german": "en", "wanderer": "ru", "left": "ru"}
			b.expect(want)
			if send, err := b.ledger.Send(ctx, then.ID); err != nil || send.State != Waiting {
				t.Errorf("the other send is %+v (%v)", send, err)
			}
			if open, err := b.ledger.Open(ctx); err != nil || len(open) != 1 || open[0].Issue != other.ID || open[0].Newsletter != "weekly" {
				t.Errorf("open are %+v (%v)", open, err)
			}

			// Between the two one takes another language, one leaves, one comes.
			if err := b.subs.Choose(ctx, wanderer, subscribers.Wishes{Language: "en"}, subscribers.Consent{Source: "test"}); err != nil {
				t.Fatal(err)
			}
			if err := b.subs.Unsubscribe(ctx, left, "test"); err != nil {
				t.Fatal(err)
			}
			b.reader("late@example.org", "ru")
			b.begin(then)
			b.expect(want)

			// An issue that is made only now has nobody left.
			kk := b.in("kk")
			if err := b.sender.Start(ctx, kk); !errors.Is(err, ErrLate) {
				t.Errorf("the late issue is started: %v", err)
			}
			if i, err := b.store.Issue(ctx, "", kk.ID.String()); err != nil || i.Status != newsletter.Held || i.Note == "" {
				t.Errorf("the late issue is %s: %s (%v)", i.Status, i.Note, err)
			}
			b.expect(want)
		})
	}
}

// Where the main language has no issue, the next that has one leads.
func TestTheNextLanguageLeadsWhereTheMainOneHasNoIssue(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		b := newBureau(t, db, 0, nil)
		if _, err := db.Exec(context.Background(), `DELETE FROM issues`); err != nil {
			t.Fatal(err)
		}
		b.desk.issue.Week = "2024-W41"
		kk, ru := b.in("kk"), b.in("ru")
		b.reader("english@example.org", "en")
		b.reader("kazakh@example.org", "kk")
		b.begin(kk)
		b.expect(map[string]string{"english": "ru", "kazakh": "kk"})
		b.begin(ru)
		b.expect(map[string]string{"english": "ru", "kazakh": "kk"})
	})
}

// Two processes start two languages at once while readers change theirs: every
// reader is due one issue, and is in one of its chunks.
func TestLanguagesAreSharedOutUnderChanges(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		b := newBureau(t, db, 1500, nil)
		issues := []newsletter.Issue{b.issue, b.in("ru"), b.in("kk")}
		var all []subscribers.Subscriber
		if err := b.subs.Each(ctx, func(s subscribers.Subscriber) error { all = append(all, s); return nil }); err != nil {
			t.Fatal(err)
		}
		choose := func(n int, language string) {
			_, err := db.Exec(ctx, `UPDATE subscribers SET language = $1 WHERE id = $2`, language, all[n].ID)
			if err != nil {
				t.Error(err)
			}
		}
		if _, err := db.Exec(ctx, `UPDATE subscribers SET language = CASE WHEN email LIKE 'reader%1@%' THEN 'ru' WHEN email LIKE 'reader%2@%' THEN 'kk' ELSE '' END`); err != nil {
			t.Fatal(err)
		}
		var at sync.WaitGroup
		for _, i := range issues {
			at.Go(func() {
				if err := b.sender.Start(ctx, i); err != nil {
					t.Error(err)
				}
				if err := b.ledger.Enqueue(ctx, i.ID, nil); err != nil {
					t.Error(err)
				}
			})
		}
		at.Go(func() {
			for n := range 150 {
				choose(n*10, threeLanguages[n%3])
			}
		})
		at.Wait()
		due := b.due()
		if len(due) != len(all) {
			t.Errorf("%d of %d readers are due an issue", len(due), len(all))
		}
		for email, language := range due {
			if strings.Contains(language, "+") {
				t.Errorf("%s is due %s", email, language)
			}
		}
	})
}

// An issue that will not come after all leaves its readers to the lead, before
// that is sent and after.
func TestReadersFallBackToTheLead(t *testing.T) {
	for _, when := range []string{"before", "after", "during"} {
		t.Run(when, func(t *testing.T) {
			databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
				ctx, srv := context.Background(), server(t, nil)
				b := newBureau(t, db, 0, nil)
				b.sender = b.desk.over(Options{}, to("relay", srv.Port(), 2))
				b.sender.opt.Newsletters = map[string]Newsletter{"weekly": {Languages: threeLanguages, BaseURL: "https://news.example", Domain: "news.example", ReturnPath: "bounces@news.example"}}
				ru, kk := b.in("ru"), b.in("kk")
				for email, language := range map[string]string{"english": "en", "russian": "ru", "kazakh": "kk"} {
					b.reader(email+"@example.org", language)
				}
				steering := NewSteering(b.ledger, b.store, nil, nil)
				want := 0
				switch when {
				case "before":
					b.begin(kk)
				case "after":
					b.begin(b.issue)
					b.work(t, b.sender)
					want = 1
				case "during":
					b.begin(b.issue)
					if _, err := steering.FallBack(ctx, ru.ID); !errors.Is(err, ErrState) {
						t.Errorf("while the lead is on its way: %v", err)
					}
					return
				}
				if srv.Count() != want {
					t.Fatalf("%d mails were sent", srv.Count())
				}
				if n, err := steering.FallBack(ctx, ru.ID); err != nil || n != 1 {
					t.Fatalf("%d fell back (%v)", n, err)
				}
				b.expect(map[string]string{"english": "en", "russian": "en", "kazakh": "kk"})
				if i, err := b.store.Issue(ctx, "", ru.ID.String()); err != nil || i.Status != newsletter.Held {
					t.Errorf("the issue is %s (%v)", i.Status, err)
				}
				if when == "before" {
					b.begin(b.issue)
				}
				b.work(t, b.sender)
				if readers, _ := tally(srv); srv.Count() != 2 || readers["<english@example.org>"] != 1 || readers["<russian@example.org>"] != 1 {
					t.Errorf("%v were sent to", readers)
				}
				if i, err := b.store.Issue(ctx, "", b.issue.ID.String()); err != nil || i.Status != newsletter.Sent {
					t.Errorf("the lead is %s (%v)", i.Status, err)
				}
				if _, err := steering.FallBack(ctx, b.issue.ID); !errors.Is(err, ErrState) {
					t.Errorf("the lead falls back: %v", err)
				}
			})
		})
	}
}

// Every reader gets one mail, over several chunks of each language.
func TestEveryReaderGetsOneLanguage(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx, srv := context.Background(), server(t, nil)
		b := newBureau(t, db, 2500, nil)
		b.sender = b.desk.over(Options{}, to("relay", srv.Port(), 4))
		b.sender.opt.Newsletters = map[string]Newsletter{"weekly": {Languages: threeLanguages, BaseURL: "https://news.example", Domain: "news.example", ReturnPath: "bounces@news.example"}}
		if _, err := db.Exec(ctx, `UPDATE subscribers SET language = CASE WHEN email LIKE 'reader%7@%' THEN 'kk' WHEN email LIKE 'reader%1@%' OR email LIKE 'reader%2@%' OR email LIKE 'reader%3@%' THEN 'ru' ELSE '' END`); err != nil {
			t.Fatal(err)
		}
		issues := []newsletter.Issue{b.issue, b.in("ru"), b.in("kk")}
		for _, i := range issues {
			b.begin(i)
			b.desk.issue = i
			b.work(t, b.sender)
		}
		readers, _ := tally(srv)
		for to, n := range readers {
			if n != 1 {
				t.Errorf("%s was sent %d", to, n)
			}
		}
		if len(readers) != 2500 {
			t.Errorf("%d readers were sent to", len(readers))
		}
	})
}
