package subscribers_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"apta/subscribers"
)

func TestPauseAndResume(t *testing.T) {
	offices(t, func(o *office) {
		ctx := context.Background()
		sub, c := o.join("a@example.org"), subscribers.Consent{Source: "page"}
		until := o.now.Add(30 * 24 * time.Hour)
		for _, end := range []time.Time{{}, until} { // the second changes the first
			if err := o.Pause(ctx, sub.ID, end, c); err != nil {
				t.Fatal(err)
			}
			if got, err := o.ByID(ctx, sub.ID); err != nil || got.Status != subscribers.Paused || !got.PausedUntil.Equal(end) {
				t.Errorf("paused is %+v (%v)", got, err)
			}
		}
		o.now = until.Add(-time.Second)
		if err := o.Tend(ctx); err != nil || o.status("a@example.org") != subscribers.Paused {
			t.Errorf("a moment before, they are %s (%v)", o.status("a@example.org"), err)
		}
		o.now = until
		if err := o.Tend(ctx); err != nil || o.status("a@example.org") != subscribers.Active {
			t.Errorf("at the end, they are %s (%v)", o.status("a@example.org"), err)
		}
		if err := o.Pause(ctx, sub.ID, time.Time{}, c); err != nil {
			t.Fatal(err)
		}
		if err := o.Resume(ctx, sub.ID, c); err != nil || o.status("a@example.org") != subscribers.Active {
			t.Errorf("resumed, they are %s (%v)", o.status("a@example.org"), err)
		}
		if err := o.Unsubscribe(ctx, sub.ID, "page"); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{o.Pause(ctx, sub.ID, time.Time{}, c), o.Resume(ctx, sub.ID, c)} {
			if !errors.Is(err, subscribers.ErrNotActive) || o.status("a@example.org") != subscribers.Unsubscribed {
				t.Errorf("who left: %v, they are %s", err, o.status("a@example.org"))
			}
		}
	})
}

