package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestTokens(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		clock := time.Date(2026, 6, 12, 9, 0, 0, 0, time.UTC)
		tokens := NewTokens(db, database.NewIDs(func() time.Time { return clock }, nil), func() time.Time { return clock }, io.MultiReader(strings.NewReader(strings.Repeat("0123456789abcdef", 2)), rand.Reader))
		secret, made, err := tokens.Create(ctx, "cms", []Scope{Items, Read}, 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if want := "apta_gaytemzugu3doobzmfrggzdfmyydcmrtgq2tmnzyhfqwey3emvta"; secret != want {
			t.Errorf("the token is %s, want %s", secret, want)
		}
		var hash []byte
		if err := db.QueryRow(ctx, `SELECT hash FROM api_tokens`).Scan(&hash); err != nil {
			t.Fatal(err)
		}
		if want := sha256.Sum256([]byte(strings.Repeat("0123456789abcdef", 2))); string(hash) != string(want[:]) {
			t.Errorf("the hash is %x", hash)
		}
		if _, _, err := tokens.Create(ctx, "cms", []Scope{Read}, 0); !errors.Is(err, ErrNameTaken) {
			t.Errorf("a second of the name: %v", err)
		}
		found, err := tokens.Find(ctx, secret)
		if err != nil || found.ID != made.ID || !found.May(Items) || !found.May(Read) || found.May(Send) || found.May(Public) {
			t.Errorf("found %+v (%v)", found, err)
		}
		used := func() time.Time {
			t.Helper()
			list, err := tokens.List(ctx)
			if err != nil || len(list) == 0 {
				t.Fatal(list, err)
			}
			return list[0].Used
		}
		first := clock
		for _, step := range []struct {
			after time.Duration
			used  time.Time
		}{{59 * time.Second, first}, {time.Second, first.Add(time.Minute)}, {time.Minute, first.Add(2 * time.Minute)}} {
			clock = clock.Add(step.after)
			if _, err := tokens.Find(ctx, secret); err != nil || !used().Equal(step.used) {
				t.Errorf("at %s it was used last at %s (%v)", clock, used(), err)
			}
		}
		for _, wrong := range []string{"", "apta_", secret[5:], secret + "a", secret[:len(secret)-1], strings.ToUpper(secret), "apta_" + strings.Repeat("a", 52), "apta_" + strings.Repeat("a", 1<<16), "apta_\x00'--"} {
			if _, err := tokens.Find(ctx, wrong); !errors.Is(err, ErrToken) {
				t.Errorf("%.80q: %v", wrong, err)
			}
		}
		clock = made.Expires.Add(-time.Millisecond)
		if _, err := tokens.Find(ctx, secret); err != nil {
			t.Error(err)
		}
		clock = made.Expires
		if _, err := tokens.Find(ctx, secret); !errors.Is(err, ErrExpired) {
			t.Errorf("expired: %v", err)
		}
		clock = first
		for _, ref := range []string{"nobody", "0000000000000"} {
			if err := tokens.Revoke(ctx, ref); !errors.Is(err, ErrNoToken) {
				t.Errorf("%s was revoked: %v", ref, err)
			}
		}
		if err := tokens.Revoke(ctx, made.ID.String()); err != nil {
			t.Error(err)
		}
		if _, err := tokens.Find(ctx, secret); !errors.Is(err, ErrToken) {
			t.Errorf("revoked: %v", err)
		}
		if err := tokens.Revoke(ctx, "cms"); !errors.Is(err, ErrNoToken) {
			t.Errorf("revoked twice: %v", err)
		}
		if _, _, err := tokens.Create(ctx, "cms", []Scope{Read}, 0); err != nil {
			t.Errorf("the name is not free again: %v", err)
		}
	})
}

