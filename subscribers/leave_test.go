package subscribers_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"apta/subscribers"
)

// Leaving sends one letter, however often it is asked for, and none where the
// reader is back before it goes or had too many.
func TestLeave(t *testing.T) {
	offices(t, func(o *office) {
		ctx := context.Background()
		by := subscribers.Consent{Source: "one-click"}
		sub := o.join("a@example.org")
		for i := range 3 {
			changed, err := o.Leave(ctx, sub.ID, by)
			if err != nil || changed != (i == 0) {
				t.Fatalf("time %d: changed %v (%v)", i, changed, err)
			}
		}
		l := o.letter(subscribers.LetterLeft, "a@example.org")
		if got, err := o.Reader(ctx, subscribers.PurposeUnsubscribe, l.Token); err != nil || got.ID != sub.ID || l.Language != "ru" || o.status("a@example.org") != subscribers.Unsubscribed {
			t.Errorf("the letter is %+v, its link %s's (%v)", l, got.ID, err)
		}
		back := func() {
			t.Helper()
			if err := o.Resubscribe(ctx, sub.ID, "test"); err != nil {
				t.Fatal(err)
			}
		}
		back()
		if _, err := o.Leave(ctx, sub.ID, by); err != nil { // the third letter of the day
			t.Fatal(err)
		}
		back()
		if list := o.letters(); len(list) != 0 {
			t.Errorf("one who is back gets %+v", list)
		}
		if changed, err := o.Leave(ctx, sub.ID, by); err != nil || !changed {
			t.Errorf("over the limit they cannot leave: %v %v", changed, err)
		}
		if list := o.letters(); len(list) != 0 {
			t.Errorf("a fourth letter of the day: %+v", list)
		}
		if _, err := o.Leave(ctx, 1, by); !errors.Is(err, subscribers.ErrNotFound) {
			t.Errorf("nobody leaves: %v", err)
		}
	})
}

func TestOpenApplicationChangesNothing(t *testing.T) {
	offices(t, func(o *office) {
		ctx := context.Background()
		o.apply("a@example.org")
		token := o.letter(subscribers.LetterConfirm, "a@example.org").Token
		for range 2 {
			if sub, err := o.OpenApplication(ctx, token); err != nil || sub.Language != "ru" || sub.Status != subscribers.Pending {
				t.Errorf("%+v (%v)", sub, err)
			}
		}
		o.now = o.now.Add(8 * 24 * time.Hour)
		if _, err := o.OpenApplication(ctx, token); !errors.Is(err, subscribers.ErrExpired) {
			t.Errorf("a week later: %v", err)
		}
		if _, err := o.OpenApplication(ctx, token[1:]+"A"); !errors.Is(err, subscribers.ErrToken) {
			t.Errorf("a changed token: %v", err)
		}
	})
}
