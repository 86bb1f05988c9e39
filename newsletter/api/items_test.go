package api

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

const item = `{"url":"https://news.example/%d","title":"Tram %d","published":"2026-06-12T15:00:00+02:00"%s}`

func TestItemsComeIn(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		put := func(kind, body string, status int, words ...string) {
			t.Helper()
			h.want(h.askAs(h.secret, "POST", "/api/items", kind, body), status, words...)
		}
		one := fmt.Sprintf(item, 1, 1, "")
		put("application/json", one, 200, `{"new":1,"changed":0,"unchanged":0}`)
		put("application/json", strings.ReplaceAll(one, ",", ",\r\n  "), 200, `{"new":0,"changed":0,"unchanged":1}`)
		put("application/json", fmt.Sprintf(item, 1, 2, ""), 200, `{"new":0,"changed":1,"unchanged":0}`)
		lines := strings.Join([]string{fmt.Sprintf(item, 2, 2, ""), "", "not JSON", fmt.Sprintf(item, 3, 3, `,"mood":"glad"`), fmt.Sprintf(item, 4, 4, `,"summary":"a\u0000b"`), `{"url":"ftp://x/"}`, fmt.Sprintf(item, 5, 5, "")}, "\n")
		for _, kind := range []string{"application/jsonl", "application/x-ndjson; charset=utf-8"} {
			a := h.askAs(h.secret, "POST", "/api/items", kind, lines)
			h.want(a, 200, `"line":3,"detail":"not JSON`, `"line":4,"detail":"unknown key \"mood\"`, `"line":5,"detail":"key \"summary\"`, `"line":6,"detail":"key \"url\"`)
			if n := strings.Count(a.body, `"line"`); n != 4 {
				t.Errorf("%d problems: %s", n, a.body)
			}
		}
		items, err := h.Store.Items(context.Background(), 100)
		if err != nil || len(items) != 4 {
			t.Errorf("%d items are stored (%v)", len(items), err)
		}
	})
}

func TestFault_W10_BodiesThatAreNoItems(t *testing.T) {
	once(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		for _, c := range []struct {
			name, kind, body string
			status           int
			words            string
		}{
			{"nothing", "application/json", "", 422, "there is no item"},
			{"10 MB", "application/jsonl", strings.Repeat("x", 10<<20), 413, "longer than 8388608 bytes"},
			{"one line of 8 MB", "application/jsonl", strings.Repeat("x", 8<<20), 422, `"line":1,"detail":"the line is longer`},
			{"two objects as JSON", "application/json", fmt.Sprintf(item+"\n"+item, 1, 1, "", 2, 2, ""), 422, "not JSON"},
			{"an array", "application/json", "[]", 422, "not an object"},
			{"not UTF-8", "application/json", "{\"url\":\"\xff\"}", 422, "not UTF-8"},
			{"a form", "application/x-www-form-urlencoded", "url=x", 415, "application/jsonl"},
			{"rubbish", "application/jsonl", strings.Repeat("x\n", 100_000), 422, `"line":100,`},
		} {
			t.Run(c.name, func(t *testing.T) {
				a := h.askAs(h.secret, "POST", "/api/items", c.kind, c.body)
				h.want(a, c.status, c.words)
				if len(a.body) > 20_000 {
					t.Errorf("the answer has %d bytes", len(a.body))
				}
			})
		}
		if items, err := h.Store.Items(context.Background(), 10); err != nil || len(items) != 0 {
			t.Errorf("%d items are stored (%v)", len(items), err)
		}
	})
}