func TestParseScopes(t *testing.T) {
	if got, err := ParseScopes("send, read,send"); err != nil || len(got) != 2 || got[0] != Send || got[1] != Read {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range []string{"", "send,", "Send", "all", "send read"} {
		if _, err := ParseScopes(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// Every route wants its scope, and nothing but the Authorization field is one's token.
func TestScopes(t *testing.T) {
	once(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		h.draft("2024-W42")
		secrets := map[Scope]string{}
		for _, s := range Scopes {
			secrets[s] = h.token(s)
		}
		for _, r := range h.routes() {
			method, path, _ := strings.Cut(r.pattern, " ")
			path = strings.ReplaceAll(path, "{id}", "2024-W42")
			if r.scope == Public {
				if a := h.askAs("", method, path, "", ""); a.status == 401 || a.status == 403 {
					t.Errorf("%s wants a token: %d", r.pattern, a.status)
				}
				continue
			}
			a := h.want(h.askAs("", method, path, "", ""), 401, "this needs a token")
			if got := a.header.Get("WWW-Authenticate"); got != `Bearer realm="apta"` {
				t.Errorf("%s: WWW-Authenticate is %q", r.pattern, got)
			}
			for s, secret := range secrets {
				if s == r.scope {
					continue
				}
				a := h.want(h.askAs(secret, method, path, "", ""), 403, "it needs the scope "+string(r.scope))
				if got := a.header.Get("WWW-Authenticate"); !strings.Contains(got, `error="insufficient_scope", scope="`+string(r.scope)+`"`) {
					t.Errorf("%s: WWW-Authenticate is %q", r.pattern, got)
				}
			}
			if a := h.askAs(secrets[r.scope], method, path, "", ""); a.status == 401 || a.status == 403 {
				t.Errorf("%s: its own scope gives %d", r.pattern, a.status)
			}
		}
	})
}

func TestFault_W6_NoCookieNoQueryNoBasic(t *testing.T) {
	once(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		for name, set := range map[string]func(*http.Request){
			"cookie":       func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "token", Value: h.secret}) },
			"query":        func(r *http.Request) { r.URL.RawQuery = "access_token=" + h.secret + "&token=" + h.secret },
			"basic":        func(r *http.Request) { r.SetBasicAuth(h.secret, h.secret) },
			"bearer alone": func(r *http.Request) { r.Header.Set("Authorization", "Bearer") },
			"bare":         func(r *http.Request) { r.Header.Set("Authorization", h.secret) },
			"base64": func(r *http.Request) {
				r.Header.Set("Authorization", "Bearer "+base64.StdEncoding.EncodeToString([]byte(h.secret)))
			},
			"other header": func(r *http.Request) { r.Header.Set("X-Api-Key", h.secret) },
		} {
			req, err := http.NewRequest("GET", h.server.URL+"/api/issues", nil)
			h.must(err)
			set(req)
			if a := h.send(req); a.status != 401 {
				t.Errorf("%s: %d", name, a.status)
			}
		}
	})
}

// Guessing is slowed down, and stops nobody who has a good token.
func TestFault_W5_GuessingTokensIsLimited(t *testing.T) {
	once(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		wrong := "apta_" + strings.Repeat("a", 52)
		for range failuresAllowed {
			h.want(h.askAs(wrong, "GET", "/api/issues", "", ""), 401, "the token is not known")
		}
		a := h.want(h.askAs(wrong, "GET", "/api/issues", "", ""), 429, "too many wrong tokens")
		if a.header.Get("Retry-After") == "" {
			t.Error("nothing says when to try again")
		}
		h.want(h.ask("GET", "/api/issues", ""), 200)
		h.clock = h.clock.Add(failureWindow)
		h.want(h.askAs(wrong, "GET", "/api/issues", "", ""), 401)
		if strings.Contains(h.log.String(), wrong) {
			t.Error("a guessed token is in the log")
		}
	})
}

func TestFailuresAreCountedByNetwork(t *testing.T) {
	clock := time.Now()
	f := newFailures(func() time.Time { return clock })
	for range failuresAllowed {
		if f.note("[2001:db8:0:1::1]:99") != 0 {
			t.Fatal("limited too soon")
		}
	}
	for remote, limited := range map[string]bool{
		"[2001:db8:0:1:ffff::9%eth0]:1": true, "[2001:db8:0:2::1]:99": false, "192.0.2.1:5": false, "[::ffff:192.0.2.1]:5": false, "": false,
	} {
		if got := f.note(remote) > 0; got != limited {
			t.Errorf("%s: limited is %v", remote, got)
		}
	}
	for n := range 3 * failureNetworks {
		f.note(fmt.Sprintf("10.%d.%d.%d:1", n>>16, n>>8&255, n&255))
	}
	if len(f.of) > failureNetworks {
		t.Errorf("%d networks are remembered", len(f.of))
	}
}
