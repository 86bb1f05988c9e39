package subscribers_test

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
)

// sqliteStore is a store for tests that are about no database.
func sqliteStore(t testing.TB) *subscribers.Store {
	t.Helper()
	return storeAt(t, filepath.Join(t.TempDir(), "apta.db"))
}

// storeAt is a store in the database that a URL names.
func storeAt(t testing.TB, url string) *subscribers.Store {
	t.Helper()
	ctx := context.Background()
	db, err := database.Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(ctx, subscribers.Schema()); err != nil {
		t.Fatal(err)
	}
	return subscribers.NewStore(db, database.NewIDs(nil, nil), keys(t, "k"), time.Now)
}

// add stores one subscriber and gives them as stored.
func add(t *testing.T, s *subscribers.Store, email string, status subscribers.Status) subscribers.Subscriber {
	t.Helper()
	first := status
	if status == subscribers.Suppressed {
		first = ""
	}
	if _, err := s.Add(context.Background(), subscribers.Subscriber{Email: email, Status: first}, "test"); err != nil {
		t.Fatal(err)
	}
	if status == subscribers.Suppressed {
		if _, err := s.Suppress(context.Background(), email, "test", "test"); err != nil {
			t.Fatal(err)
		}
	}
	sub, err := s.ByEmail(context.Background(), email)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func TestSetStatus(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *subscribers.Store) {
		ctx := context.Background()
		for _, c := range []struct {
			from, to subscribers.Status
			changed  bool
		}{
			{subscribers.Pending, subscribers.Active, true},
			{subscribers.Active, subscribers.Paused, true},
			{subscribers.Active, subscribers.Unsubscribed, true},
			{subscribers.Unsubscribed, subscribers.Unsubscribed, false},
			{subscribers.Unsubscribed, subscribers.Active, true},
			{subscribers.Unsubscribed, subscribers.Bounced, false},
			{subscribers.Unsubscribed, subscribers.Complained, true},
			{subscribers.Bounced, subscribers.Unsubscribed, true},
			{subscribers.Complained, subscribers.Unsubscribed, false},
			{subscribers.Complained, subscribers.Bounced, false},
			{subscribers.Complained, subscribers.Active, true},
			{subscribers.Suppressed, subscribers.Active, false},
			{subscribers.Suppressed, subscribers.Unsubscribed, false},
			{subscribers.Pending, subscribers.Unsubscribed, true},
			{subscribers.Paused, subscribers.Bounced, true},
		} {
			sub := add(t, s, string(c.from)+"-"+string(c.to)+"@example.org", c.from)
			changed, err := s.SetStatus(ctx, sub.ID, c.to, subscribers.Consent{Source: "test"})
			if err != nil || changed != c.changed {
				t.Errorf("%s to %s: changed %v (%v)", c.from, c.to, changed, err)
			}
			want := c.from
			if c.changed {
				want = c.to
			}
			if sub, err = s.ByID(ctx, sub.ID); err != nil || sub.Status != want {
				t.Errorf("%s to %s: is %s (%v)", c.from, c.to, sub.Status, err)
			}
		}
		for _, to := range []subscribers.Status{subscribers.Erased, subscribers.Suppressed} {
			if _, err := s.SetStatus(ctx, add(t, s, string(to)+"@example.org", "").ID, to, subscribers.Consent{}); err == nil {
				t.Errorf("a status was set to %s without what goes with it", to)
			}
		}
		if _, err := s.SetStatus(ctx, 1, subscribers.Active, subscribers.Consent{}); !errors.Is(err, subscribers.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
	})
}

func TestConsentLogKeepsTheEvidence(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *subscribers.Store) {
		ctx := context.Background()
		sub := add(t, s, "a@example.org", "")
		given := subscribers.Consent{Source: "form", Network: "192.0.2.0/24", Wording: "Подписаться", Agreed: time.UnixMilli(1_700_000_000_000).UTC()}
		for _, to := range []subscribers.Status{subscribers.Paused, subscribers.Active} {
			if _, err := s.SetStatus(ctx, sub.ID, to, given); err != nil {
				t.Fatal(err)
			}
		}
		log, err := s.Consents(ctx, sub.ID)
		if err != nil || len(log) != 3 {
			t.Fatalf("%d entries (%v)", len(log), err)
		}
		e := log[1]
		if e.What != "paused" || e.Source != given.Source || e.Network != given.Network || e.Wording != given.Wording || !e.Agreed.Equal(given.Agreed) || e.Version == "" || e.Version != log[2].Version {
			t.Errorf("the log says %s", e)
		}
		for _, e := range log {
			if !e.Intact {
				t.Errorf("not as it was written: %s", e)
			}
		}
		// Who changes an entry, takes one out or puts one in is found out, even where
		// the database no longer forbids it.
		unlock(t, db)
		for _, tampering := range []string{
			`UPDATE consents SET source = 'telephone' WHERE what = 'paused'`,
			`UPDATE wordings SET words = 'Everything'`,
			`DELETE FROM consents WHERE what = 'paused'`,
		} {
			if _, err := db.Exec(ctx, tampering); err != nil {
				t.Fatal(err)
			}
			if log, err = s.Consents(ctx, sub.ID); err != nil || log[len(log)-1].Intact || !log[0].Intact {
				t.Errorf("%s: %v (%v)", tampering, log, err)
			}
		}
	})
}

