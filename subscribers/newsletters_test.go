package subscribers_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// Who reads two newsletters is two subscribers: what one does is nothing to the other.
func TestTwoNewslettersKeepTheirReadersApart(t *testing.T) {
	offices(t, func(o *office) {
		ctx := context.Background()
		weekly, russian := o.For("weekly"), o.For("russian")
		a, b := add(t, weekly, "both@example.org", ""), add(t, russian, "both@example.org", "")
		add(t, weekly, "english@example.org", "")
		if a.ID == b.ID || a.Newsletter != "weekly" || b.Newsletter != "russian" {
			t.Fatalf("they are %+v and %+v", a, b)
		}
		if err := weekly.Unsubscribe(ctx, a.ID, "test"); err != nil {
			t.Fatal(err)
		}
		if b, err := russian.ByEmail(ctx, "both@example.org"); err != nil || b.Status != subscribers.Active {
			t.Errorf("the other is %s (%v)", b.Status, err)
		}
		if _, err := russian.ByEmail(ctx, "english@example.org"); !errors.Is(err, subscribers.ErrNotFound) {
			t.Errorf("russian knows a reader of weekly: %v", err)
		}
		for store, want := range map[*subscribers.Store]string{weekly: "both@example.org english@example.org ", russian: "both@example.org "} {
			var all, csv strings.Builder
			if err := store.Each(ctx, func(sub subscribers.Subscriber) error { all.WriteString(sub.Email + " "); return nil }); err != nil {
				t.Fatal(err)
			}
			if err := store.ExportCSV(ctx, &csv); err != nil || all.String() != want || strings.Count(csv.String(), "\n") != 1+strings.Count(want, " ") {
				t.Errorf("it has %q, not %q; exported %q (%v)", all.String(), want, csv.String(), err)
			}
		}
		if n, err := weekly.Count(ctx); err != nil || n[subscribers.Active] != 1 || n[subscribers.Unsubscribed] != 1 {
			t.Errorf("weekly counts %v (%v)", n, err)
		}
	})
}

// One file is imported into two newsletters, each anew.
func TestImportOfOneFileIntoTwoNewsletters(t *testing.T) {
	offices(t, func(o *office) {
		for _, slug := range []string{"weekly", "russian"} {
			rep, err := o.For(slug).Import(context.Background(), strings.NewReader("email\na@example.org\nb@example.org\n"),
				subscribers.ImportOptions{Source: "test", Digest: "d", Bad: func(int, error) {}})
			if err != nil || rep.Added != 2 {
				t.Errorf("%s: %+v (%v)", slug, rep, err)
			}
		}
	})
}

// A request is about the newsletter whose page it came from, and so is its letter.
func TestConfirmingIsForOneNewsletter(t *testing.T) {
	offices(t, func(o *office) {
		ctx, weekly := context.Background(), o.For("weekly")
		add(t, weekly, "a@example.org", "")
		o.Store = o.For("russian")
		o.apply("a@example.org")
		o.Store = weekly
		if letters := o.letters(); len(letters) != 0 {
			t.Errorf("the postman of weekly has %+v", letters)
		}
		o.Store = o.For("russian")
		letters := o.letters()
		if len(letters) != 1 || letters[0].Kind != subscribers.LetterConfirm || letters[0].Newsletter != "russian" {
			t.Fatalf("the letters are %+v", letters)
		}
		if slug, err := weekly.NewsletterOf(ctx, subscribers.PurposeConfirm, letters[0].Token); err != nil || slug != "russian" {
			t.Errorf("the link is one of %q (%v)", slug, err)
		}
		if err := o.confirm(letters[0].Token); err != nil {
			t.Fatal(err)
		}
		if sub, err := o.For("russian").ByEmail(ctx, "a@example.org"); err != nil || sub.Status != subscribers.Active {
			t.Errorf("they are %s (%v)", sub.Status, err)
		}
		if slug, err := weekly.NewsletterOf(ctx, subscribers.PurposeConfirm, "nonsense"); err != nil || slug != "" {
			t.Errorf("nonsense is a link of %q (%v)", slug, err)
		}
	})
}

