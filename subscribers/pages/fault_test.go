package pages

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
)

// application has somebody ask, and gives the path of the link in their letter.
func (s *site) application(t *testing.T, email string) string {
	t.Helper()
	ctx := context.Background()
	if err := s.store.Subscribe(ctx, subscribers.Application{Email: email, Source: "test"}); err != nil {
		t.Fatal(err)
	}
	l, found, err := s.store.NextLetter(ctx, time.Hour)
	if err != nil || !found {
		t.Fatal("no letter", err)
	}
	return "/c/" + l.Token
}

func (s *site) statusOf(t *testing.T, email string) subscribers.Status {
	t.Helper()
	sub, err := s.store.ByEmail(context.Background(), email)
	if err != nil {
		t.Fatal(err)
	}
	return sub.Status
}

// A scanner that knows every address of a reader, and asks for it in every way
// but a POST, changes nothing.
func TestFault_W1_ScannersConfirmNobody(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		confirm := s.application(t, "new@example.org")
		page := "/p/" + s.keys.Token(subscribers.PurposePreferences, s.id, 0)
		for _, path := range []string{confirm, page, page + "/pause", page + "/erase", page + "/data", page + "/address", s.link(subscribers.PurposeUnsubscribe)} {
			for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"} {
				s.do(method, path+"?sure=yes&until=2030-01-01&page=leave&List-Unsubscribe=One-Click", "")
			}
		}
		if new, old := s.statusOf(t, "new@example.org"), s.status(t); new != subscribers.Pending || old != subscribers.Active {
			t.Errorf("the newcomer is %s, the reader %s", new, old)
		}
		for range 2 { // a person may press twice
			if w := s.do("POST", confirm, ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "You are subscribed") {
				t.Errorf("answer %d\n%s", w.Code, w.Body)
			}
		}
		if got := s.statusOf(t, "new@example.org"); got != subscribers.Active {
			t.Errorf("the newcomer is %s", got)
		}
	})
}

// The mail is years old, the reader has moved and paused since, and it still works.
func TestFault_W2_YearsLater(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		link := s.link(subscribers.PurposeUnsubscribe)
		if _, err := s.db.Exec(context.Background(), `UPDATE subscribers SET email = 'moved@example.org', created = 0, updated = 0, status = 'paused'`); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			w := s.do("POST", link, "List-Unsubscribe=One-Click", "Origin", "null", "Sec-Fetch-Site", "cross-site")
			if w.Code != http.StatusOK || w.Header().Get("Location") != "" || len(w.Result().Cookies()) > 0 || s.status(t) != subscribers.Unsubscribed {
				t.Errorf("answer %d, the reader is %s", w.Code, s.status(t))
			}
		}
		if got := s.letters(t); !slices.Equal(got, []string{"moved@example.org left"}) {
			t.Errorf("three posts give the letters %q", got)
		}
	})
}

// One address from 1,000 networks, then 1,000 addresses from one network.
func TestFault_W3_Bombing(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		post := func(email, from string) int {
			r := httptest.NewRequest("POST", "/subscribe", strings.NewReader(s.stamped(time.Minute, "email", email).Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.RemoteAddr = from + ":4711"
			w := httptest.NewRecorder()
			s.mux.ServeHTTP(w, r)
			return w.Code
		}
		counts := map[int]int{}
		for i := range 1000 {
			counts[post("victim+"+fmt.Sprint(i)+"@example.org", netip.AddrFrom4([4]byte{198, byte(18 + i/250), byte(i % 250), 1}).String())]++
		}
		if got := len(s.letters(t)); got != 3 || counts[http.StatusTooManyRequests] != 997 || counts[http.StatusSeeOther] != 3 {
			t.Errorf("one address: %d letters, answers %v", got, counts)
		}
		clear(counts)
		for i := range 1000 {
			counts[post(fmt.Sprintf("reader%d@example.org", i), "203.0.113."+fmt.Sprint(1+i%250))]++
		}
		if got := len(s.letters(t)); got != 30 || counts[http.StatusTooManyRequests] != 970 {
			t.Errorf("one network: %d letters, answers %v", got, counts)
		}
		if code := post("somebody@example.org", "192.0.2.1"); code != http.StatusSeeOther {
			t.Errorf("somebody else is answered %d", code)
		}
	})
}

var ownStamp = regexp.MustCompile(`value="[A-Za-z0-9_-]{33}"`)