// unlock does what only the database's owner can: it drops the triggers.
func unlock(t *testing.T, db *database.DB) {
	t.Helper()
	for _, name := range []string{"consents_no_update", "consents_no_delete", "wordings_no_update"} {
		drop := `DROP TRIGGER IF EXISTS ` + name
		if table, _, _ := strings.Cut(name, "_"); db.Kind() == database.PostgreSQL {
			drop += ` ON ` + table
		}
		if _, err := db.Exec(context.Background(), drop); err != nil {
			t.Fatal(err)
		}
	}
}

// The database refuses whatever is no addition, from anybody; an erasure takes the
// networks of its reader and nothing else.
func TestTheConsentLogIsOnlyAddedTo(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *subscribers.Store) {
		ctx := context.Background()
		sub := add(t, s, "a@example.org", "")
		if _, err := s.SetStatus(ctx, sub.ID, subscribers.Paused, subscribers.Consent{Source: "page", Wording: "Pause", Network: "192.0.2.0/24"}); err != nil {
			t.Fatal(err)
		}
		statements := []string{
			`UPDATE consents SET at = at`, `DELETE FROM consents`, `UPDATE wordings SET words = ''`, `DELETE FROM wordings`,
			`UPDATE consent_networks SET network = ''`, `DELETE FROM consent_networks`,
		}
		if db.Kind() == database.PostgreSQL {
			statements = append(statements, `TRUNCATE consents`, `TRUNCATE wordings`)
		}
		for _, statement := range statements {
			if _, err := db.Exec(ctx, statement); err == nil || !strings.Contains(err.Error(), "the consent log is only added to") {
				t.Errorf("%s: %v", statement, err)
			}
		}
		if err := s.Erase(ctx, sub.ID, "test"); err != nil {
			t.Fatal(err)
		}
		log, err := s.Consents(ctx, sub.ID)
		if err != nil || len(log) != 3 || !log[2].Intact || log[1].Network != "" || log[1].Wording != "Pause" {
			t.Errorf("the log is %v (%v)", log, err)
		}
	})
}

func TestActiveAndCount(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *subscribers.Store) {
		ctx := context.Background()
		for _, email := range []string{"a@example.org", "b@example.org", "c@example.org"} {
			add(t, s, email, "")
		}
		add(t, s, "left@example.org", subscribers.Unsubscribed)
		add(t, s, "new@example.org", subscribers.Pending)
		add(t, s, "d@example.org", "")
		var got []string
		for after := database.ID(0); ; {
			list, err := s.Active(ctx, after, 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(list) == 0 {
				break
			}
			for _, sub := range list {
				got, after = append(got, sub.Email), sub.ID
			}
		}
		if want := [...]string{"a@example.org", "b@example.org", "c@example.org", "d@example.org"}; len(got) != 4 || [4]string(got) != want {
			t.Errorf("active are %v", got)
		}
		counts, err := s.Count(ctx)
		if want := map[subscribers.Status]int{subscribers.Active: 4, subscribers.Unsubscribed: 1, subscribers.Pending: 1}; err != nil || !maps.Equal(counts, want) {
			t.Errorf("counts %v (%v)", counts, err)
		}
		if _, err := s.ByEmail(ctx, "nobody@example.org"); !errors.Is(err, subscribers.ErrNotFound) {
			t.Errorf("nobody is found as %v", err)
		}
	})
}

func TestFault_W5_RevokedLinksOpenNothing(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *subscribers.Store) {
		ctx := context.Background()
		k, sub := keys(t, "k"), add(t, s, "a@example.org", "")
		claim, err := k.Open(subscribers.PurposeUnsubscribe, k.Token(subscribers.PurposeUnsubscribe, sub.ID, sub.Generation))
		if err != nil || claim.Prove(sub.Generation) != nil {
			t.Fatalf("the link does not open (%v)", err)
		}
		if err := s.RevokeLinks(ctx, sub.ID); err != nil {
			t.Fatal(err)
		}
		if sub, err = s.ByID(ctx, sub.ID); err != nil || !errors.Is(claim.Prove(sub.Generation), subscribers.ErrToken) {
			t.Errorf("the old link opens at generation %d (%v)", sub.Generation, err)
		}
	})
}
