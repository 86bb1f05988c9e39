package desk

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"apta/subscribers/database"
)

func TestFirstOwner(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		one, err := h.Editors.FirstLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		two, err := h.Editors.FirstLink(t.Context()) // another process starts
		if err != nil {
			t.Fatal(err)
		}
		b := h.browser(t)
		b.get("/desk/").to(t, "/desk/signin?next=%2Fdesk%2F")
		b.get("/desk/first/"+one).want(t, 200, "first owner", `autocomplete="new-password"`)
		b.get("/desk/first/"+one+"x").want(t, http.StatusGone)
		b.post("/desk/first/"+one, "name", "Aigerim", "email", "nonsense", "password", "short").want(t, 422, "fewer than 10 characters", `id="problem-email"`)
		b.post("/desk/first/"+one, "name", "Aigerim", "email", "Aigerim@Quaypost.example", "password", phrase).to(t, "/desk/")
		b.get("/desk/").want(t, 200, "Aigerim", "aigerim@quaypost.example · owner")
		// Nobody comes in by either link any more, and no further one is made.
		for _, link := range []string{one, two} {
			h.browser(t).post("/desk/first/"+link, "name", "Mallory", "email", "mallory@example.org", "password", phrase).want(t, http.StatusGone)
		}
		if again, err := h.Editors.FirstLink(t.Context()); again != "" || err != nil {
			t.Errorf("another link was made: %q %v", again, err)
		}
		if !h.did(t, "editor.first", "aigerim@quaypost.example") {
			t.Error("the audit log does not say who the first owner is")
		}
	})
}

// Two who use the link at once do not both become owners.
func TestFirstOwnerIsOne(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		link, err := h.Editors.FirstLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var in sync.Map
		var wait sync.WaitGroup
		for _, name := range []string{"a", "b", "c"} {
			wait.Go(func() {
				_, err := h.Editors.MakeFirst(t.Context(), link, Editor{Name: name, Email: name + "@quaypost.example"}, phrase, "", "")
				if err == nil {
					in.Store(name, true)
				} else if !errors.Is(err, ErrLink) {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		n := 0
		in.Range(func(any, any) bool { n++; return true })
		list, err := h.Editors.List(t.Context())
		if n != 1 || len(list) != 1 || err != nil {
			t.Errorf("%d came in, %d owners, %v", n, len(list), err)
		}
	})
}

func TestFirstLinkExpires(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		link, err := h.Editors.FirstLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h.pass(firstLife)
		h.browser(t).post("/desk/first/"+link, "name", "Late", "email", "late@example.org", "password", phrase).want(t, http.StatusGone)
	})
}

// A session that a browser was given before signing in is good for nothing after it.
func TestFault_W7_Fixation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, e := h.editor(t, "Aigerim", Owner)
		victim, u := h.browser(t), mustURL(t, h.server.URL)
		victim.http.Jar.SetCookies(u, []*http.Cookie{{Name: "apta-desk", Value: "set-by-somebody-else", Path: "/"}})
		victim.post("/desk/signin", "email", e.Email, "password", phrase).to(t, "/desk/")
		var got string
		for _, c := range victim.http.Jar.Cookies(u) {
			if c.Name == "apta-desk" {
				got = c.Value
			}
		}
		if got == "" || got == "set-by-somebody-else" {
			t.Fatalf("the session after signing in is %q", got)
		}
		mallory := h.browser(t)
		mallory.http.Jar.SetCookies(u, []*http.Cookie{{Name: "apta-desk", Value: "set-by-somebody-else", Path: "/"}})
		mallory.get("/desk/").want(t, http.StatusSeeOther)
		var stored int
		if err := h.db.QueryRow(t.Context(), `SELECT count(*) FROM editor_sessions WHERE hash = $1`, []byte(got)).Scan(&stored); err != nil || stored != 0 {
			t.Errorf("the database has the secret itself (%d, %v)", stored, err)
		}
	})
}

// Guessing passwords stops, is written down, and locks nobody else out.
func TestFault_W7_BruteForce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, e := h.editor(t, "Aigerim", Owner)
		mallory := h.browser(t)
		for n := range triesTogether {
			status := http.StatusUnprocessableEntity
			if n == triesTogether-1 { // the editor's own try counts: it came from here
				status = http.StatusTooManyRequests
			}
			mallory.post("/desk/signin", "email", e.Email, "password", "guess number one").want(t, status)
		}
		mallory.post("/desk/signin", "email", e.Email, "password", phrase).want(t, http.StatusTooManyRequests)
		if !h.did(t, "signin.refused", e.Email) || !h.did(t, "signin.stopped", e.Email) {
			t.Error("the audit log has nothing of it")
		}
		if _, err := h.Editors.SignIn(t.Context(), e.Email, phrase, "", "192.0.2.7"); err != nil {
			t.Errorf("from another network: %v", err)
		}
		h.pass(limitWindow)
		mallory.post("/desk/signin", "email", e.Email, "password", phrase).to(t, "/desk/")
	})
}

// An address that is known and one that is not get the same answer.
func TestFault_W7_WhoIsAnEditor(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, e := h.editor(t, "Aigerim", Owner)
		b := h.browser(t)
		known := b.post("/desk/signin", "email", e.Email, "password", "guess number one").want(t, 422)
		unknown := b.post("/desk/signin", "email", "nobodys@quaypost.example", "password", "guess number one").want(t, 422)
		if strings.ReplaceAll(known.body, e.Email, "") != strings.ReplaceAll(unknown.body, "nobodys@quaypost.example", "") {
			t.Error("the answers differ")
		}
	})
}

