package pages

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// site is the pages with one reader.
type site struct {
	mux   *http.ServeMux
	db    *database.DB
	store *subscribers.Store
	keys  *subscribers.Keys
	pages *Pages
	id    database.ID
}

func TestMain(m *testing.M) { databasetest.Run(m) }

// each runs a test on both databases, with a reader who has chosen no language.
func each(t *testing.T, test func(t *testing.T, s *site)) {
	databasetest.Each(t, []database.Schema{subscribers.Schema()}, func(t *testing.T, db *database.DB) { test(t, siteOver(t, db, "")) })
}

// newSite is a site for what has nothing to do with where it is kept.
func newSite(t testing.TB, language string) *site {
	t.Helper()
	db, err := database.Open(context.Background(), filepath.Join(t.TempDir(), "apta.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(context.Background(), subscribers.Schema()); err != nil {
		t.Fatal(err)
	}
	return siteOver(t, db, language)
}

func siteOver(t testing.TB, db *database.DB, language string) *site {
	t.Helper()
	ctx := context.Background()
	var err error
	s := &site{mux: http.NewServeMux(), db: db}
	if s.keys, err = subscribers.NewKeys([]byte(strings.Repeat("k", 32))); err != nil {
		t.Fatal(err)
	}
	s.store = subscribers.NewStore(db, database.NewIDs(nil, nil), s.keys, time.Now)
	if _, err := s.store.Add(ctx, subscribers.Subscriber{Email: "reader@example.org", Language: language}, "test"); err != nil {
		t.Fatal(err)
	}
	s.store.Each(ctx, func(sub subscribers.Subscriber) error { s.id = sub.ID; return nil })
	topics := func(context.Context) ([]string, error) { return []string{"Courts", "Harbour"}, nil }
	p, err := New(s.store, s.keys, Options{Topics: topics, Masthead: Masthead{Name: "Week in Review", Newsroom: "Orda", BaseURL: "https://news.example", Language: "en"}}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.pages = p
	p.Register(s.mux)
	s.mux.Handle("/api/subscriptions", p.Subscriptions())
	return s
}

func (s *site) link(p subscribers.Purpose) string { return "/u/" + s.keys.Token(p, s.id, 0) }

func (s *site) do(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return w
}

func (s *site) status(t *testing.T) subscribers.Status {
	t.Helper()
	sub, err := s.store.ByID(context.Background(), s.id)
	if errors.Is(err, subscribers.ErrNotFound) {
		return subscribers.Erased
	}
	if err != nil {
		t.Fatal(err)
	}
	return sub.Status
}

// Whatever a scanner fetches, nobody is unsubscribed by it.
func TestFault_W1_LookingChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
			for _, path := range []string{s.link(subscribers.PurposeUnsubscribe), "/p/" + s.keys.Token(subscribers.PurposePreferences, s.id, 0)} {
				s.do(method, path, "")
			}
		}
		if got := s.status(t); got != subscribers.Active {
			t.Errorf("the reader is %s", got)
		}
	})
}

// RFC 8058: no cookie, no referer, another origin, twice, the answer 200 and no redirect.
func TestFault_W2_OneClick(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for range 2 {
			w := s.do("POST", s.link(subscribers.PurposeUnsubscribe), "List-Unsubscribe=One-Click", "Origin", "https://mail.provider.example", "Sec-Fetch-Site", "cross-site")
			if w.Code != http.StatusOK || len(w.Result().Cookies()) != 0 {
				t.Errorf("answer %d, cookies %v", w.Code, w.Result().Cookies())
			}
			if got := s.status(t); got != subscribers.Unsubscribed {
				t.Errorf("the reader is %s", got)
			}
		}
		w := s.do("POST", s.link(subscribers.PurposeUnsubscribe), "")
		if w.Code != http.StatusOK {
			t.Errorf("without a body: %d", w.Code)
		}
	})
}

func TestButtonAndWayBack(t *testing.T) {
	for language, words := range map[string][3]string{
		"en": {"Leave Week in Review?", "You have left", "Welcome back"}, "ru": {"Отписаться от", "Вы отписались", "Снова с вами"}, "kk-KZ": {"бас тартасыз ба", "бас тарттыңыз", "қош келдіңіз"},
	} {
		s := newSite(t, language)
		link := s.link(subscribers.PurposeUnsubscribe)
		for i, step := range []struct {
			method, body string
			status       subscribers.Status
		}{
			{"GET", "", subscribers.Active}, {"POST", "page=leave", subscribers.Unsubscribed}, {"POST", "page=stay", subscribers.Active},
		} {
			w := s.do(step.method, link, step.body)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), words[i]) || s.status(t) != step.status {
				t.Errorf("%s, step %d: %d, the reader is %s, the page says\n%s", language, i, w.Code, s.status(t), w.Body)
			}
		}
		s.do("POST", link, "page=leave")
		if w := s.do("GET", link, ""); !strings.Contains(w.Body.String(), words[1]) {
			t.Errorf("%s: who has left is asked again", language)
		}
	}
}

