package pages

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"apta/subscribers"
)

// letters are the addresses and kinds of all that waits to be sent.
func (s *site) letters(t *testing.T) (list []string) {
	t.Helper()
	for {
		l, found, err := s.store.NextLetter(context.Background(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			return list
		}
		list = append(list, l.To+" "+string(l.Kind))
	}
}

// stamped is a form that was shown so long ago.
func (s *site) stamped(ago time.Duration, pairs ...string) url.Values {
	form := url.Values{"stamp": {s.keys.Stamp(time.Now().Add(-ago))}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

// Every error stands beside its field and in the visitor's language, and what
// was typed is still there.
func TestFormErrors(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for typed, key := range map[string]string{
			"": "error_email_empty", "nobody": "error_email_at", "a b@example.org": "error_email_space", "a@example": "error_email_domain",
			"a@exa_mple..org": "error_email", "<a@example.org>": "error_email", "a@gmial.com": "error_email_meant", strings.Repeat("x", 70) + "@example.org": "error_email",
		} {
			for _, tag := range []string{"en", "ru", "kk"} {
				for _, path := range []string{"/subscribe", "/lost"} {
					w := s.do("POST", path+"?lang="+tag, s.stamped(time.Minute, "email", typed).Encode())
					page := w.Body.String()
					want := strings.NewReplacer("{address}", "a@gmail.com", "@", "@").Replace(s.words(t, tag, key))
					if w.Code != http.StatusUnprocessableEntity || !strings.Contains(page, `id="problem-email">`+want) || !strings.Contains(page, `value="`+strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(typed)+`"`) {
						t.Errorf("%s in %s, %q: %d\n%s", path, tag, typed, w.Code, page)
					}
				}
			}
		}
		// Who is sure of an address that looks mistyped says so by pressing once more.
		w := s.do("POST", "/subscribe", s.stamped(time.Minute, "email", "a@gmial.com", "sure", "a@gmial.com").Encode())
		if got := s.letters(t); w.Code != http.StatusSeeOther || !slices.Equal(got, []string{"a@gmial.com confirm"}) {
			t.Errorf("answer %d, letters %q", w.Code, got)
		}
	})
}

func (s *site) words(t *testing.T, tag, key string) string {
	t.Helper()
	word := s.pages.words[tag][key]
	if word == "" {
		t.Fatalf("%s has no %s", tag, key)
	}
	return word
}

// A form of another site subscribes nobody by itself: it opens ours, filled in.
func TestFormOfAnotherSite(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		snippet := url.Values{"email": {"a@example.org"}, "topic": {"Harbour"}, "language": {"ru"}}
		w := s.do("POST", "/subscribe", snippet.Encode(), "Origin", "https://blog.example", "Sec-Fetch-Site", "cross-site")
		page := w.Body.String()
		for _, want := range []string{"Всё верно?", `value="a@example.org"`, `value="Harbour" checked`, `value="ru" lang="ru" selected`} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %s", want)
			}
		}
		if strings.Contains(page, `value="Courts" checked`) || len(s.letters(t)) > 0 || w.Code != http.StatusOK {
			t.Errorf("answer %d\n%s", w.Code, page)
		}
		fetched := s.stamped(time.Minute, "email", "victim@example.org")
		if w := s.do("POST", "/subscribe", fetched.Encode(), "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusOK || len(s.letters(t)) > 0 {
			t.Errorf("a stamp in another site's form counts: %d", w.Code)
		}
		stamp := page[strings.Index(page, `name="stamp" value="`)+len(`name="stamp" value="`):]
		snippet.Set("stamp", stamp[:strings.IndexByte(stamp, '"')])
		if w := s.do("POST", "/subscribe", snippet.Encode()); !strings.Contains(w.Body.String(), s.words(t, "ru", "error_wait")) || len(s.letters(t)) > 0 {
			t.Errorf("pressed in no time: %d\n%s", w.Code, w.Body)
		}
	})
}

