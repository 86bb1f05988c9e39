package api

import (
	"encoding/json"
	"strings"
	"testing"

	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestWebhooks(t *testing.T) {
	databasetest.Each(t, schemas, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db, nil)
		h.want(h.ask("GET", "/api/webhooks", ""), 200, `{"webhooks":[]}`)
		for body, want := range map[string]string{
			`{"url":"ftp://crm.example/","events":["issue.sent"]}`: "not http or https", `{"url":"https://crm.example/"}`: "no event is named", `{"url":"https://crm.example/","events":["all"]}`: "is no event",
		} {
			h.want(h.ask("POST", "/api/webhooks", body), 422, want)
		}
		h.want(h.ask("POST", "/api/webhooks", `{"url":"https://crm.example/","events":["issue.sent"],"with_address":true}`), 400, "unknown field")
		made := h.want(h.ask("POST", "/api/webhooks", `{"url":"https://crm.example/","events":["issue.sent","subscriber.bounced"]}`), 201, `"secret":"whsec_`, `"with_address":false`)
		var hook madeWebhook
		h.must(json.Unmarshal([]byte(made.body), &hook))
		path := "/api/webhooks/" + hook.ID.String()
		if a := h.want(h.ask("GET", "/api/webhooks", ""), 200, hook.ID.String()); strings.Contains(a.body, "whsec") {
			t.Errorf("the secret is shown again: %s", a.body)
		}
		h.want(h.ask("POST", path+"/test", ""), 204)
		h.want(h.ask("GET", path+"/deliveries", ""), 200, `"event":"webhook.test"`, `"state":"waiting"`)
		if _, err := db.Exec(t.Context(), `UPDATE webhooks SET disabled = 1, why = 'test'`); err != nil {
			t.Fatal(err)
		}
		h.want(h.ask("POST", path+"/test", ""), 409, "enable it first")
		h.want(h.ask("POST", path+"/enable", "{}"), 204)
		h.want(h.ask("DELETE", path, ""), 204)
		for _, gone := range []string{path, "/api/webhooks/none"} {
			h.want(h.ask("DELETE", gone, ""), 404, "no such webhook")
			h.want(h.ask("GET", gone+"/deliveries", ""), 404)
			h.want(h.ask("POST", gone+"/test", ""), 404)
			h.want(h.ask("POST", gone+"/enable", ""), 404)
		}
	})
}
