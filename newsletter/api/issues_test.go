package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/transport/smtptest"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestIssuesAreListedAndShown(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		h.want(h.ask("GET", "/api/issues", ""), 200, `{"issues":[]}`)
		i := h.draft("2024-W42")
		_, err := h.Store.SaveIssue(context.Background(), newsletter.Issue{Newsletter: "other", Week: "2024-W42", Language: "en"})
		h.must(err)
		list := h.want(h.ask("GET", "/api/issues?limit=10", ""), 200, i.ID.String(), `"draft"`)
		if n := strings.Count(list.body, `"week"`); n != 1 {
			t.Errorf("the list has %d issues: %s", n, list.body)
		}
		for _, ref := range []string{"2024-W42", i.ID.String(), strings.ToUpper(i.ID.String())} {
			h.want(h.ask("GET", "/api/issues/"+ref, ""), 200, `"title":"Harbour, Water, and More"`, `"latest":[]`, `"anchor":"reopened"`)
			h.want(h.ask("GET", "/api/issues/"+ref+"/status", ""), 200, `"status":"draft"`, `"total":0`)
		}
		h.want(h.ask("GET", "/api/issues/2024-W43", ""), 404, "there is no such issue")
		h.want(h.ask("GET", "/api/issues/0000000000000/status", ""), 404)
		for _, limit := range []string{"0", "501", "x", "99999999999999999999"} {
			h.want(h.ask("GET", "/api/issues?limit="+limit, ""), 400, "limit is a number from 1 to 500")
		}
		// The site around it is as it was.
		if a, err := http.Get(h.server.URL + "/weekly"); err != nil || a.StatusCode != 200 {
			t.Errorf("%v %v", a, err)
		}
	})
}

func TestAnotherNewslettersIssueIsNotThere(t *testing.T) {
	once(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		other, err := h.Store.SaveIssue(context.Background(), newsletter.Issue{Newsletter: "other", Week: "2024-W42", Language: "en"})
		h.must(err)
		h.want(h.ask("GET", "/api/issues/"+other.ID.String(), ""), 404)
		h.want(h.ask("POST", "/api/issues/"+other.ID.String()+"/approve", ""), 404)
	})
}

// Each action twice: the second time is granted and changes nothing. One that
// cannot be done is a 409 that says why.
func TestActions(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		h.readers(3)
		h.draft("2024-W42")
		act := func(name string, status int, words ...string) {
			t.Helper()
			h.want(h.ask("POST", "/api/issues/2024-W42/"+name, ""), status, words...)
		}
		twice := func(name string, words ...string) {
			t.Helper()
			act(name, 200, words...)
			act(name, 200, words...)
		}
		for _, name := range []string{"pause", "resume", "cancel", "retry"} {
			act(name, 409, "the issue was never sent")
		}
		act("send", 409, "it is draft, not approved")
		h.want(h.ask("POST", "/api/issues/2024-W42/hold", `{"why":"the mayor called"}`), 200, `"status":"held","note":"the mayor called"`)
		twice("hold", `"note":"the mayor called"`)
		act("send", 409, "it is held")
		twice("approve", `"status":"approved"`, `"approved_by":"`, `"sends_at":"`)
		h.want(h.ask("POST", "/api/issues/2024-W42/pull-back", `{"why":"a wrong name"}`), 200, `"status":"draft","note":"a wrong name"`)
		twice("pull-back", `"status":"draft"`)
		if a := h.ask("GET", "/api/issues/2024-W42", ""); strings.Contains(a.body, "approved_by") || strings.Contains(a.body, "sends_at") {
			t.Errorf("it is pulled back and says %s", a.body)
		}
		twice("approve", `"status":"approved"`)
		twice("send", `"status":"sending"`, `"state":"running"`)
		act("approve", 409, "it is sending, not draft or held")
		act("hold", 409)
		act("pull-back", 409, "it is sending, not approved")
		h.want(h.ask("POST", "/api/issues/2024-W42/pause", `{"why":"a typing error"}`), 200, `"state":"paused","why":"a typing error"`)
		twice("pause", `"why":"a typing error"`)
		act("retry", 409, "the send is paused")
		twice("resume", `"state":"running"`)
		h.must(h.sender.Work(context.Background(), h.issueID(t)))
		act("pause", 409, "the send is done")
		act("resume", 409)
		act("cancel", 409)
		twice("send", `"status":"sent"`, `"accepted":3`)
		twice("retry", `"state":"done"`, `"accepted":3`)
		if h.relay.Count() != 3 {
			t.Errorf("%d mails went out", h.relay.Count())
		}
	})
}

func (h *house) issueID(t *testing.T) database.ID {
	t.Helper()
	i, err := h.Store.Issue(context.Background(), "weekly", "2024-W42")
	if err != nil {
		t.Fatal(err)
	}
	return i.ID
}

func TestRetryThroughTheAPI(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		mended := make(chan struct{})
		h := newHouse(t, db, func(stage smtptest.Stage, to string) smtptest.Action {
			select {
			case <-mended:
			default:
				if stage == smtptest.Rcpt && strings.Contains(to, "reader1@") {
					return smtptest.Action{Reply: "550 5.1.1 no such user"}
				}
			}
			return smtptest.Action{}
		})
		h.readers(3)
		h.draft("2024-W42")
		h.want(h.ask("POST", "/api/issues/2024-W42/approve", ""), 200)
		h.want(h.ask("POST", "/api/issues/2024-W42/send", ""), 200)
		h.must(h.sender.Work(context.Background(), h.issueID(t)))
		h.want(h.ask("GET", "/api/issues/2024-W42/status", ""), 200, `"refused":1`, `{"state":"refused","code":550,"why":"5.1.1 no such user","count":1}`)
		close(mended)
		h.want(h.ask("POST", "/api/issues/2024-W42/retry", ""), 200, `"status":"sending"`, `"queued":1`)
		h.must(h.sender.Work(context.Background(), h.issueID(t)))
		h.want(h.ask("GET", "/api/issues/2024-W42/status", ""), 200, `"accepted":3`, `"status":"sent"`)
	})
}