func TestMachinesAreKeptOut(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for name, form := range map[string]url.Values{
			"trap":         s.stamped(time.Minute, "email", "trap@example.org", "comment", "buy"),
			"at once":      s.stamped(0, "email", "quick@example.org"),
			"of last week": s.stamped(7*24*time.Hour, "email", "old@example.org"),
			"no stamp":     {"email": {"none@example.org"}},
			"false stamp":  {"email": {"false@example.org"}, "stamp": {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}},
			"of tomorrow":  s.stamped(-24*time.Hour, "email", "tomorrow@example.org"),
		} {
			w := s.do("POST", "/subscribe", form.Encode())
			if got := s.letters(t); len(got) > 0 {
				t.Errorf("%s: %d, and letters to %q", name, w.Code, got)
			}
			// A trapped one is answered like everybody.
			if (w.Code == http.StatusSeeOther) != (name == "trap") {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
	})
}

func TestProofOfWork(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.pages.options.ProofBits = 10
		form := s.stamped(5*time.Second, "email", "a@example.org")
		prove := func(email string) string {
			for n := 0; ; n++ {
				if sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", form.Get("stamp"), email, n)); sum[0] == 0 && sum[1] < 64 {
					return fmt.Sprint(n)
				}
			}
		}
		for _, step := range []struct {
			name, proof string
			sent        bool
		}{
			{"none", "", false}, {"of another address", prove("b@example.org"), false}, {"its own", prove("a@example.org"), true},
		} {
			form.Set("proof", step.proof)
			w := s.do("POST", "/subscribe", form.Encode())
			if got := len(s.letters(t)) > 0; got != step.sent {
				t.Errorf("%s: %d, sent %v", step.name, w.Code, got)
			}
		}
		patient := s.stamped(31*time.Second, "email", "c@example.org")
		if w := s.do("POST", "/subscribe", patient.Encode()); w.Code != http.StatusSeeOther || len(s.letters(t)) != 1 {
			t.Errorf("who has no script and waited: %d", w.Code)
		}
		if w := s.do("GET", "/subscribe", ""); !strings.Contains(w.Body.String(), `data-bits="10"`) || !strings.Contains(w.Body.String(), "<script src=\"/assets/proof.") {
			t.Error("the page does not ask for work")
		}
	})
}

// What is refused for its size or its bytes gets a page and changes nothing.
func TestFormsThatCannotBeRead(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		page := "/p/" + s.keys.Token(subscribers.PurposePreferences, s.id, 0)
		for name, body := range map[string]string{
			"10 MB": "email=" + strings.Repeat("x", 10<<20), "bad UTF-8": "email=a%ff@example.org&sure=yes", "NUL": "email=a%00@example.org&sure=yes", "bad escapes": "email=%zz&sure=yes",
			"bad UTF-8 in a name": "%ff=1&sure=yes",
		} {
			for _, path := range []string{"/subscribe", "/lost", page, page + "/pause", page + "/address", page + "/erase"} {
				if w := s.do("POST", path, body); w.Code != http.StatusBadRequest || !bytes.Contains(w.Body.Bytes(), []byte("This was not taken")) {
					t.Errorf("%s to %s: %d\n%s", name, path, w.Code, w.Body)
				}
			}
		}
		if got := s.status(t); got != subscribers.Active || len(s.letters(t)) > 0 {
			t.Errorf("the reader is %s", got)
		}
	})
}

func TestLanguageOfAVisitor(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for header, want := range map[string]string{
			"": "en", "ru": "ru", "kk-KZ,ru;q=0.8": "kk", "de,ru;q=0.5": "ru", "de": "en", "kk-Cyrl": "kk", "rubbish;;;": "en", strings.Repeat("ru,", 1000): "en", "be,uk": "en",
		} {
			page := s.do("GET", "/subscribe", "", "Accept-Language", header).Body.String()
			if !strings.Contains(page, `<html lang="`+want+`"`) {
				t.Errorf("%.30q: not in %s: %.60s", header, want, page)
			}
		}
		if page := s.do("GET", "/subscribe?lang=kk", "", "Accept-Language", "ru").Body.String(); !strings.Contains(page, `<html lang="kk"`) {
			t.Error("the language chosen on the page does not hold")
		}
	})
}
