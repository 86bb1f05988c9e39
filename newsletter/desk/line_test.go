package desk

import (
	"bufio"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/subscribers"
	"apta/subscribers/database"
)

func revision(i newsletter.Issue) []string { return []string{"revision", strconv.Itoa(i.Revision)} }

func TestFromDraftToSent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p, _ := h.editor(t, "Dana", Publisher)
		w, _ := h.editor(t, "Berik", Writer)
		i := h.issue(t, "2026-W25")
		path := "/desk/issues/" + i.ID.String()
		if page := w.get(path).want(t, 200, "In review"); strings.Contains(page.body, "/line/approve") {
			t.Error("an editor is offered to approve")
		}
		w.post(path+"/line/approve", revision(i)...).want(t, http.StatusForbidden)
		p.get(path).want(t, 200, "/line/approve", "/line/hold")
		p.post(path+"/line/hold", append(revision(i), "why", "a name is wrong")...).to(t, path+"?done=act_hold")
		p.get(path).want(t, 200, "Held")
		p.post(path+"/line/approve", revision(i)...).to(t, path+"?done=act_approve")
		p.get(path+"?done=act_approve").want(t, 200, "It can be pulled back", "Dana", "data-until=", "/line/pull-back")
		p.get("/desk/").want(t, 200, "Approved", "data-until=")
		p.post(path+"/line/pull-back", revision(i)...).to(t, path+"?done=act_pull-back")
		p.post(path+"/line/approve", revision(i)...).to(t, path+"?done=act_approve")
		for _, act := range []string{"approve", "pull-back", "hold"} {
			if !h.did(t, "issue."+act, i.ID.String()) {
				t.Errorf("the audit log has no issue.%s", act)
			}
		}
		p.post(path+"/line/nonesuch", revision(i)...).want(t, 404)
		p.post(path+"/line/approve").want(t, http.StatusBadRequest)
	})
}

// What somebody has changed since the page was made is approved by nobody.
func TestFault_W9_ApprovingWhatWasNotSeen(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p, _ := h.editor(t, "Dana", Publisher)
		seen := h.issue(t, "2026-W24")
		h.issue(t, "2026-W24") // a revision more
		path := "/desk/issues/" + seen.ID.String()
		p.post(path+"/line/approve", revision(seen)...).want(t, http.StatusConflict, "stands elsewhere")
		now, err := h.Store.Issue(t.Context(), "", seen.ID.String())
		if err != nil || now.Status != newsletter.Draft {
			t.Errorf("it is %s (%v)", now.Status, err)
		}
	})
}

// Any number of clicks on approve and on send are one approval and one send.
func TestFault_W9_DoubleClick(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p, _ := h.editor(t, "Dana", Publisher)
		for _, email := range []string{"a@news.example", "b@news.example"} {
			if _, err := h.Newsletters[0].Readers.Add(t.Context(), subscribers.Subscriber{Email: email, Status: subscribers.Active}, "test"); err != nil {
				t.Fatal(err)
			}
		}
		i := h.issue(t, "2026-W10") // no slot asks for it: a person sends it
		path := "/desk/issues/" + i.ID.String()
		click := func(act string) {
			var wait sync.WaitGroup
			for range 5 {
				wait.Go(func() {
					if got := p.post(path+"/line/"+act, revision(i)...); got.status != http.StatusSeeOther {
						t.Errorf("%s: %d %s", act, got.status, words(got.body))
					}
				})
			}
			wait.Wait()
		}
		click("approve")
		p.get(path).want(t, 200, "Waits for a person to send it", "/line/send")
		click("send")
		var sends, approvals int
		err := errors.Join(
			h.db.QueryRow(t.Context(), `SELECT count(*) FROM sends`).Scan(&sends),
			h.db.QueryRow(t.Context(), `SELECT count(*) FROM audit WHERE what = 'issue.approve'`).Scan(&approvals))
		if sends != 1 || approvals != 1 || err != nil {
			t.Errorf("%d sends, %d approvals, %v", sends, approvals, err)
		}
		now, err := h.Store.Issue(t.Context(), "", i.ID.String())
		if err != nil || now.Status != newsletter.Sending {
			t.Errorf("it is %s, %v", now.Status, err)
		}
		click("pause")
		p.get(path).want(t, 200, "Paused", "/line/resume", "/line/cancel")
		click("resume")
		p.get(path).want(t, 200, "data-live=", "/line/pause")
	})
}

