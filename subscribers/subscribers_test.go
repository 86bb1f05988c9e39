package subscribers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
		test(t, db, subscribers.NewStore(db, database.NewIDs(nil, nil), time.Now))
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
		"":                                       "empty",
		"reader":                                 "no @",
		"@example.org":                           "nothing before",
		"reader@":                                "nothing after",
		"reader@example":                         "no dot",
		"reader@example.org.":                    "dot",
		"reader@example..org":                    "two dots",
		"reader@127.0.0.1":                       "ends in a number",
		"reader@[127.0.0.1]":                     "plain address",
		"a@b@example.org":                        "more than one",
		"A Reader <reader@example.org>":          "space",
		"<reader@example.org>":                   "plain address",
		`"a b"@example.org`:                      "space",
		`"ab"@example.org`:                       "plain address",
		"reader(comment)@example.org":            "plain address",
		"rea der@example.org":                    "space",
		"reader@example.org\r\nBcc: x":           "control",
		"reader@exam\x00ple.org":                 "control",
		"rea\u200bder@example.org":               "invisible",
		"rea\u202eder@example.org":               "invisible",
		".reader@example.org":                    "wrong places",
		"rea..der@example.org":                   "wrong places",
		"reader.@example.org":                    "wrong places",
		"reader@-example.org":                    "not valid",
		"reader@exa_mple.org":                    "not valid",
		"r\xffeader@example.org":                 "UTF-8",
		"reader@gmail":                           "did you mean reader@gmail.com?",
		strings.Repeat("a", 65) + "@example.org": "longer than 64",
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
	if _, err := k.OpenFolded(subscribers.PurposeReturn, folded[1:]); !errors.Is(err, subscribers.ErrToken) {
		t.Errorf("a cut one opens: %v", err)
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
	refused("empty", k, subscribers.PurposeUnsubscribe, "", 1)
	for n := range token {
		refused("truncated", k, subscribers.PurposeUnsubscribe, token[:n], 1)
		for _, c := range "AQgw_-" {
			if changed := token[:n] + string(c) + token[n+1:]; changed != token {
				refused("changed", k, subscribers.PurposeUnsubscribe, changed, 1)
			}
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, token string) {
		k := keys(t, "k")
		if c, err := k.Open(subscribers.PurposeUnsubscribe, token); err == nil && c.Prove(0) == nil && k.Token(subscribers.PurposeUnsubscribe, c.ID, 0) != token {
			t.Fatalf("%q was taken", token)
		}
	})
}

func importCSV(t testing.TB, s *subscribers.Store, text string) (subscribers.Report, []string, error) {
	t.Helper()
	var bad []string
	rep, err := s.ImportCSV(context.Background(), strings.NewReader(text), "test", func(line int, err error) { bad = append(bad, fmt.Sprintf("%d: %v", line, err)) })
	return rep, bad, err
}

func TestImportCSV(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *subscribers.Store) {
		rep, bad, err := importCSV(t, s, "\ufeffE-Mail;Vorname;First Name;Last Name;Language\r\na@example.org;x;Ada;Lovelace;EN\r\n\r\nnot an address;;;;\r\n\"b@example.org\";;\"Б;Б\";;ru\r\nA@EXAMPLE.org;;;;\r\na@example.org;;;;\n")
		if err != nil || rep != (subscribers.Report{Added: 3, Present: 1, Refused: 1}) {
			t.Errorf("report %+v (%v)", rep, err)
		}
		if len(bad) != 1 || !strings.HasPrefix(bad[0], "4: ") {
			t.Errorf("complaints %q", bad)
		}
		rep, _, err = importCSV(t, s, "email,status,format\na@example.org,active,html\nc@example.org,unsubscribed,text\nd@example.org,maybe,\ne@example.org,,pdf\n\"f\x00@example.org\",,\n")
		if err != nil || rep != (subscribers.Report{Added: 1, Present: 1, Refused: 3}) {
			t.Errorf("report %+v (%v)", rep, err)
		}
		// Who left is not brought back.
		if rep, _, err = importCSV(t, s, "email\nc@example.org\n"); err != nil || rep != (subscribers.Report{Left: 1}) {
			t.Errorf("report %+v (%v)", rep, err)
		}
		_, _, err = importCSV(t, s, "name,city\nA,B\n")
		if !errors.Is(err, subscribers.ErrNoEmail) || !strings.Contains(err.Error(), "name, city") {
			t.Errorf("without an email column: %v", err)
		}
		for _, empty := range []string{"", "\xff\xfee\x00m\x00"} {
			if _, _, err = importCSV(t, s, empty); err == nil {
				t.Errorf("%q was imported", empty)
			}
		}
		var names []string
		if err := s.Each(context.Background(), func(sub subscribers.Subscriber) error {
			names = append(names, sub.Email+"/"+sub.Name+"/"+sub.Language+"/"+sub.Format+"/"+string(sub.Status))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		want := "a@example.org/Ada Lovelace/en/html/active b@example.org/Б;Б/ru/html/active A@example.org//" +
			"/html/active c@example.org///text/unsubscribed"
		if got := strings.Join(names, " "); got != want {
			t.Errorf("stored are\n%s, not\n%s", got, want)
		}
	})
}

func FuzzCSV(f *testing.F) {
	f.Add("email,name\na@example.org,A\n")
	f.Add("\"email\n;;\t")
	db, err := database.Open(context.Background(), f.TempDir()+"/apta.db")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	if err := db.Migrate(context.Background(), subscribers.Schema()); err != nil {
		f.Fatal(err)
	}
	s := subscribers.NewStore(db, database.NewIDs(nil, nil), time.Now)
	f.Fuzz(func(t *testing.T, text string) { importCSV(t, s, text) })
}

func TestFault_W8_FormulasAreDefused(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *subscribers.Store) {
		for n, name := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "plain"} {
			if _, err := s.Add(context.Background(), subscribers.Subscriber{Email: fmt.Sprintf("r%d@example.org", n), Name: name}, "test"); err != nil {
				t.Fatal(err)
			}
		}
		var b bytes.Buffer
		if err := s.ExportCSV(context.Background(), &b); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{",'=1+1,", ",'+1,", ",'-1,", ",'@SUM(A1),", ",plain,"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("the export lacks %s:\n%s", want, b.String())
			}
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
