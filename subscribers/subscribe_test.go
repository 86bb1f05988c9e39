package subscribers_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// office is a store with a clock that stands still until it is moved.
type office struct {
	*subscribers.Store
	t   *testing.T
	db  *database.DB
	k   *subscribers.Keys
	now time.Time
}

func offices(t *testing.T, test func(o *office)) {
	databasetest.Each(t, []database.Schema{subscribers.Schema()}, func(t *testing.T, db *database.DB) {
		o := &office{t: t, db: db, k: keys(t, "k"), now: time.Date(2024, 10, 18, 9, 0, 0, 0, time.UTC)}
		clock := func() time.Time { return o.now }
		o.Store = subscribers.NewStore(db, database.NewIDs(clock, nil), o.k, clock)
		test(o)
	})
}

var visitor = netip.MustParseAddr("192.0.2.77")

func (o *office) apply(email string) {
	o.t.Helper()
	err := o.Subscribe(context.Background(), subscribers.Application{Email: email, From: visitor, Source: "page", Wording: "I want it",
		Wishes: subscribers.Wishes{Name: "A", Language: "ru", Topics: []string{"Война", "Суд", "Война"}, Every: 2}})
	if err != nil {
		o.t.Fatal(err)
	}
}

// letters takes all that are due and has them sent.
func (o *office) letters() (list []subscribers.Letter) {
	o.t.Helper()
	for {
		l, found, err := o.NextLetter(context.Background(), time.Minute)
		if err != nil {
			o.t.Fatal(err)
		}
		if !found {
			return list
		}
		if err := o.LetterSent(context.Background(), l.ID); err != nil {
			o.t.Fatal(err)
		}
		list = append(list, l)
	}
}

// letter is the only one that is due.
func (o *office) letter(kind subscribers.Kind, to string) subscribers.Letter {
	o.t.Helper()
	list := o.letters()
	if len(list) != 1 || list[0].Kind != kind || list[0].To != to {
		o.t.Fatalf("the letters are %+v, not one to %s that says %s", list, to, kind)
	}
	return list[0]
}

