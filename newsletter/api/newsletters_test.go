package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"apta/newsletter"
	"apta/subscribers"
	"apta/subscribers/database"
)

// A program names the newsletter that it means, and of a week in several
// languages the language; a reader's ID is good in their own newsletter only.
func TestProgramsNameTheNewsletterAndTheLanguage(t *testing.T) {
	once(t, func(t *testing.T, db *database.DB) {
		ctx, h := context.Background(), newHouse(t, db, nil)
		h.Language = "en"
		o := h.Options
		o.Newsletter, o.Readers = "russian", h.subs.For("russian")
		mux := http.NewServeMux()
		h.Register(mux, New(o))
		for language, title := range map[string]string{"en": "Harbour", "ru": "Порт"} {
			_, err := h.Store.SaveIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: "2024-W42", Language: language, Title: title})
			h.must(err)
		}
		_, err := h.Store.SaveIssue(ctx, newsletter.Issue{Newsletter: "russian", Week: "2024-W42", Language: "ru", Title: "Неделя"})
		h.must(err)
		_, err = o.Readers.Add(ctx, subscribers.Subscriber{Email: "a@example.org"}, "test")
		h.must(err)
		reader, err := o.Readers.ByEmail(ctx, "a@example.org")
		h.must(err)
		for path, want := range map[string]string{
			"/api/issues/2024-W42":                                       "Harbour",
			"/api/issues/2024-W42?language=ru":                           "Порт",
			"/api/issues/2024-W42?newsletter=russian":                    "Неделя",
			"/api/issues/2024-W42?language=kk":                           "404",
			"/api/issues/2024-W42?newsletter=french":                     "404",
			"/api/readers/" + reader.ID.String() + "?newsletter=russian": "a@example.org",
			"/api/readers/" + reader.ID.String():                         "404",
		} {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("Authorization", "Bearer "+h.secret)
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if want == "404" && w.Code != http.StatusNotFound || want != "404" && (w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want)) {
				t.Errorf("%s: %d %s, not %s", path, w.Code, w.Body, want)
			}
		}
	})
}
