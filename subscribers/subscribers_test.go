package subscribers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestMain(m *testing.M) { databasetest.Run(m) }

func each(t *testing.T, test func(t *testing.T, db *database.DB, s *subscribers.Store)) {
	databasetest.Each(t, []database.Schema{subscribers.Schema()}, func(t *testing.T, db *database.DB) {
		test(t, db, subscribers.NewStore(db, database.NewIDs(nil, nil), keys(t, "k"), time.Now))
	})
}

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]string{
		"reader@example.org":                       "reader@example.org",
		"  reader@example.org ":                    "reader@example.org",
		"Reader.Name+tag@EXAMPLE.Org":              "Reader.Name+tag@example.org",
		"o'brien@example.org":                      "o'brien@example.org",
		"e\u0301va@example.org":                    "éva@example.org",
		"пётр@почта.рф":                            "пётр@почта.рф",
		"reader@XN--80A1ACNY.xn--p1ai":             "reader@почта.рф",
		"reader@почта.қаз":                         "reader@почта.қаз",
		"用户@例子.example":                            "用户@例子.example",
		"a@" + strings.Repeat("b.", 5) + "example": "a@b.b.b.b.b.example",
	} {
		if got, err := subscribers.ParseAddress(in); err != nil || got != want {
			t.Errorf("%q gives %q (%v), not %q", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"":                                            "empty",
		"reader":                                      "no @",
		"@example.org":                                "nothing before",
		"reader@":                                     "nothing after",
		"reader@example":                              "no dot",
		"reader@example.org.":                         "dot",
		"reader@example..org":                         "two dots",
		"reader@127.0.0.1":                            "ends in a number",
		"reader@[127.0.0.1]":                          "plain address",
		"a@b@example.org":                             "more than one",
		"A Reader <reader@example.org>":               "space",
		"<reader@example.org>":                        "plain address",
		`"a b"@example.org`:                           "space",
		`"ab"@example.org`:                            "plain address",
		"reader(comment)@example.org":                 "plain address",
		"rea der@example.org":                         "space",
		"reader@example.org\r\nBcc: x":                "control",
		"reader@exam\x00ple.org":                      "control",
		"rea\u200bder@example.org":                    "invisible",
		"rea\u202eder@example.org":                    "invisible",
		".reader@example.org":                         "wrong places",
		"rea..der@example.org":                        "wrong places",
		"reader.@example.org":                         "wrong places",
		"reader@-example.org":                         "not valid",
		"reader@exa_mple.org":                         "not valid",
		"r\xffeader@example.org":                      "UTF-8",
		"reader@gmail":                                "did you mean reader@gmail.com?",
		strings.Repeat("a", 65) + "@example.org":      "longer than 64",
		"reader\u037e@example.org":                    "plain address",  // composes to a semicolon
		strings.Repeat("\u0958", 21) + "@example.org": "longer than 64", // 63 octets, 126 when composed
		"a@" + strings.Repeat(strings.Repeat("b", 60)+".", 5) + "example": "longer than 254",
	} {
		_, err := subscribers.ParseAddress(in)
		var address *subscribers.AddressError
		if !errors.As(err, &address) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", in, err, want)
		}
	}
	if m := subscribers.Meant("reader@gmial.com"); m != "reader@gmail.com" {
		t.Errorf("gmial.com suggests %q", m)
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("reader@example.org")
	f.Add("пётр@почта.рф")
	f.Add("a@xn--")
	f.Add("\u0958\u212a@example.org")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := subscribers.ParseAddress(s)
		if err != nil {
			return
		}
		if again, err := subscribers.ParseAddress(got); err != nil || again != got {
			t.Fatalf("%q gives %q, which gives %q (%v)", s, got, again, err)
		}
		if strings.ContainsAny(got, "\r\n\x00 <>,;\"") {
			t.Fatalf("%q was let through as %q", s, got)
		}
		if at := strings.IndexByte(got, '@'); at > 64 || len(got) > 254 {
			t.Fatalf("%q is too long as %q", s, got)
		}
	})
}