// The counts of the line add up to its total, and its parts never leave the bar.
func TestLineAddsUp(t *testing.T) {
	for _, c := range []delivery.Counts{
		{}, {Total: 3, Accepted: 1, Refused: 1, Doubtful: 1}, {Total: 100000, Accepted: 99996, Deferred: 1, Refused: 1, Doubtful: 1, Skipped: 1},
		{Total: 7, Queued: 3, Offered: 1, Accepted: 2, Deferred: 1},
	} {
		l, sum := Line{Report: delivery.Report{Counts: c}}, 0
		for _, n := range l.Counts() {
			sum += n.N
		}
		if sum != c.Total {
			t.Errorf("%+v: the line says %d", c, sum)
		}
		end := 0
		for _, b := range sendBar(c) {
			if b.X != end || b.W < 0 {
				t.Errorf("%+v: a part at %d, want %d", c, b.X, end)
			}
			end += b.W
		}
		if end > 1000 {
			t.Errorf("%+v: the bar is %d wide", c, end)
		}
	}
}

// A page that listens is told when a send is paused, and the stream ends with the
// session.
func TestLive(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p, e := h.editor(t, "Dana", Publisher)
		if _, err := h.Newsletters[0].Readers.Add(t.Context(), subscribers.Subscriber{Email: "a@news.example", Status: subscribers.Active}, "test"); err != nil {
			t.Fatal(err)
		}
		i := h.issue(t, "2026-W10")
		path := "/desk/issues/" + i.ID.String()
		p.post(path+"/line/approve", revision(i)...)
		p.post(path+"/line/send", revision(i)...)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.server.URL+path+"/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := p.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
			t.Fatal(kind)
		}
		lines := bufio.NewScanner(res.Body)
		until := func(text string) {
			t.Helper()
			for lines.Scan() {
				if strings.Contains(lines.Text(), text) {
					return
				}
			}
			t.Fatalf("the stream ended without %q", text)
		}
		until("event: line")
		until("Total")
		p.post(path+"/line/pause", revision(i)...)
		until("event: turn")
		if err := h.Editors.SignOutAll(t.Context(), e.ID, 0); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // to its end, which comes long before the stream's own
		}
		h.browser(t).get(path+"/live").want(t, http.StatusSeeOther)
	})
}

func TestCalendar(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p, _ := h.editor(t, "Dana", Publisher)
		w, _ := h.editor(t, "Berik", Writer)
		w.get("/desk/calendar").want(t, 200, "2026-W25", "19 June, 09:00", "UTC")
		w.post("/desk/calendar/skip", "week", "2026-W25").want(t, http.StatusForbidden)
		p.post("/desk/calendar/skip", "week", "never").want(t, http.StatusBadRequest)
		p.post("/desk/calendar/skip", "week", "2026-W25", "why", "holidays").to(t, "/desk/calendar?in=weekly&done=skipped")
		p.get("/desk/calendar").want(t, 200, `class="skipped"`, "holidays", "Bring it back")
		p.post("/desk/calendar/unskip", "span", "2026-W25").to(t, "/desk/calendar?in=weekly&done=unskipped")
		if page := p.get("/desk/calendar"); strings.Contains(page.body, `class="skipped"`) {
			t.Error("it is skipped still")
		}
	})
}

// An issue of a newsletter that is not made here is not shown, nor done anything to.
func TestForeignIssue(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		p, _ := h.editor(t, "Dana", Publisher)
		i, err := h.Store.SaveIssue(t.Context(), newsletter.Issue{Newsletter: "other", Week: "2026-W24", From: h.now(), To: h.now().Add(time.Hour), Language: "en", Title: "Theirs"})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{i.ID.String(), database.ID(5).String(), "2026-W24", "..%2f..", "'"} {
			for _, page := range []string{"", "/line", "/live"} {
				p.get("/desk/issues/"+id+page).want(t, 404)
			}
			p.post("/desk/issues/"+id+"/line/approve", revision(i)...).want(t, 404)
		}
	})
}