// An erasure and the suppression list are for a person, a change of address is
// for one subscription.
func TestErasureIsForAllNewslettersAndAChangeOfAddressForOne(t *testing.T) {
	offices(t, func(o *office) {
		ctx, weekly, russian := context.Background(), o.For("weekly"), o.For("russian")
		a, b := add(t, weekly, "old@example.org", ""), add(t, russian, "old@example.org", "")
		add(t, russian, "new@example.org", "")
		o.Store = weekly
		if err := weekly.ChangeAddress(ctx, a.ID, "new@example.org", visitor, "test"); err != nil {
			t.Fatal(err)
		}
		oldToken, newToken := o.letterTokens(a, "new@example.org")
		if slug, err := weekly.NewsletterOf(ctx, subscribers.PurposeChangeOld, oldToken); err != nil || slug != "weekly" {
			t.Errorf("the change is one of %q (%v)", slug, err)
		}
		for p, token := range map[subscribers.Purpose]string{subscribers.PurposeChangeOld: oldToken, subscribers.PurposeChangeNew: newToken} {
			if _, err := weekly.ConfirmChange(ctx, p, token); err != nil {
				t.Fatal(err)
			}
		}
		if a, err := weekly.ByEmail(ctx, "new@example.org"); err != nil || a.Status != subscribers.Active {
			t.Errorf("of weekly: %+v (%v)", a, err)
		}
		if n, err := russian.Count(ctx); err != nil || n[subscribers.Active] != 2 {
			t.Errorf("of russian: %v (%v)", n, err)
		}

		if err := russian.Erase(ctx, b.ID, "test"); err != nil { // old@ is read in russian alone by now
			t.Fatal(err)
		}
		c, err := russian.ByEmail(ctx, "new@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if err := russian.Erase(ctx, c.ID, "test"); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*subscribers.Store{weekly, russian} {
			if n, err := s.Count(ctx); err != nil || len(n) != 0 {
				t.Errorf("who was erased is still there: %v (%v)", n, err)
			}
			if out, err := s.Add(ctx, subscribers.Subscriber{Email: "new@example.org"}, "test"); err != nil || out != subscribers.Barred {
				t.Errorf("who was erased is added again: %v (%v)", out, err)
			}
		}
		if entries, err := weekly.Consents(ctx, a.ID); err != nil || entries[len(entries)-1].What != "erased" || !entries[len(entries)-1].Intact {
			t.Errorf("the log says %v (%v)", entries, err)
		}
		for _, s := range []*subscribers.Store{weekly, russian} {
			add(t, s, "loud@example.org", "")
		}
		if _, err := russian.Suppress(ctx, "loud@example.org", "complaint", "test"); err != nil {
			t.Fatal(err)
		}
		if _, err := weekly.Unsuppress(ctx, "loud@example.org", "test"); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*subscribers.Store{weekly, russian} {
			if n, err := s.Count(ctx); err != nil || n[subscribers.Unsubscribed] != 1 {
				t.Errorf("suppressed, then not: %v (%v)", n, err)
			}
		}
	})
}

// Readers from before there could be several newsletters are the main one's, with
// all that was known of them.
func TestReadersFromBeforeBelongToTheMainNewsletter(t *testing.T) {
	before := fstest.MapFS{}
	for _, name := range []string{"0001_subscribers.sql", "0002_subscriptions.sql", "0003_imports.sql"} {
		text, err := fs.ReadFile(subscribers.Schema().Files, name)
		if err != nil {
			t.Fatal(err)
		}
		before[name] = &fstest.MapFile{Data: text}
	}
	databasetest.Each(t, []database.Schema{{Owner: "subscribers", Files: before}}, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		_, err := db.Exec(ctx, `INSERT INTO subscribers (id, email, name, language, format, status, generation, created, updated, topics, every_weeks, from_week, paused_until)
VALUES (7, 'a@example.org', 'Ada', 'ru', 'text', 'paused', 3, 1000, 2000, 'Courts', 2, 9, 4000)`)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(ctx, subscribers.Schema()); err != nil {
			t.Fatal(err)
		}
		s := subscribers.NewStore(db, database.NewIDs(nil, nil), keys(t, "k"), time.Now).For("weekly")
		for range 2 {
			if err := s.Adopt(ctx); err != nil {
				t.Fatal(err)
			}
		}
		sub, err := s.ByEmail(ctx, "a@example.org")
		if err != nil || sub.ID != 7 || sub.Name != "Ada" || sub.Language != "ru" || sub.Format != "text" || sub.Status != subscribers.Paused || sub.Generation != 3 ||
			sub.Every != 2 || len(sub.Topics) != 1 || sub.Newsletter != "weekly" || sub.PausedUntil.UnixMilli() != 4000 {
			t.Errorf("they are %+v (%v)", sub, err)
		}
		if out, err := s.Add(ctx, subscribers.Subscriber{Email: "a@example.org"}, "test"); err != nil || out == subscribers.Added {
			t.Errorf("they were added once more (%v)", err)
		}
	})
}
