package pages

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
)

func (s *site) reader(t *testing.T) subscribers.Subscriber {
	t.Helper()
	sub, err := s.store.ByID(context.Background(), s.id)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func TestPreferences(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		page := "/p/" + s.keys.Token(subscribers.PurposePreferences, s.id, 0)
		all := url.Values{"topic": {"Courts", "Harbour"}, "language": {"ru"}, "format": {"text"}, "every": {"3"}}
		with := func(key string, values ...string) string {
			form := url.Values{}
			for k, v := range all {
				form[k] = v
			}
			if form[key] = values; values == nil {
				form.Del(key)
			}
			return form.Encode()
		}
		if w := s.do("POST", page, all.Encode()); w.Code != http.StatusSeeOther || w.Header().Get("Location") != page+"?done=saved" {
			t.Fatalf("answer %d to %s\n%s", w.Code, w.Header().Get("Location"), w.Body)
		}
		if sub := s.reader(t); sub.Language != "ru" || sub.Format != "text" || sub.Every != 3 || len(sub.Topics) != 0 {
			t.Errorf("stored is %+v; all topics are no choice", sub)
		}
		s.do("POST", page, with("topic", "Harbour"))
		if sub := s.reader(t); !slices.Equal(sub.Topics, []string{"Harbour"}) {
			t.Errorf("stored are the topics %q", sub.Topics)
		}
		for name, step := range map[string][2]string{
			"no topic": {with("topic"), "error_topics"}, "foreign topic": {with("topic", "Nonesuch"), "error_choice"}, "language": {with("language", "xx"), "error_choice"},
			"format": {with("format", "pdf"), "error_choice"}, "every": {with("every", "x"), "error_choice"}, "every 999": {with("every", "999"), "error_choice"},
		} {
			if w := s.do("POST", page, step[0]); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), s.words(t, "ru", step[1])) {
				t.Errorf("%s: %d\n%s", name, w.Code, w.Body)
			}
		}
		if sub := s.reader(t); sub.Language != "ru" || sub.Format != "text" || sub.Every != 3 || !slices.Equal(sub.Topics, []string{"Harbour"}) {
			t.Errorf("what was refused was stored: %+v", sub)
		}
	})
}

func TestPauseUntilADay(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		page := "/p/" + s.keys.Token(subscribers.PurposePreferences, s.id, 0) + "/pause"
		for _, until := range []string{"", "2001-01-01", "9999-01-01", "tomorrow", time.Now().UTC().Format(time.DateOnly)} {
			if w := s.do("POST", page, "until="+until); w.Code != http.StatusUnprocessableEntity || s.status(t) != subscribers.Active {
				t.Errorf("%q: %d", until, w.Code)
			}
		}
		day := time.Now().UTC().AddDate(0, 0, 30).Truncate(24 * time.Hour)
		if w := s.do("POST", page, "until="+day.Format(time.DateOnly)); w.Code != http.StatusSeeOther {
			t.Errorf("answer %d", w.Code)
		}
		if sub := s.reader(t); sub.Status != subscribers.Paused || !sub.PausedUntil.Equal(day) {
			t.Errorf("stored is %+v", sub)
		}
		s.do("POST", page, "resume=yes")
		if got := s.status(t); got != subscribers.Active {
			t.Errorf("the reader is %s", got)
		}
		// Instead of leaving.
		s.do("POST", s.link(subscribers.PurposeUnsubscribe), "page=pause&weeks=8")
		if sub := s.reader(t); sub.Status != subscribers.Paused || time.Until(sub.PausedUntil) > 56*24*time.Hour || time.Until(sub.PausedUntil) < 54*24*time.Hour {
			t.Errorf("stored is %+v", sub)
		}
	})
}

func TestDownloadAndErasure(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		page := "/p/" + s.keys.Token(subscribers.PurposePreferences, s.id, 0)
		if w := s.do("GET", page+"/data", ""); w.Code == http.StatusOK {
			t.Error("looking downloads")
		}
		s.pages.options.Received = func(_ context.Context, id database.ID) (any, error) { return []database.ID{id}, nil }
		w := s.do("POST", page+"/data", "")
		var dossier struct {
			subscribers.Dossier
			Received []database.ID
		}
		if err := json.Unmarshal(w.Body.Bytes(), &dossier); err != nil || dossier.Subscriber.Email != "reader@example.org" || !slices.Equal(dossier.Received, []database.ID{s.id}) || !strings.Contains(w.Header().Get("Content-Disposition"), "attachment") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%v, %+v, %v", err, dossier, w.Header())
		}
		if w := s.do("POST", page+"/erase", ""); w.Code != http.StatusUnprocessableEntity || s.status(t) != subscribers.Active {
			t.Errorf("erased without being sure: %d", w.Code)
		}
		if w := s.do("POST", page+"/erase", "sure=yes"); w.Code != http.StatusOK || s.status(t) != subscribers.Erased {
			t.Errorf("answer %d, the reader is %s", w.Code, s.status(t))
		}
		for _, path := range []string{page, page + "/pause", page + "/address", page + "/data", page + "/erase"} {
			if w := s.do("POST", path, "sure=yes"); w.Code != http.StatusGone || !strings.Contains(w.Body.String(), "This link is too old") {
				t.Errorf("%s afterwards: %d", path, w.Code)
			}
		}
	})
}

func TestChangeOfAddress(t *testing.T) {
	s := newSite(t, "ru")
	page := "/p/" + s.keys.Token(subscribers.PurposePreferences, s.id, 0) + "/address"
	if w := s.do("POST", page, "email=nobody"); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), s.words(t, "ru", "error_email_at")) {
		t.Errorf("answer %d\n%s", w.Code, w.Body)
	}
	if w := s.do("POST", page, "email=new%40example.org"); w.Code != http.StatusSeeOther {
		t.Fatalf("answer %d\n%s", w.Code, w.Body)
	}
	links := map[subscribers.Kind]string{}
	for {
		l, found, err := s.store.NextLetter(context.Background(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			break
		}
		links[l.Kind] = map[subscribers.Kind]string{subscribers.LetterChangeOld: "/o/", subscribers.LetterChangeNew: "/n/"}[l.Kind] + l.Token
	}
	for i, step := range []struct{ method, path, key, email string }{
		{"GET", links[subscribers.LetterChangeNew], "change_button", "reader@example.org"},
		{"POST", links[subscribers.LetterChangeNew], "changed_half_title", "reader@example.org"},
		{"GET", links[subscribers.LetterChangeNew], "changed_half_title", "reader@example.org"},
		{"GET", links[subscribers.LetterChangeOld], "change_button", "reader@example.org"},
		{"POST", links[subscribers.LetterChangeOld], "changed_title", "new@example.org"},
		{"POST", links[subscribers.LetterChangeOld], "", "new@example.org"},
	} {
		w := s.do(step.method, step.path, "")
		if step.key == "" {
			if w.Code != http.StatusGone {
				t.Errorf("step %d: %d", i, w.Code)
			}
		} else if !strings.Contains(w.Body.String(), s.words(t, "ru", step.key)) {
			t.Errorf("step %d: %d\n%s", i, w.Code, w.Body)
		}
		if got := s.reader(t).Email; got != step.email {
			t.Errorf("step %d: the address is %s", i, got)
		}
	}
}