func (o *office) status(email string) subscribers.Status {
	o.t.Helper()
	sub, err := o.ByEmail(context.Background(), email)
	if errors.Is(err, subscribers.ErrNotFound) {
		return ""
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return sub.Status
}

func (o *office) confirm(token string) error {
	_, err := o.Confirm(context.Background(), token, subscribers.Consent{Source: "confirm page", Network: "192.0.2.0/24", Wording: "Confirm"})
	return err
}

// join is the whole way in.
func (o *office) join(email string) subscribers.Subscriber {
	o.t.Helper()
	o.apply(email)
	if err := o.confirm(o.letter(subscribers.LetterConfirm, email).Token); err != nil {
		o.t.Fatal(err)
	}
	sub, err := o.ByEmail(context.Background(), email)
	if err != nil {
		o.t.Fatal(err)
	}
	return sub
}

func TestDoubleOptIn(t *testing.T) {
	offices(t, func(o *office) {
		o.apply("a@example.org")
		l := o.letter(subscribers.LetterConfirm, "a@example.org")
		if l.Language != "ru" || !l.Expires.Equal(o.now.Add(7*24*time.Hour)) || o.status("a@example.org") != subscribers.Pending {
			t.Errorf("the letter is %+v, the reader %s", l, o.status("a@example.org"))
		}
		for range 2 { // a second press is no error
			if err := o.confirm(l.Token); err != nil {
				t.Fatal(err)
			}
		}
		sub, err := o.ByEmail(context.Background(), "a@example.org")
		if err != nil || sub.Status != subscribers.Active || sub.Language != "ru" || sub.Every != 2 || !slices.Equal(sub.Topics, []string{"Война", "Суд"}) {
			t.Errorf("stored is %+v (%v)", sub, err)
		}
		log, err := o.Consents(context.Background(), sub.ID)
		if err != nil || len(log) != 2 || log[0].What != "asked" || log[0].Wording != "I want it" || log[0].Network != "192.0.2.0/24" || log[1].What != "active" || log[1].Wording != "Confirm" {
			t.Errorf("the log is %v (%v)", log, err)
		}
		// Who is subscribed gets a letter that says so, and changes nothing by asking.
		o.apply("a@example.org")
		if l := o.letter(subscribers.LetterKnown, "a@example.org"); l.Token != o.k.Token(subscribers.PurposePreferences, sub.ID, 0) {
			t.Errorf("the letter is %+v", l)
		}
	})
}

func TestWhoLeftComesBackByConfirmingOnly(t *testing.T) {
	offices(t, func(o *office) {
		sub := o.join("a@example.org")
		if err := o.Unsubscribe(context.Background(), sub.ID, "page"); err != nil {
			t.Fatal(err)
		}
		first := o.k.Token(subscribers.PurposeConfirm, sub.ID, 0)
		if err := o.confirm(first); !errors.Is(err, subscribers.ErrExpired) {
			t.Errorf("the link of the first time gives %v", err)
		}
		o.apply("a@example.org")
		l := o.letter(subscribers.LetterConfirm, "a@example.org")
		if o.status("a@example.org") != subscribers.Unsubscribed {
			t.Error("asking alone brought them back")
		}
		if err := o.confirm(l.Token); err != nil || o.status("a@example.org") != subscribers.Active {
			t.Errorf("confirmed, they are %s (%v)", o.status("a@example.org"), err)
		}
	})
}

func TestUnconfirmedExpire(t *testing.T) {
	offices(t, func(o *office) {
		ctx := context.Background()
		o.apply("a@example.org")
		l := o.letter(subscribers.LetterConfirm, "a@example.org")
		o.now = o.now.Add(7*24*time.Hour - time.Second)
		if err := o.Tend(ctx); err != nil || o.status("a@example.org") != subscribers.Pending {
			t.Fatalf("a moment before, they are %q (%v)", o.status("a@example.org"), err)
		}
		o.now = o.now.Add(time.Second)
		if err := o.confirm(l.Token); !errors.Is(err, subscribers.ErrExpired) {
			t.Errorf("before it is cleared away, the link gives %v", err)
		}
		if err := o.Tend(ctx); err != nil || o.status("a@example.org") != "" {
			t.Errorf("expired, they are %q (%v)", o.status("a@example.org"), err)
		}
		if err := o.confirm(l.Token); !errors.Is(err, subscribers.ErrExpired) {
			t.Errorf("afterwards, the link gives %v", err)
		}
		for _, table := range []string{"applications", "letters", "limits", "consents"} {
			var n int
			if err := o.db.QueryRow(ctx, `SELECT count(*) FROM `+table).Scan(&n); err != nil || n > 0 {
				t.Errorf("%d rows are left in %s (%v)", n, table, err)
			}
		}
	})
}

// One address from a thousand networks, a thousand addresses from one network
// (a hundred times as many in make torture), and everybody: each is held to its
// limit, and those it does not concern are served.
func TestFault_W3_SubscriptionBombing(t *testing.T) {
	times := 1000
	if os.Getenv("APTA_TORTURE") != "" {
		times = 100_000
	}
	offices(t, func(o *office) {
		ctx := context.Background()
		o.Store = o.WithRules(subscribers.Rules{PerAddress: subscribers.Limit{Count: 3, Per: 24 * time.Hour}, PerNetwork: subscribers.Limit{Count: 10, Per: time.Hour},
			PerNewsletter: subscribers.Limit{Count: 50, Per: time.Hour}, Open: time.Hour * 24 * 7})
		ask := func(email string, from netip.Addr) error {
			err := o.Subscribe(ctx, subscribers.Application{Email: email, From: from})
			var limit *subscribers.LimitError
			if err != nil && !errors.As(err, &limit) {
				t.Fatal(err)
			}
			return err
		}
		for n := range 1000 {
			// What a provider passes over does not make another mailbox.
			ask([]string{"victim@gmail.com", "Vic.tim@gmail.com", "victim+7@gmail.com"}[n%3], netip.AddrFrom4([4]byte{93, byte(n >> 8), byte(n), 1}))
		}
		if got := o.letters(); len(got) != 3 {
			t.Errorf("%d letters to one mailbox", len(got))
		}
		for n := range times {
			ask(fmt.Sprintf("reader%d@example.org", n), netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}))
		}
		if got := o.letters(); len(got) != 10 {
			t.Errorf("%d letters because of one network", len(got))
		}
		if err := ask("somebody@example.net", visitor); err != nil || len(o.letters()) != 1 {
			t.Errorf("somebody else is refused: %v", err)
		}
		refused := 0
		for n := range 100 {
			if ask(fmt.Sprintf("crowd%d@example.org", n), netip.AddrFrom4([4]byte{94, 0, byte(n), 1})) != nil {
				refused++
			}
		}
		if got := o.letters(); len(got) != 50-14 || refused != 100-len(got) {
			t.Errorf("%d letters to a crowd, %d refused", len(got), refused)
		}
		var limit *subscribers.LimitError
		if err := ask("late@example.net", visitor); !errors.As(err, &limit) || limit.Scope != "newsletter" || !limit.Until.Equal(o.now.Add(time.Hour)) {
			t.Errorf("the next is told %v", err)
		}
		o.now = o.now.Add(time.Hour)
		if err := ask("late@example.net", visitor); err != nil {
			t.Errorf("after an hour: %v", err)
		}
		// A stranger's letters count against those that a reader's links cause.
		if err := o.LostLink(ctx, "victim@gmail.com", visitor); !errors.As(err, &limit) || limit.Scope != "address" {
			t.Errorf("a lost link: %v", err)
		}
	})
}

