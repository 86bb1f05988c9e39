package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func (h *house) readerOf(a answer) (sub subscribers.Subscriber) {
	h.t.Helper()
	h.must(json.Unmarshal([]byte(a.body), &sub))
	return sub
}

func TestReaders(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		add := func(body string, status int, words ...string) answer {
			t.Helper()
			return h.want(h.ask("POST", "/api/readers", body), status, words...)
		}
		consent := `"consent":{"source":"shop checkout","wording":"Send me the week","agreed":"2026-01-02T03:04:05Z"}`
		made := add(`{"email":"Ada@example.org","name":"Ада","topics":["Harbour"],"every_weeks":2,`+consent+`}`, 201, `"status":"active"`, `"topics":["Harbour"]`)
		sub := h.readerOf(made)
		path := "/api/readers/" + sub.ID.String()
		if made.header.Get("Location") != path {
			t.Errorf("it is at %q", made.header.Get("Location"))
		}
		add(`{"email":"Ada@example.org",`+consent+`}`, 200, sub.ID.String())
		add(`{"email":"b@example.org"}`, 422, "consent.source is missing")
		add(`{"email":"b@example.org","consent":{"source":"b@example.org said so"}}`, 422, "must name nobody")
		add(`{"email":"b@example.org","consent":{"source":"x","agreed":"2999-01-01T00:00:00Z"}}`, 422, "still to come")
		add(`{"email":"b@@example.org",`+consent+`}`, 422, "more than one @")
		add(`{"email":"b@example.org","format":"pdf",`+consent+`}`, 422, "format:")
		add(`{"email":"b@example.org","age":3}`, 400)
		h.want(h.ask("GET", path, ""), 200, `"source":"api: shop checkout"`, `"wording":"Send me the week"`, `"agreed":"2026-01-02T03:04:05Z"`, `"received":[]`)

		h.want(h.ask("PATCH", path, `{"language":"kk","topics":[]}`), 200, `"language":"kk"`, `"every_weeks":2`, `"name":"Ада"`)
		if now := h.readerOf(h.ask("PATCH", path, `{"name":""}`)); now.Name != "" || len(now.Topics) > 0 || now.Language != "kk" {
			t.Errorf("changed to %+v", now)
		}
		h.want(h.ask("PATCH", path, `{"every_weeks":53}`), 422, "every_weeks")
		h.want(h.ask("PATCH", path, `{"status":"active"}`), 400, "unknown field")

		for range 2 {
			h.want(h.ask("POST", path+"/unsubscribe", `{"consent":{"source":"phone call"}}`), 200, `"status":"unsubscribed"`)
		}
		add(`{"email":"Ada@example.org",`+consent+`}`, 409, "only they can subscribe again")
		h.want(h.ask("GET", path, ""), 200, `"what":"unsubscribed","source":"api: phone call"`)
		h.want(h.ask("DELETE", path, ""), 204)
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			h.want(h.ask(method, path, map[string]string{"PATCH": `{"name":"x"}`}[method]), 404, "there is no such reader")
		}
		h.want(h.ask("POST", path+"/unsubscribe", ""), 404)
		h.want(h.ask("GET", "/api/readers/nobody", ""), 404)
		add(`{"email":"ada@example.org",`+consent+`}`, 409, "suppression list")
		if log, err := h.subs.Consents(context.Background(), sub.ID); err != nil || len(log) != 5 {
			t.Errorf("the log of the erased: %v (%v)", log, err)
		}
	})
}

func TestReadersAreListedByPages(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		h.readers(5)
		var got []string
		for next := ""; ; {
			a := h.want(h.ask("GET", "/api/readers?limit=2&after="+next, ""), 200)
			var list struct {
				Readers []subscribers.Subscriber
				Next    string
			}
			h.must(json.Unmarshal([]byte(a.body), &list))
			for _, sub := range list.Readers {
				got = append(got, sub.Email[:7])
			}
			if next = list.Next; next == "" {
				break
			}
		}
		if text := strings.Join(got, " "); text != "reader0 reader1 reader2 reader3 reader4" {
			t.Errorf("listed %s", text)
		}
		h.want(h.ask("GET", "/api/readers?q=READER3", ""), 200, `"email":"reader3@readers.example"`)
		h.want(h.ask("GET", "/api/readers?email="+url.QueryEscape("reader4@READERS.example"), ""), 200, `"email":"reader4@`)
		h.want(h.ask("GET", "/api/readers?status=paused", ""), 200, `"readers":[]`)
		for _, wrong := range []string{"limit=0", "limit=501", "after=x", "status=gone", "email=x", "q=%00"} {
			h.want(h.ask("GET", "/api/readers?"+wrong, ""), 400)
		}
	})
}

func TestSuppressions(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		h.readers(1)
		h.want(h.ask("POST", "/api/suppressions", `{"email":"reader0@readers.example","reason":"legal"}`), 201, `"added":true`)
		h.want(h.ask("POST", "/api/suppressions", `{"email":"Reader0@readers.example"}`), 200, `"added":false`)
		h.want(h.ask("POST", "/api/suppressions", `{"email":"b@example.org"}`), 201)
		h.want(h.ask("GET", "/api/readers?status=suppressed", ""), 200, "reader0@")
		first := h.want(h.ask("GET", "/api/suppressions?limit=1", ""), 200, `"next"`)
		var list struct {
			Suppressions []subscribers.Suppression
			Next         string
		}
		h.must(json.Unmarshal([]byte(first.body), &list))
		h.want(h.ask("GET", "/api/suppressions?limit=2&after="+list.Next, ""), 200, `"source":"api"`)
		h.want(h.ask("POST", "/api/suppressions/remove", `{"email":"reader0@readers.example"}`), 200, `"removed":true`)
		h.want(h.ask("POST", "/api/suppressions/remove", `{"email":"reader0@readers.example"}`), 404, "not on the suppression list")
		h.want(h.ask("GET", "/api/readers?status=unsubscribed", ""), 200, "reader0@")
		h.want(h.ask("POST", "/api/suppressions", `{"email":"nobody"}`), 422)
		h.want(h.ask("POST", "/api/suppressions", `{"email":"a@example.org","reason":"a@example.org asked"}`), 422)
	})
}

// What everybody may ask for is answered by the pages, as it is described.
func TestSubscribingWantsNoToken(t *testing.T) {
	once(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		h.want(h.askAs("", "POST", "/api/subscriptions", "application/json", `{"email":"new@example.org"}`), 202)
		h.want(h.askAs("", "GET", "/api/subscriptions", "", ""), 200, `"bits":0`)
		req, err := http.NewRequest("POST", h.server.URL+"/api/subscriptions", strings.NewReader(`{"email":"nobody"}`))
		h.must(err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept-Language", "ru")
		h.want(h.send(req), 422, `"code":"no_at"`, "В адресе должен быть знак @")
	})
}