// What is answered to a known address and to an unknown one is the same to the
// byte, and how long it takes does not tell them apart (Mann-Whitney). The time is
// reported; only a difference that no busy machine explains fails the test.
func TestFault_W4_Enumeration(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.pages.store = s.store.WithRules(func() subscribers.Rules {
			r := subscribers.DefaultRules()
			r.PerAddress.Count, r.PerNetwork.Count, r.PerNewsletter.Count = 1e6, 1e6, 1e6
			return r
		}())
		n := 1000
		if s.db.Kind() == database.PostgreSQL && os.Getenv("APTA_TORTURE") == "" {
			n = 200 // a request takes several times as long there
		}
		var known []subscribers.Subscriber
		for i := range n {
			known = append(known, subscribers.Subscriber{Email: fmt.Sprintf("known%04d@example.org", i)})
		}
		if _, err := s.store.AddAll(context.Background(), known, "test"); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/subscribe", "/lost"} {
			answers := map[string]int{}
			times := map[string][]float64{}
			ask := func(kind string, i int) {
				body := s.stamped(time.Minute, "email", fmt.Sprintf("%s%04d@example.org", kind, i)).Encode()
				began := time.Now()
				w := s.do("POST", path, body)
				times[kind] = append(times[kind], float64(time.Since(began)))
				answers[fmt.Sprintf("%d %v %s", w.Code, w.Header(), ownStamp.ReplaceAllString(w.Body.String(), ""))]++
			}
			for i := range n { // which comes first changes, so that neither has the warmer cache
				first, second := "known", "other"
				if i%2 == 1 {
					first, second = second, first
				}
				ask(first, i)
				ask(second, i)
			}
			if len(answers) != 1 {
				t.Errorf("%s: %d different answers", path, len(answers))
			}
			z := mannWhitney(times["known"], times["other"])
			p := math.Erfc(math.Abs(z) / math.Sqrt2)
			t.Logf("%s: Mann-Whitney z = %.2f, p = %.3f", path, z, p)
			if math.Abs(z) > 6 {
				t.Errorf("%s: the time tells who is known: z = %.2f", path, z)
			}
		}
	})
}

// mannWhitney gives the standard score of the rank sum of a among a and b.
func mannWhitney(a, b []float64) float64 {
	type sample struct {
		value float64
		first bool
	}
	var all []sample
	for _, v := range a {
		all = append(all, sample{v, true})
	}
	for _, v := range b {
		all = append(all, sample{v, false})
	}
	slices.SortFunc(all, func(x, y sample) int { return cmp.Compare(x.value, y.value) })
	sum := 0.0
	for i, x := range all {
		if x.first {
			sum += float64(i + 1)
		}
	}
	n, m := float64(len(a)), float64(len(b))
	return (sum - n*(n+m+1)/2) / math.Sqrt(n*m*(n+m+1)/12)
}

// A token opens the page of its purpose and no other, and no part or change of
// it opens any. Each answer says what to do.
func TestFault_W5_TokensOfOtherPurposes(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		purposes := map[string]subscribers.Purpose{"/c/": subscribers.PurposeConfirm, "/p/": subscribers.PurposePreferences, "/u/": subscribers.PurposeUnsubscribe,
			"/o/": subscribers.PurposeChangeOld, "/n/": subscribers.PurposeChangeNew, "": subscribers.PurposeReturn}
		foreign, err := subscribers.NewKeys([]byte(strings.Repeat("x", 32)))
		if err != nil {
			t.Fatal(err)
		}
		for path := range purposes {
			if path == "" {
				continue
			}
			own := s.keys.Token(purposes[path], s.id, 0)
			bad := []string{own[:31], own + "A", own[1:], strings.ToLower(own), own[:16] + own[:16], foreign.Token(purposes[path], s.id, 0), strings.Repeat("A", 32), "%00", "..%2f"}
			for other, purpose := range purposes {
				if other != path {
					bad = append(bad, s.keys.Token(purpose, s.id, 0))
				}
			}
			for i := range own { // every character counts
				flipped := []byte(own)
				flipped[i] = map[bool]byte{true: 'A', false: 'B'}[own[i] != 'A']
				bad = append(bad, string(flipped))
			}
			for _, token := range bad {
				for _, method := range []string{"GET", "POST"} {
					w := s.do(method, path+token, "")
					if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "This link does not work") {
						t.Errorf("%s %s%s: %d", method, path, token, w.Code)
					}
				}
			}
		}
		if got := s.status(t); got != subscribers.Active {
			t.Errorf("the reader is %s", got)
		}
	})
}

// Who tries one wrong link after the other is answered the same, but from their
// network none is looked up any more; the readers there get their pages.
func TestFault_W5_Limited(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		now := time.Now()
		s.pages.options.Now = func() time.Time { return now }
		wrong := func(n int) string { return "/p/" + s.keys.Token(subscribers.PurposePreferences, database.ID(n), 0) } // of nobody: it proves itself
		guess := "/p/" + strings.Repeat("A", 32)
		first := s.do("GET", guess, "")
		for range wrongAllowed - 1 {
			s.do("POST", guess+"/erase", "sure=yes")
		}
		if !s.pages.wrong.many(netip.MustParsePrefix("192.0.2.0/24"), now) {
			t.Fatal("they are not counted")
		}
		// A reader whose links were revoked once has a link that only the database proves.
		if err := s.store.RevokeLinks(context.Background(), s.id); err != nil {
			t.Fatal(err)
		}
		own := "/p/" + s.keys.Token(subscribers.PurposePreferences, s.id, 1)
		for _, path := range []string{guess, own} {
			if w := s.do("GET", path, ""); w.Code != first.Code || w.Body.String() != first.Body.String() || fmt.Sprint(w.Header()) != fmt.Sprint(first.Header()) {
				t.Errorf("%s: the answer has changed: %d %s", path, w.Code, w.Body)
			}
		}
		if w := s.do("GET", wrong(7), ""); w.Code != http.StatusGone {
			t.Errorf("a link that proves itself: %d", w.Code)
		}
		elsewhere := httptest.NewRequest("GET", own, nil)
		elsewhere.RemoteAddr = "198.51.100.7:4711"
		w := httptest.NewRecorder()
		s.mux.ServeHTTP(w, elsewhere)
		if w.Code != http.StatusOK {
			t.Errorf("from another network: %d", w.Code)
		}
		now = now.Add(wrongWindow)
		if w := s.do("GET", own, ""); w.Code != http.StatusOK {
			t.Errorf("a minute later: %d", w.Code)
		}
	})
}