// Two at once cannot both take the last one.
func TestFault_W3_LimitsHoldAtOnce(t *testing.T) {
	offices(t, func(o *office) {
		errs := make(chan error, 20)
		for n := range cap(errs) {
			go func() {
				errs <- o.Subscribe(context.Background(), subscribers.Application{Email: "a@example.org", From: netip.AddrFrom4([4]byte{93, 1, byte(n), 1})})
			}()
		}
		granted := 0
		for range cap(errs) {
			var limit *subscribers.LimitError
			if err := <-errs; err == nil {
				granted++
			} else if !errors.As(err, &limit) {
				t.Error(err)
			}
		}
		if got := len(o.letters()); granted != 3 || got != 3 {
			t.Errorf("%d granted, %d letters", granted, got)
		}
	})
}

func TestLettersAreTriedAgain(t *testing.T) {
	offices(t, func(o *office) {
		ctx := context.Background()
		o.apply("a@example.org")
		take := func() (subscribers.Letter, bool) {
			l, found, err := o.NextLetter(ctx, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return l, found
		}
		first, found := take()
		if _, again := take(); !found || again {
			t.Fatalf("taken %v, and again %v", found, again)
		}
		o.now = o.now.Add(time.Minute) // whoever took it died
		second, found := take()
		if !found || second.ID != first.ID || second.Token != first.Token || second.Tries != 2 {
			t.Errorf("given again is %+v", second)
		}
		if err := o.LetterFailed(ctx, second.ID, o.now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		o.now = o.now.Add(time.Hour)
		if third, found := take(); !found || third.Tries != 3 {
			t.Errorf("after an hour: %+v", third)
		}
		if err := o.LetterFailed(ctx, first.ID, time.Time{}); err != nil {
			t.Fatal(err)
		}
		o.now = o.now.Add(time.Hour)
		if l, found := take(); found {
			t.Errorf("given up, and given again: %+v", l)
		}
	})
}

func TestLostLink(t *testing.T) {
	offices(t, func(o *office) {
		ctx := context.Background()
		sub := o.join("a@example.org")
		for _, email := range []string{"nobody@example.org", "a@example.org"} {
			if err := o.LostLink(ctx, email, visitor); err != nil {
				t.Errorf("%s: %v", email, err)
			}
		}
		l := o.letter(subscribers.LetterLink, "a@example.org")
		if got, err := o.Reader(ctx, subscribers.PurposePreferences, l.Token); err != nil || got.ID != sub.ID {
			t.Errorf("the link opens %+v (%v)", got, err)
		}
		if _, err := o.Reader(ctx, subscribers.PurposeUnsubscribe, l.Token); !errors.Is(err, subscribers.ErrToken) {
			t.Errorf("it opens another page: %v", err)
		}
	})
}

func TestWishesThatCannotBeGranted(t *testing.T) {
	offices(t, func(o *office) {
		for field, w := range map[string]subscribers.Wishes{
			"name": {Name: "A\u202eB"}, "language": {Language: "the usual"}, "format": {Format: "pdf"}, "topics": {Topics: []string{"a\nb"}}, "every_weeks": {Every: 53},
		} {
			var wish *subscribers.WishError
			if err := o.Subscribe(context.Background(), subscribers.Application{Email: "a@example.org", Wishes: w}); !errors.As(err, &wish) || wish.Field != field {
				t.Errorf("%+v: %v", w, err)
			}
		}
		if list := o.letters(); len(list) > 0 {
			t.Errorf("letters %+v", list)
		}
	})
}