func TestChoose(t *testing.T) {
	offices(t, func(o *office) {
		ctx := context.Background()
		sub := o.join("a@example.org")
		for range 2 {
			if err := o.Choose(ctx, sub.ID, subscribers.Wishes{Language: "KK-kz", Format: "text", Topics: []string{"Courts"}, Every: 4}, subscribers.Consent{Source: "page"}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := o.ByID(ctx, sub.ID)
		if err != nil || got.Name != "" || got.Language != "kk-KZ" || got.Format != "text" || len(got.Topics) != 1 || got.Every != 4 {
			t.Errorf("stored is %+v (%v)", got, err)
		}
		if log, err := o.Consents(ctx, sub.ID); err != nil || len(log) != 3 || log[2].What != "preferences" {
			t.Errorf("the log is %v (%v)", log, err)
		}
		if err := o.Choose(ctx, 1, subscribers.Wishes{}, subscribers.Consent{}); !errors.Is(err, subscribers.ErrNotFound) {
			t.Errorf("nobody chooses: %v", err)
		}
	})
}

func TestWeek(t *testing.T) {
	monday := time.Date(2024, 10, 14, 0, 0, 0, 0, time.UTC)
	if w := subscribers.Week(monday); subscribers.Week(monday.Add(-time.Second)) != w-1 || subscribers.Week(monday.AddDate(0, 0, 7).Add(-time.Second)) != w {
		t.Errorf("the week of %s is %d", monday, w)
	}
}

// letterTokens asks for a change and gives the tokens of its two letters.
func (o *office) letterTokens(sub subscribers.Subscriber, to string) (oldToken, newToken string) {
	o.t.Helper()
	if err := o.ChangeAddress(context.Background(), sub.ID, to, visitor, "page"); err != nil {
		o.t.Fatal(err)
	}
	for _, l := range o.letters() {
		switch {
		case l.Kind == subscribers.LetterChangeOld && l.To == sub.Email:
			oldToken = l.Token
		case l.Kind == subscribers.LetterChangeNew && l.To == to:
			newToken = l.Token
		default:
			o.t.Errorf("a letter %+v", l)
		}
	}
	return oldToken, newToken
}

func TestChangeOfAddressIsConfirmedAtBoth(t *testing.T) {
	offices(t, func(o *office) {
		ctx := context.Background()
		sub := o.join("old@example.org")
		oldToken, newToken := o.letterTokens(sub, "new@example.org")
		if _, err := o.ConfirmChange(ctx, subscribers.PurposeChangeOld, newToken); !errors.Is(err, subscribers.ErrToken) {
			t.Errorf("one token for the other: %v", err)
		}
		for range 2 {
			if c, err := o.ConfirmChange(ctx, subscribers.PurposeChangeNew, newToken); err != nil || c.Done || !c.NewConfirmed || c.OldConfirmed {
				t.Errorf("the new one: %+v (%v)", c, err)
			}
		}
		if c, err := o.OpenChange(ctx, subscribers.PurposeChangeOld, oldToken); err != nil || c.Email != "new@example.org" || o.status("new@example.org") != "" {
			t.Errorf("half confirmed: %+v (%v)", c, err)
		}
		if c, err := o.ConfirmChange(ctx, subscribers.PurposeChangeOld, oldToken); err != nil || !c.Done {
			t.Errorf("both: %+v (%v)", c, err)
		}
		if got, err := o.ByID(ctx, sub.ID); err != nil || got.Email != "new@example.org" || got.Status != subscribers.Active {
			t.Errorf("stored is %+v (%v)", got, err)
		}
		if _, err := o.ConfirmChange(ctx, subscribers.PurposeChangeOld, oldToken); !errors.Is(err, subscribers.ErrExpired) {
			t.Errorf("a second time: %v", err)
		}
	})
}

func TestChangeToAnAddressThatIsKnown(t *testing.T) {
	offices(t, func(o *office) {
		ctx := context.Background()
		both := func(from, to string) {
			t.Helper()
			sub, err := o.ByEmail(ctx, from)
			if err != nil {
				t.Fatal(err)
			}
			a, b := o.letterTokens(sub, to)
			for p, token := range map[subscribers.Purpose]string{subscribers.PurposeChangeOld: a, subscribers.PurposeChangeNew: b} {
				if _, err := o.ConfirmChange(ctx, p, token); err != nil {
					t.Errorf("%s to %s: %v", from, to, err)
				}
			}
		}
		o.join("a@example.org")
		o.join("b@example.org")
		both("a@example.org", "b@example.org") // one of the two is enough
		if a, b := o.status("a@example.org"), o.status("b@example.org"); a != subscribers.Unsubscribed || b != subscribers.Active {
			t.Errorf("they are %s and %s", a, b)
		}
		add(t, o.Store, "left@example.org", subscribers.Unsubscribed)
		both("b@example.org", "left@example.org")
		if b, left := o.status("b@example.org"), o.status("left@example.org"); b != "" || left != subscribers.Active {
			t.Errorf("they are %q and %s", b, left)
		}
		// An address never to be mailed is sent no letter, so it can agree to nothing.
		if _, err := o.Suppress(ctx, "never@example.org", "test", "test"); err != nil {
			t.Fatal(err)
		}
		sub, _ := o.ByEmail(ctx, "left@example.org")
		if _, newToken := o.letterTokens(sub, "never@example.org"); newToken != "" {
			t.Error("an address never to be mailed was sent a letter")
		}
	})
}

func TestEraseLeavesTheHashAlone(t *testing.T) {
	offices(t, func(o *office) {
		ctx := context.Background()
		sub := o.join("reader.name@example.org")
		o.letterTokens(sub, "another@example.org")
		o.apply("reader.name@example.org") // with a letter that waits
		token := o.k.Token(subscribers.PurposeUnsubscribe, sub.ID, 0)
		if err := o.Erase(ctx, sub.ID, "page"); err != nil {
			t.Fatal(err)
		}
		if list := o.letters(); len(list) > 0 {
			t.Errorf("letters %+v", list)
		}
		for _, table := range []string{"subscribers", "applications", "address_changes", "consent_networks", "letters"} {
			var n int
			if err := o.db.QueryRow(ctx, `SELECT count(*) FROM `+table).Scan(&n); err != nil || n > 0 {
				t.Errorf("%d rows are left in %s (%v)", n, table, err)
			}
		}
		// The proof stays, and names nobody.
		log, err := o.Consents(ctx, sub.ID)
		if err != nil || len(log) != 3 || log[2].What != "erased" || !log[2].Intact {
			t.Errorf("the log is %v (%v)", log, err)
		}
		if text, _ := json.Marshal(log); strings.Contains(string(text), "example.org") || strings.Contains(string(text), "192.0.2") {
			t.Errorf("the log says %s", text)
		}
		if got, err := o.Reader(ctx, subscribers.PurposeUnsubscribe, token); err != nil || got.Status != subscribers.Erased || got.Email != "" {
			t.Errorf("their old link opens %+v (%v)", got, err)
		}
		// Nothing brings the address back: no list, no person, not in capitals either.
		o.now = o.now.Add(24 * time.Hour)
		for _, email := range []string{"reader.name@example.org", "Reader.Name@example.org"} {
			if out, err := o.Add(ctx, subscribers.Subscriber{Email: email}, "test"); err != nil || out != subscribers.Barred {
				t.Errorf("adding %s gives %v (%v)", email, out, err)
			}
			o.apply(email)
			if list := o.letters(); len(list) > 0 || o.status(email) != "" {
				t.Errorf("%s: letters %+v, they are %s", email, list, o.status(email))
			}
		}
		if removed, err := o.Unsuppress(ctx, "reader.name@example.org", "test"); err != nil || !removed {
			t.Errorf("taken off the list: %v (%v)", removed, err)
		}
		o.now = o.now.Add(24 * time.Hour)
		o.join("reader.name@example.org")
	})
}

func TestExport(t *testing.T) {
	offices(t, func(o *office) {
		ctx := context.Background()
		sub := o.join("a@example.org")
		o.letterTokens(sub, "b@example.org")
		d, err := o.Export(ctx, sub.ID)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(d)
		for _, want := range []string{`"email":"a@example.org"`, `"topics":["Война","Суд"]`, `"wording":"I want it"`, `"network":"192.0.2.0/24"`, `"address_change":{"email":"b@example.org"`} {
			if err != nil || !strings.Contains(string(text), want) {
				t.Errorf("the export lacks %s (%v):\n%s", want, err, text)
			}
		}
	})
}

func TestSuppress(t *testing.T) {
	offices(t, func(o *office) {
		ctx := context.Background()
		sub := o.join("A.Reader@example.org")
		for _, want := range []bool{true, false} {
			if added, err := o.Suppress(ctx, "a.reader@example.org", "complaint", "command line"); err != nil || added != want {
				t.Errorf("added %v (%v)", added, err)
			}
		}
		if o.status("A.Reader@example.org") != subscribers.Suppressed {
			t.Errorf("they are %s", o.status("A.Reader@example.org"))
		}
		if err := o.Resubscribe(ctx, sub.ID, "page"); err != nil || o.status("A.Reader@example.org") != subscribers.Suppressed {
			t.Errorf("they come back: %s (%v)", o.status("A.Reader@example.org"), err)
		}
		// One whose confirmation letter is out when the address is suppressed.
		o.apply("late@example.org")
		l := o.letter(subscribers.LetterConfirm, "late@example.org")
		var list []subscribers.Suppression
		if err := o.EachSuppression(ctx, func(e subscribers.Suppression) error { list = append(list, e); return nil }); err != nil || len(list) != 1 || list[0].Reason != "complaint" {
			t.Errorf("the list is %+v (%v)", list, err)
		}
		list = append(list, subscribers.Suppression{Hash: o.HashOf("late@example.org"), Reason: "imported"})
		if n, err := o.SuppressHashes(ctx, list); err != nil || n != 1 || o.status("late@example.org") != subscribers.Suppressed {
			t.Errorf("%d hashes added, they are %s (%v)", n, o.status("late@example.org"), err)
		}
		if err := o.confirm(l.Token); !errors.Is(err, subscribers.ErrExpired) || o.status("late@example.org") != subscribers.Suppressed {
			t.Errorf("confirming gives %v, they are %s", err, o.status("late@example.org"))
		}
	})
}
