package pages

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"apta/subscribers"
)

// A further newsletter has its forms below its path; links with a token have one
// address for all and show the newsletter whose reader it is.
func TestPagesOfTwoNewsletters(t *testing.T) {
	s, ctx := newSite(t, ""), context.Background()
	if err := s.store.For("weekly").Adopt(ctx); err != nil {
		t.Fatal(err)
	}
	s.mux = http.NewServeMux()
	now := time.Now()
	newPages := func(m Masthead) *Pages {
		m.Newsroom, m.BaseURL = "Orda", "https://news.example"
		p, err := New(s.store.For(m.Newsletter), s.keys, Options{Masthead: m, Now: func() time.Time { return now }}, slog.New(slog.NewTextHandler(io.Discard, nil)))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	newPages(Masthead{Newsletter: "weekly", Name: "The Week", Language: "en"}).Register(s.mux,
		newPages(Masthead{Newsletter: "russian", Name: "Неделя", Language: "ru", Path: "/russian", Front: "https://news.example/russian"}))

	for path, words := range map[string][]string{
		"/subscribe":         {"The Week", `action="/subscribe?lang=en"`, `href="/lost?lang=en"`, `href="https://news.example/"`},
		"/russian/subscribe": {"Неделя", `action="/russian/subscribe?lang=ru"`, `href="/russian/lost?lang=ru"`, `href="https://news.example/russian"`},
		"/russian/lost":      {"Неделя", `action="/russian/lost?lang=ru"`},
	} {
		w := s.do("GET", path, "")
		for _, want := range words {
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: %d, without %q:\n%s", path, w.Code, want, w.Body)
			}
		}
	}

	// The reader of the one asks for the other too.
	form := url.Values{"email": {"reader@example.org"}, "stamp": {s.keys.Stamp(now.Add(-time.Minute))}}
	if w := s.do("POST", "/russian/subscribe?lang=ru", form.Encode()); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/russian/subscribe/sent?lang=ru" {
		t.Fatalf("%d to %s\n%s", w.Code, w.Header().Get("Location"), w.Body)
	}
	l, found, err := s.store.For("russian").NextLetter(ctx, time.Minute)
	if err != nil || !found || l.Kind != subscribers.LetterConfirm {
		t.Fatalf("the letter is %+v (%v, %v)", l, found, err)
	}
	for _, method := range []string{"GET", "POST"} {
		if w := s.do(method, "/c/"+l.Token, ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Неделя") || strings.Contains(w.Body.String(), "The Week") {
			t.Errorf("%s: %d\n%s", method, w.Code, w.Body)
		}
	}
	sub, err := s.store.For("russian").ByEmail(ctx, "reader@example.org")
	if err != nil || sub.Status != subscribers.Active {
		t.Fatalf("they are %+v (%v)", sub, err)
	}
	for name, id := range map[string]subscribers.Subscriber{"The Week": {ID: s.id}, "Неделя": sub} {
		if w := s.do("GET", "/u/"+s.keys.Token(subscribers.PurposeUnsubscribe, id.ID, 0), ""); !strings.Contains(w.Body.String(), name) {
			t.Errorf("%s: %d\n%s", name, w.Code, w.Body)
		}
	}
	s.do("POST", "/u/"+s.keys.Token(subscribers.PurposeUnsubscribe, sub.ID, 0), "List-Unsubscribe=One-Click")
	if got := s.status(t); got != subscribers.Active {
		t.Errorf("who left the one is %s in the other", got)
	}
	if w := s.do("GET", "/u/nonsense", ""); w.Code != http.StatusNotFound {
		t.Errorf("a link of nobody: %d", w.Code)
	}
}