// A send at work in this process stops when told through the API, goes on, and
// is ended; what is out then is out once.
func TestARunningSendIsSteered(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, func(stage smtptest.Stage, _ string) smtptest.Action {
			if stage == smtptest.Rcpt {
				return smtptest.Action{Delay: 2 * time.Millisecond}
			}
			return smtptest.Action{}
		})
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- h.sender.Run(ctx) }()
		defer func() { stop(); <-ended }()
		h.readers(4000)
		h.draft("2024-W42")
		h.want(h.ask("POST", "/api/issues/2024-W42/approve", ""), 200)
		h.want(h.ask("POST", "/api/issues/2024-W42/send", ""), 200)
		h.until(func() bool { return h.relay.Count() > 50 })
		h.want(h.ask("POST", "/api/issues/2024-W42/pause", ""), 200)
		still := h.stopped()
		if still >= 4000 {
			t.Fatal("the send was over before it was paused")
		}
		h.want(h.ask("POST", "/api/issues/2024-W42/resume", ""), 200)
		h.until(func() bool { return h.relay.Count() > still+50 })
		h.want(h.ask("POST", "/api/issues/2024-W42/cancel", ""), 200, `"state":"cancelled"`)
		h.until(func() bool {
			return strings.Contains(h.ask("GET", "/api/issues/2024-W42/status", "").body, `"status":"sent"`)
		})
		out := h.relay.Count()
		h.want(h.ask("POST", "/api/issues/2024-W42/cancel", ""), 200, fmt.Sprintf(`"accepted":%d,`, out), fmt.Sprintf(`"skipped":%d}`, 4000-out))
		seen := map[string]int{}
		for _, m := range h.relay.Messages() {
			seen[m.To]++
		}
		if len(seen) != out {
			t.Errorf("%d mails went to %d readers", out, len(seen))
		}
	})
}

func (h *house) until(is func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatal("it does not happen")
		}
	}
}

// stopped waits until the relay has got nothing for a while and says how much it has.
func (h *house) stopped() int {
	h.t.Helper()
	last, since := h.relay.Count(), time.Now()
	h.until(func() bool {
		if n := h.relay.Count(); n != last {
			last, since = n, time.Now()
		}
		return time.Since(since) > 400*time.Millisecond
	})
	return last
}

func TestBodiesOfActions(t *testing.T) {
	once(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		h.draft("2024-W42")
		for _, c := range []struct {
			kind, body string
			status     int
			words      string
		}{
			{"application/json", `{"why":1}`, 400, "cannot unmarshal number"},
			{"application/json", `{"whom":"x"}`, 400, `unknown field`},
			{"application/json", `{} {}`, 400, "more than one"},
			{"application/json", `{`, 400, "unexpected"},
			{"application/json", `{"why":"a\u0000b"}`, 400, "NUL"},
			{"application/json", `{"why":"` + strings.Repeat("ё", 501) + `"}`, 400, "500 characters"},
			{"application/json", strings.Repeat(" ", actionLimit+1), 413, "longer than 32768 bytes"},
			{"text/plain", `{}`, 415, "application/json"},
			{"application/x-www-form-urlencoded", `why=x`, 415, "application/json"},
			{"", `{}`, 415, "application/json"},
			{"application/json; charset=utf-8", `{"why":"` + strings.Repeat("ё", 500) + `"}`, 200, `"held"`},
		} {
			h.want(h.askAs(h.secret, "POST", "/api/issues/2024-W42/hold", c.kind, c.body), c.status, c.words)
		}
		h.want(h.ask("POST", "/api/issues/2024-W42/approve", `{"why":"x"}`), 400)
		h.want(h.ask("POST", "/api/issues/2024-W42/approve", `{}`), 200)
	})
}

func TestAddressesThatAreNotThere(t *testing.T) {
	once(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		h.want(h.ask("GET", "/api/", ""), 404, "/api/openapi.yaml says what there is")
		h.want(h.ask("GET", "/api/nothing", ""), 404)
		h.want(h.ask("GET", "/api/issues/2024-W42/explode", ""), 404)
		if a := h.want(h.ask("DELETE", "/api/issues/2024-W42", ""), 405); a.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("Allow is %q", a.header.Get("Allow"))
		}
		h.want(h.ask("PUT", "/api/items", ""), 405)
		h.want(h.ask("GET", "/api/issues/2024-W42/send", ""), 405)
		h.want(h.askAs("", "GET", "/api/openapi.yaml", "", ""), 200, "openapi: 3.1.0")
	})
}

// What only an operator can mend is in the log, not in the answer.
func TestFault_O2_AFailureTellsNothing(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		_, err := db.Exec(context.Background(), `DROP TABLE issues`)
		h.must(err)
		a := h.want(h.ask("GET", "/api/issues", ""), 500, "the log of apta says why")
		if strings.Contains(a.body, "table") || strings.Contains(a.body, "relation") || !strings.Contains(h.log.String(), "issues") {
			t.Errorf("the answer says %s, the log %s", a.body, h.log.String())
		}
		if strings.Contains(h.log.String(), h.secret) {
			t.Error("the token is in the log")
		}
	})
}
