package desk

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"apta/newsletter/notice"
)

// mailed gives the link of the next notice that waits, and its address.
func (h *house) mailed(t *testing.T) (n notice.Notice, path string) {
	t.Helper()
	n, found, err := h.Notices.Next(context.Background(), "weekly", time.Hour)
	if err != nil || !found {
		t.Fatalf("no mail waits (%v)", err)
	}
	return n, strings.TrimPrefix(n.Link, h.server.URL)
}

func (h *house) noMail(t *testing.T) {
	t.Helper()
	if n, found, err := h.Notices.Next(context.Background(), "weekly", time.Hour); found || err != nil {
		t.Fatalf("a mail waits: %+v (%v)", n, err)
	}
}

func TestSignInByMail(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, e := h.editor(t, "Aigerim", Owner)
		b := h.browser(t)
		b.post("/desk/signin/link", "email", " AIGERIM@quaypost.example", "next", "/desk/people").to(t, "/desk/signin/sent")
		n, path := h.mailed(t)
		if n.To != e.Email || n.Kind != notice.SignIn || !n.Expires.Equal(h.now().Add(signInLife)) {
			t.Errorf("%+v", n)
		}
		for range 3 { // a scanner looks and looks
			h.browser(t).get(path).want(t, 200, `<button type="submit"`)
		}
		b.post(path).to(t, "/desk/people")
		b.get("/desk/people").want(t, 200, "Aigerim", "(you)")
		b.post(path).want(t, http.StatusGone) // once
		if !h.did(t, "signin.link", e.Email) {
			t.Error("the audit log has nothing of it")
		}
	})
}

// A mailed link that somebody else opens signs nobody in, is not used up by that,
// and is written down. Neither is one that was asked for a quarter of an hour ago good.
func TestFault_W7_TheftOfALink(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, e := h.editor(t, "Aigerim", Owner)
		b := h.browser(t)
		b.post("/desk/signin/link", "email", e.Email).to(t, "/desk/signin/sent")
		_, path := h.mailed(t)
		thief := h.browser(t)
		thief.post(path).want(t, http.StatusGone)
		thief.post("/desk/signin/link", "email", e.Email) // with a cookie of another asking
		thief.post(path).want(t, http.StatusGone)
		thief.get("/desk/").want(t, http.StatusSeeOther)
		if !h.did(t, "signin.elsewhere", e.Email) {
			t.Error("the audit log has nothing of it")
		}
		b.post(path).to(t, "/desk/")

		late := h.browser(t)
		h.mailed(t) // the thief's
		late.post("/desk/signin/link", "email", e.Email).to(t, "/desk/signin/sent")
		_, path = h.mailed(t)
		h.pass(signInLife)
		late.post(path).want(t, http.StatusGone)
	})
}

// Asking for links is bounded, and says nothing about whose address it is.
func TestFault_W7_AskingForLinks(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b := h.browser(t)
		unknown := b.post("/desk/signin/link", "email", "nobody@quaypost.example")
		unknown.to(t, "/desk/signin/sent")
		h.noMail(t)
		_, e := h.editor(t, "Aigerim", Owner)
		for n := range linksOfAddress + 1 {
			got := b.post("/desk/signin/link", "email", e.Email)
			if n < linksOfAddress {
				got.to(t, "/desk/signin/sent")
				h.mailed(t)
			} else {
				got.want(t, http.StatusTooManyRequests)
			}
		}
		h.noMail(t)
		b.post("/desk/signin/link", "email", "no address").want(t, http.StatusUnprocessableEntity)
	})
}

func TestInvitation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		owner, _ := h.editor(t, "Aigerim", Owner)
		owner.post("/desk/people/invite", "email", "berik@quaypost.example", "name", "Berik", "role", "publisher").to(t, "/desk/people?done=invited")
		owner.get("/desk/people?done=invited").want(t, 200, "The invitation is on its way", "berik@quaypost.example")
		n, first := h.mailed(t)
		if n.Kind != notice.Invite || n.To != "berik@quaypost.example" {
			t.Errorf("%+v", n)
		}
		owner.post("/desk/people/invite", "email", "berik@quaypost.example", "name", "Berik", "role", "editor").to(t, "/desk/people?done=invited")
		_, path := h.mailed(t)
		b := h.browser(t)
		b.get(first).want(t, http.StatusGone)
		b.get(path).want(t, 200, `value="berik@quaypost.example"`, "readonly")
		// Neither another address nor another role can be had by it.
		b.post(path, "name", "Berik", "email", "mallory@example.org", "role", "owner", "password", "").to(t, "/desk/")
		e, err := h.Editors.Find(t.Context(), "berik@quaypost.example")
		if err != nil || e.Role != Writer {
			t.Errorf("%+v %v", e, err)
		}
		b.post(path, "name", "Berik", "password", "").want(t, http.StatusGone)
		b.get("/desk/people").want(t, http.StatusForbidden)
		b.post("/desk/people/invite", "email", "x@quaypost.example", "role", "owner").want(t, http.StatusForbidden)
		owner.post("/desk/people/invite", "email", "berik@quaypost.example", "role", "owner").want(t, http.StatusConflict)
		owner.post("/desk/people/"+e.ID.String()+"/role", "role", "publisher").to(t, "/desk/people?done=role")
		owner.post("/desk/people/"+e.ID.String()+"/signout").to(t, "/desk/people?done=signed_out")
		b.get("/desk/").want(t, http.StatusSeeOther)
		owner.post("/desk/people/"+e.ID.String()+"/remove").to(t, "/desk/people?done=removed")
		owner.get("/desk/audit").want(t, 200, "changed a role", "removed an editor", "berik@quaypost.example")

		owner.post("/desk/people/invite", "email", "dana@quaypost.example", "role", "editor")
		_, path = h.mailed(t)
		owner.post("/desk/people/uninvite", "email", "dana@quaypost.example").to(t, "/desk/people?done=uninvited")
		b.get(path).want(t, http.StatusGone)
	})
}

func TestOwnAccount(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b, e := h.editor(t, "Aigerim", Writer)
		other := h.browser(t)
		other.post("/desk/signin", "email", e.Email, "password", phrase).to(t, "/desk/")
		b.post("/desk/me", "name", "Айгерім", "language", "kk").to(t, "/desk/me?done=saved")
		b.get("/desk/me").want(t, 200, "Айгерім", `lang="kk"`)
		b.post("/desk/me", "name", "Aigerim", "language", "en")
		b.post("/desk/me/password", "present", "wrong wrong", "password", "another four words").want(t, 422, "The present password is wrong")
		b.post("/desk/me/password", "present", phrase, "password", "aigerim").want(t, 422)
		b.post("/desk/me/password", "present", phrase, "password", "another four words").to(t, "/desk/me?done=password")
		b.get("/desk/me").want(t, 200)
		other.get("/desk/").want(t, http.StatusSeeOther)
		other.post("/desk/signin", "email", e.Email, "password", "another four words").to(t, "/desk/")
		sessions, err := h.Editors.Sessions(t.Context(), e.ID)
		if err != nil || len(sessions) != 2 {
			t.Fatalf("%d sessions, %v", len(sessions), err)
		}
		for _, s := range sessions {
			if _, him := h.editor(t, "n"+s.ID.String(), Writer); him.ID != 0 { // somebody else cannot end it
				stranger := h.browser(t)
				stranger.post("/desk/signin", "email", him.Email, "password", phrase).to(t, "/desk/")
				stranger.post("/desk/me/sessions/" + s.ID.String() + "/end")
				break
			}
		}
		other.get("/desk/").want(t, 200)
		b.get("/desk/").want(t, 200)
	})
}