// Links that were good once get a page of their own.
func TestFault_W5_ExpiredTokens(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		confirm := s.application(t, "late@example.org")
		if _, err := s.db.Exec(context.Background(), `UPDATE applications SET at = 0`); err != nil {
			t.Fatal(err)
		}
		for _, step := range []string{"expired", "deleted"} {
			for _, method := range []string{"GET", "POST"} {
				w := s.do(method, confirm, "")
				if w.Code != http.StatusGone || !strings.Contains(w.Body.String(), "This link is too old") || !strings.Contains(w.Body.String(), `href="/subscribe?lang=en"`) {
					t.Errorf("%s, %s: %d\n%s", step, method, w.Code, w.Body)
				}
			}
			if err := s.store.Tend(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// No form of another site does anything on a personal page, and no address in a
// form or a URL leads away from the site.
func TestFault_W6_OtherSites(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		confirm := s.application(t, "new@example.org")
		page := "/p/" + s.keys.Token(subscribers.PurposePreferences, s.id, 0)
		for path, body := range map[string]string{
			confirm: "", page: "format=text&language=en&every=1&topic=Courts", page + "/pause": "until=2030-01-01", page + "/address": "email=evil@example.org", page + "/data": "", page + "/erase": "sure=yes",
			s.link(subscribers.PurposeUnsubscribe): "page=leave", "/lost": s.stamped(time.Minute, "email", "reader@example.org").Encode(), "/api/subscriptions": "{}",
		} {
			for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
				if w := s.do("POST", path, body, header...); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "This came from another site") {
					t.Errorf("%s with %v: %d", path, header, w.Code)
				}
			}
		}
		if got := s.letters(t); len(got) > 0 || s.status(t) != subscribers.Active || s.statusOf(t, "new@example.org") != subscribers.Pending || s.reader(t).Format != "html" {
			t.Errorf("letters %q, the reader is %s", got, s.status(t))
		}
		for _, path := range []string{"/subscribe?lang=//evil.example", "/lost?lang=https://evil.example"} {
			w := s.do("POST", path, s.stamped(time.Minute, "email", "a@example.org", "next", "https://evil.example", "language", "//evil.example").Encode())
			if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/") || strings.Contains(to, "evil") {
				t.Errorf("%s leads to %q (%d)", path, to, w.Code)
			}
		}
	})
}

// Every page forbids frames, scripts written into it and caches.
func TestFault_W6_HeadersOfEveryPage(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for _, path := range []string{"/subscribe", "/subscribe/sent", "/lost", "/lost/sent", s.application(t, "new@example.org"), "/o/none", "/n/none", "/api/subscriptions"} {
			w := s.do("GET", path, "")
			if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %v", path, h)
			}
			if path == "/api/subscriptions" {
				continue
			}
			csp := w.Header().Get("Content-Security-Policy")
			if !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
				t.Errorf("%s: %s", path, csp)
			}
			if page := w.Body.String(); regexp.MustCompile(`<script>|<script [^>]*>[^<]|\son\w+=|style=|javascript:`).MatchString(page) {
				t.Errorf("%s has script or style in it:\n%s", path, page)
			}
			if other := regexp.MustCompile(`(?:src|href)="(https?://[^"]+|//[^"]+)"`).FindAllString(w.Body.String(), -1); slices.ContainsFunc(other, func(s string) bool { return !strings.Contains(s, `"https://news.example/`) }) {
				t.Errorf("%s leads to %q", path, other)
			}
		}
	})
}

func FuzzToken(f *testing.F) {
	s := newSite(f, "")
	f.Add("/p/", s.keys.Token(subscribers.PurposePreferences, s.id, 0))
	f.Add("/u/", "AAAA")
	f.Fuzz(func(t *testing.T, path, token string) {
		if !slices.Contains([]string{"/c/", "/p/", "/u/", "/o/", "/n/"}, path) || token == s.keys.Token(subscribers.PurposePreferences, s.id, 0) || token == s.keys.Token(subscribers.PurposeUnsubscribe, s.id, 0) {
			return
		}
		r := httptest.NewRequest("POST", "/", nil)
		r.URL.Path = path + token
		w := httptest.NewRecorder()
		s.mux.ServeHTTP(w, r)
		if w.Code == http.StatusOK || w.Code >= 500 {
			t.Errorf("%s%q: %d", path, token, w.Code)
		}
	})
}