func keys(t testing.TB, secret string) *subscribers.Keys {
	t.Helper()
	k, err := subscribers.NewKeys([]byte(strings.Repeat(secret, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTokens(t *testing.T) {
	k := keys(t, "k")
	token := k.Token(subscribers.PurposeUnsubscribe, 4711, 0)
	if token != k.Token(subscribers.PurposeUnsubscribe, 4711, 0) || len(token) != 32 {
		t.Errorf("the token is %q", token)
	}
	c, err := k.Open(subscribers.PurposeUnsubscribe, token)
	if err != nil || c.ID != 4711 || c.Prove(0) != nil {
		t.Errorf("it opens as %v (%v, %v)", c.ID, err, c.Prove(0))
	}
	if k.Token(subscribers.PurposeUnsubscribe, 4712, 0)[:8] == token[:8] {
		t.Error("the tokens of two neighbours look alike")
	}
	folded := k.FoldedToken(subscribers.PurposeReturn, 4711, 3)
	for _, token := range []string{folded, strings.ToUpper(folded)} {
		if c, err := k.OpenFolded(subscribers.PurposeReturn, token); err != nil || c.ID != 4711 || c.Prove(3) != nil {
			t.Errorf("%q opens as %v (%v)", token, c.ID, err)
		}
	}
	if len(folded) > 40 {
		t.Errorf("a folded token has %d characters", len(folded))
	}
	for _, bad := range []string{"", folded[1:], folded + "a", folded[:20] + strings.Repeat("\n", len(folded)-20)} {
		if _, err := k.OpenFolded(subscribers.PurposeReturn, bad); !errors.Is(err, subscribers.ErrToken) {
			t.Errorf("%q opens: %v", bad, err)
		}
	}
	if _, err := subscribers.NewKeys([]byte("short")); err == nil {
		t.Error("a short secret was taken")
	}
}

func TestFault_W5_TokensThatAreNotOurs(t *testing.T) {
	k := keys(t, "k")
	token := k.Token(subscribers.PurposeUnsubscribe, 4711, 1)
	refused := func(name string, k *subscribers.Keys, p subscribers.Purpose, token string, generation int) {
		t.Helper()
		c, err := k.Open(p, token)
		if err == nil {
			err = c.Prove(generation)
		}
		if !errors.Is(err, subscribers.ErrToken) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	refused("another purpose", k, subscribers.PurposePreferences, token, 1)
	refused("revoked", k, subscribers.PurposeUnsubscribe, token, 2)
	refused("foreign secret", keys(t, "x"), subscribers.PurposeUnsubscribe, token, 1)
	refused("confirming", k, subscribers.PurposeConfirm, token, 1)
	refused("empty", k, subscribers.PurposeUnsubscribe, "", 1)
	refused("line ends", k, subscribers.PurposeUnsubscribe, token[:16]+strings.Repeat("\n", 16), 1)
	refused("line ends", k, subscribers.PurposeUnsubscribe, token[:28]+"\r\n\r\n", 1)
	for n := range token {
		refused("truncated", k, subscribers.PurposeUnsubscribe, token[:n], 1)
		for _, c := range "AQgw_-" {
			if changed := token[:n] + string(c) + token[n+1:]; changed != token {
				refused("changed", k, subscribers.PurposeUnsubscribe, changed, 1)
			}
		}
	}
}

// Links of mails that are out must open for years: these bytes never change.
func TestTokensStayWhatTheyAre(t *testing.T) {
	for want, args := range map[string]struct {
		p          subscribers.Purpose
		id         database.ID
		generation int
	}{
		"_tNxOh-CdatEknH_cbuRlYccuY0lJCWb": {subscribers.PurposeUnsubscribe, 4711, 0},
		"YSNnVI2t3nYCPYrcaD4dNNcHMoUEhhYY": {subscribers.PurposePreferences, 1<<62 + 1, 3},
	} {
		if got := keys(t, "k").Token(args.p, args.id, args.generation); got != want {
			t.Errorf("%+v gives %s, not %s", args, got, want)
		}
	}
}

func BenchmarkAppendToken(b *testing.B) {
	k, dst := keys(b, "k"), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		dst = k.AppendToken(dst[:0], subscribers.PurposeUnsubscribe, 4711, 0)
	}
}

func FuzzToken(f *testing.F) {
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("AAAAAAAAAAAAAAAA\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n")
	f.Fuzz(func(t *testing.T, token string) {
		k := keys(t, "k")
		if c, err := k.Open(subscribers.PurposeUnsubscribe, token); err == nil && c.Prove(0) == nil && k.Token(subscribers.PurposeUnsubscribe, c.ID, 0) != token {
			t.Fatalf("%q was taken", token)
		}
	})
}

func TestUnsubscribeIsWrittenDownOnce(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *subscribers.Store) {
		ctx := context.Background()
		if _, err := s.Add(ctx, subscribers.Subscriber{Email: "a@example.org"}, "form"); err != nil {
			t.Fatal(err)
		}
		var sub subscribers.Subscriber
		s.Each(ctx, func(x subscribers.Subscriber) error { sub = x; return nil })
		for range 3 {
			if err := s.Unsubscribe(ctx, sub.ID, "one-click"); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := s.ByID(ctx, sub.ID); err != nil || got.Status != subscribers.Unsubscribed {
			t.Errorf("status %s (%v)", got.Status, err)
		}
		var n int
		if err := db.QueryRow(ctx, `SELECT count(*) FROM consents WHERE subscriber_id = $1`, sub.ID).Scan(&n); err != nil || n != 2 {
			t.Errorf("%d entries in the consent log (%v)", n, err)
		}
		if out, err := s.Add(ctx, subscribers.Subscriber{Email: "a@example.org"}, "form"); err != nil || out != subscribers.Left {
			t.Errorf("adding who left gives %v (%v)", out, err)
		}
		if _, err := s.ByID(ctx, 1); !errors.Is(err, subscribers.ErrNotFound) {
			t.Errorf("nobody is found as %v", err)
		}
	})
}