func TestFault_W5_LinksThatAreNotValid(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		foreign, _ := subscribers.NewKeys([]byte(strings.Repeat("x", 32)))
		for name, token := range map[string]string{
			"preferences": s.keys.Token(subscribers.PurposePreferences, s.id, 0), "nobody": foreign.Token(subscribers.PurposeUnsubscribe, 1, 0), "revoked": s.keys.Token(subscribers.PurposeUnsubscribe, s.id, 7),
			"foreign": foreign.Token(subscribers.PurposeUnsubscribe, s.id, 0), "cut": s.keys.Token(subscribers.PurposeUnsubscribe, s.id, 0)[:20], "rubbish": url.PathEscape("../../etc/passwd\x00"),
			"line ends": strings.Repeat("A", 16) + strings.Repeat("%0A", 16),
		} {
			for _, method := range []string{"GET", "POST"} {
				w := s.do(method, "/u/"+token, "")
				if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "This link does not work") {
					t.Errorf("%s %s: %d", method, name, w.Code)
				}
			}
		}
		if got := s.status(t); got != subscribers.Active {
			t.Errorf("the reader is %s", got)
		}
	})
}

func TestFault_W6_HeadersOfPersonalPages(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for _, path := range []string{s.link(subscribers.PurposeUnsubscribe), "/p/" + s.keys.Token(subscribers.PurposePreferences, s.id, 0), "/u/none"} {
			h := s.do("GET", path, "").Header()
			for key, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex", "Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff"} {
				if !strings.Contains(h.Get(key), want) {
					t.Errorf("%s: %s is %q", path, key, h.Get(key))
				}
			}
		}
		if w := s.do("GET", "/p/"+s.keys.Token(subscribers.PurposePreferences, s.id, 0), ""); strings.Contains(w.Body.String(), "reader@example.org") {
			t.Error("the preferences page shows the address")
		}
		if w := s.do("POST", s.link(subscribers.PurposeUnsubscribe), "page="+strings.Repeat("x", 1<<20)); w.Code != http.StatusOK || s.status(t) != subscribers.Unsubscribed {
			t.Errorf("a huge form: %d", w.Code)
		}
	})
}

// RFC 8058, 3.2: the body may come as multipart/form-data too.
func TestFault_W2_OneClickAsMultipart(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		body := "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n"
		w := s.do("POST", s.link(subscribers.PurposeUnsubscribe), body, "Content-Type", "multipart/form-data; boundary=x")
		if got := s.status(t); w.Code != http.StatusOK || got != subscribers.Unsubscribed {
			t.Errorf("answer %d, the reader is %s", w.Code, got)
		}
		if what := s.lastConsent(t); what != "unsubscribed by one-click from 192.0.2.0/24: List-Unsubscribe=One-Click" {
			t.Errorf("the log says %q", what)
		}
	})
}

// lastConsent is the newest entry of the consent log, in words.
func (s *site) lastConsent(t *testing.T) string {
	t.Helper()
	var what, source, network, wording string
	err := s.db.QueryRow(context.Background(), `
SELECT what, source, network, words FROM consents c JOIN wordings w ON w.version = c.wording JOIN consent_networks n ON n.consent_id = c.id ORDER BY c.id DESC LIMIT 1`).Scan(&what, &source, &network, &wording)
	if err != nil {
		t.Fatal(err)
	}
	return what + " by " + source + " from " + network + ": " + wording
}

func TestButtonsAreWrittenDownAsTheyRead(t *testing.T) {
	s := newSite(t, "ru")
	link := s.link(subscribers.PurposeUnsubscribe)
	for _, body := range []string{"page=leave", "page=stay"} {
		page := s.do("GET", link, "").Body.String()
		s.do("POST", link, body)
		what := s.lastConsent(t)
		_, wording, _ := strings.Cut(what, ": ")
		if !strings.Contains(what, "by unsubscribe page from 192.0.2.0/24") || wording == "" || !strings.Contains(page, wording) {
			t.Errorf("%s: the log says %q, the page was\n%s", body, what, page)
		}
	}
}

// Who called a mail spam has left; who is erased has too, and cannot come back.
func TestOtherStatuses(t *testing.T) {
	for status, want := range map[subscribers.Status]struct {
		get, post int
		words     string
		after     subscribers.Status
	}{
		subscribers.Complained: {200, 200, "You have left", subscribers.Complained},
		subscribers.Bounced:    {200, 200, "Leave Week in Review?", subscribers.Unsubscribed},
		subscribers.Paused:     {200, 200, "Leave Week in Review?", subscribers.Unsubscribed},
		subscribers.Erased:     {200, 200, "You have left", subscribers.Erased},
	} {
		s := newSite(t, "")
		if status == subscribers.Erased {
			if err := s.store.Erase(context.Background(), s.id, "test"); err != nil {
				t.Fatal(err)
			}
		} else if _, err := s.store.SetStatus(context.Background(), s.id, status, subscribers.Consent{Source: "test"}); err != nil {
			t.Fatal(err)
		}
		link := s.link(subscribers.PurposeUnsubscribe)
		if w := s.do("GET", link, ""); w.Code != want.get || !strings.Contains(w.Body.String(), want.words) {
			t.Errorf("%s: GET answers %d\n%s", status, w.Code, w.Body)
		}
		if w := s.do("POST", link, "List-Unsubscribe=One-Click"); w.Code != want.post || s.status(t) != want.after {
			t.Errorf("%s: POST answers %d, the reader is %s", status, w.Code, s.status(t))
		}
		if status != subscribers.Erased {
			continue
		}
		if w := s.do("POST", link, "page=stay"); !strings.Contains(w.Body.String(), "You have left") || strings.Contains(w.Body.String(), "<form") || s.status(t) != status {
			t.Errorf("who is erased comes back:\n%s", w.Body)
		}
		if w := s.do("GET", "/p/"+s.keys.Token(subscribers.PurposePreferences, s.id, 0), ""); w.Code != http.StatusGone {
			t.Errorf("who is erased has preferences: %d", w.Code)
		}
	}
}