// What a role does not include is refused and written down, a change of role
// holds at once, and the last owner stays.
func TestFault_W7_Escalation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.mux.Handle("POST /desk/test/send", h.Require(Publisher, func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusAccepted); return nil }))
		_, owner := h.editor(t, "Aigerim", Owner)
		b, e := h.editor(t, "Berik", Writer)
		b.post("/desk/test/send", "role", "owner").want(t, http.StatusForbidden, "Publishers approve and send")
		if !h.did(t, "refused", "POST /desk/test/send") {
			t.Error("the audit log has nothing of it")
		}
		if err := h.Editors.SetRole(t.Context(), owner, e.ID, Publisher); err != nil {
			t.Fatal(err)
		}
		b.post("/desk/test/send").want(t, http.StatusAccepted)
		if err := h.Editors.SetRole(t.Context(), owner, e.ID, Writer); err != nil {
			t.Fatal(err)
		}
		b.post("/desk/test/send").want(t, http.StatusForbidden)
		h.browser(t).post("/desk/test/send").want(t, http.StatusUnauthorized)
		if err := h.Editors.SetRole(t.Context(), owner, owner.ID, Writer); !errors.Is(err, ErrLastOwner) {
			t.Errorf("the last owner became an editor: %v", err)
		}
		if err := h.Editors.Remove(t.Context(), owner, owner.ID); !errors.Is(err, ErrLastOwner) {
			t.Errorf("the last owner was removed: %v", err)
		}
		if err := h.Editors.Remove(t.Context(), owner, e.ID); err != nil {
			t.Fatal(err)
		}
		b.get("/desk/").want(t, http.StatusSeeOther)
	})
}

func TestSessionsEnd(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b, e := h.editor(t, "Aigerim", Owner)
		other := h.browser(t)
		other.post("/desk/signin", "email", e.Email, "password", phrase).to(t, "/desk/")
		list, err := h.Editors.Sessions(t.Context(), e.ID)
		if len(list) != 2 || err != nil {
			t.Fatalf("%d sessions, %v", len(list), err)
		}
		b.post("/desk/signout").to(t, "/desk/signin")
		b.get("/desk/").want(t, http.StatusSeeOther)
		other.get("/desk/").want(t, 200)
		for range 3 { // use keeps it
			h.pass(sessionIdle - time.Hour)
			other.get("/desk/").want(t, 200)
		}
		if err := h.Editors.SetPassword(t.Context(), e, "another four words", 0); err != nil {
			t.Fatal(err)
		}
		other.get("/desk/").want(t, http.StatusSeeOther)
		other.post("/desk/signin", "email", e.Email, "password", "another four words").to(t, "/desk/")
		h.pass(sessionIdle)
		other.get("/desk/").want(t, http.StatusSeeOther)
		if err := h.Editors.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		var left int
		if err := h.db.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM editor_sessions) + (SELECT count(*) FROM editor_limits)`).Scan(&left); left != 0 || err != nil {
			t.Errorf("%d rows are left, %v", left, err)
		}
	})
}

// Other sites can neither post, nor frame, nor cache, nor send people on.
func TestFault_W6_OtherSites(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b, e := h.editor(t, "Aigerim", Owner)
		b.sent.Set("Sec-Fetch-Site", "cross-site")
		b.post("/desk/signout").want(t, http.StatusForbidden, "came from another site")
		b.sent.Del("Sec-Fetch-Site")
		page := b.get("/desk/").want(t, 200)
		for name, part := range map[string]string{"Content-Security-Policy": "frame-ancestors 'none'", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
			if !strings.Contains(page.header.Get(name), part) {
				t.Errorf("%s is %q", name, page.header.Get(name))
			}
		}
		if strings.Contains(page.header.Get("Content-Security-Policy"), "unsafe") {
			t.Error("the policy has something unsafe")
		}
		for _, next := range []string{"https://evil.example/desk/", "//evil.example/desk/", "/desk/../..//evil.example", "/\\evil.example", "/desk/\\evil", "javascript:alert(1)", "/subscribe", "", "/desk//evil.example"} {
			h.browser(t).post("/desk/signin", "email", e.Email, "password", phrase, "next", next).to(t, "/desk/")
			h.pass(limitWindow)
		}
		h.browser(t).post("/desk/signin", "email", e.Email, "password", phrase, "next", "/desk/issues/x?a=b").to(t, "/desk/issues/x?a=b")
	})
}

func TestCookiesBehindHTTPS(t *testing.T) {
	d, w := &Desk{secure: true}, &recorder{header: http.Header{}}
	d.setSession(w, "secret")
	if got := w.header.Get("Set-Cookie"); !strings.HasPrefix(got, "__Host-apta-desk=secret; Path=/; ") || !strings.HasSuffix(got, "HttpOnly; Secure; SameSite=Lax") {
		t.Error(got)
	}
}

type recorder struct {
	http.ResponseWriter
	header http.Header
}

func (r *recorder) Header() http.Header { return r.header }

func TestRead(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b, _ := h.editor(t, "Aigerim", Writer)
		b.get("/desk/").want(t, 200, "No issue has been assembled yet")
		i := h.issue(t, "2026-W24")
		b.get("/desk/").want(t, 200, "Harbour and More", "Draft", "/desk/issues/"+i.ID.String())
		b.get("/desk/issues/"+i.ID.String()).want(t, 200, ">harbour</a> opened.")
		b.get("/desk/issues/"+database.ID(7).String()).want(t, 404, "There is nothing here")
		b.get("/desk/nonesuch").want(t, 404)
		b.sent.Set("Accept-Language", "kk-KZ, ru;q=0.8")
		b.get("/desk/").want(t, 200, "Шығарылымдар", `lang="kk"`)
	})
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
