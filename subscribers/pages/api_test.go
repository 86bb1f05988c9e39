package pages

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Every refusal has a code for the program and a sentence for its user, in the
// language of the request: that of the field language, else of Accept-Language.
func TestAPI(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		type fault struct{ Field, Code, Detail, Meant string }
		for _, c := range []struct {
			body               string
			status             int
			field, code, words string
		}{
			{`{"email": "a@example.org", "language": "ru", "topics": ["Harbour"], "format": "text", "every_weeks": 2}`, 202, "", "", ""},
			{`{"email": ""}`, 422, "email", "empty", "error_email_empty"},
			{`{"email": "nobody"}`, 422, "email", "no_at", "error_email_at"},
			{`{"email": "a b@example.org"}`, 422, "email", "space", "error_email_space"},
			{`{"email": "a@example"}`, 422, "email", "domain", "error_email_domain"},
			{`{"email": "a@gmail"}`, 422, "email", "mistyped", "error_email_typed"},
			{`{"email": "b@example.org", "language": "ruru1ru"}`, 422, "language", "invalid", "error_language"},
			{`{"email": "b@example.org", "format": "pdf"}`, 422, "format", "invalid", "error_format"},
			{`{"email": "b@example.org", "every_weeks": 99}`, 422, "every_weeks", "invalid", "error_every_weeks"},
			{`{"email": "b@example.org", "name": "a\nb"}`, 422, "name", "invalid", "error_name"},
			{`{"email": "b@example.org", "topics": [""]}`, 422, "topics", "invalid", "error_choice"},
			{`{"email": "b@example.org", "age": 3}`, 400, "age", "json", "error_json"},
			{`{"email": 7}`, 400, "email", "json", "error_json"},
			{`[]`, 400, "body", "json", "error_json"},
			{`{"email": "b@example.org"} {}`, 400, "body", "json", "error_json"},
			{"{\"email\": \"b\xff@example.org\"}", 422, "body", "not_utf8", "refused_text"},
			{`{"email": "b\u0000@example.org"}`, 422, "body", "not_utf8", "refused_text"},
			{`{"email": "` + strings.Repeat("x", 10<<20) + `"}`, 413, "body", "too_large", "refused_text"},
		} {
			for _, tag := range []string{"ru", "kk"} {
				w := s.do("POST", "/api/subscriptions", c.body, "Content-Type", "application/json", "Accept-Language", tag)
				var said struct {
					Status int
					Errors []fault
				}
				if err := json.Unmarshal(w.Body.Bytes(), &said); c.status != 202 && (err != nil || len(said.Errors) != 1 || said.Status != c.status || w.Header().Get("Content-Language") != tag) {
					t.Errorf("%.80q: %v, %s in %s", c.body, err, w.Body, w.Header().Get("Content-Language"))
					continue
				}
				if w.Code != c.status {
					t.Errorf("%.80q: answer %d\n%s", c.body, w.Code, w.Body)
				}
				if c.status == 202 {
					break // a second would be one too many
				}
				want := strings.ReplaceAll(s.words(t, tag, c.words), "{address}", "a@gmail.com")
				if got := said.Errors[0]; got.Field != c.field || got.Code != c.code || got.Detail != want || (got.Meant != "") != (c.code == "mistyped") {
					t.Errorf("%.80q in %s: %+v, want %q", c.body, tag, got, want)
				}
			}
		}
		if w := s.do("POST", "/api/subscriptions", `{"email": "nobody", "language": "kk"}`, "Content-Type", "application/json", "Accept-Language", "ru"); !strings.Contains(w.Body.String(), s.words(t, "kk", "error_email_at")) {
			t.Errorf("the field language does not count: %s", w.Body)
		}
		if got := s.letters(t); !slices.Equal(got, []string{"a@example.org confirm"}) {
			t.Errorf("letters %q", got)
		}
		if w := s.do("POST", "/api/subscriptions", `{"email": "b@example.org"}`, "Content-Type", "text/plain"); w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("a media type that any site's form can send: %d", w.Code)
		}
		for range 3 {
			s.do("POST", "/api/subscriptions", `{"email": "c@example.org"}`, "Content-Type", "application/json")
		}
		if w := s.do("POST", "/api/subscriptions", `{"email": "c@example.org"}`, "Content-Type", "application/json"); w.Code != 429 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"code":"limit_address"`) {
			t.Errorf("one too many: %d %s", w.Code, w.Body)
		}
	})
}
