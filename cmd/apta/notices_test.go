package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"apta/newsletter/notice"
)

// A notice goes to its editor by the way of letters, waits where the relay is
// away, and is sent once.
func TestANoticeReachesItsEditor(t *testing.T) {
	d := newDoorway(t)
	ctx := context.Background()
	n := notice.Notice{Newsletter: d.cfg.Newsletter.Slug, Key: "held/1/desk", Kind: notice.Held, To: "desk@news.example", Language: "ru",
		Data: map[string]string{"week": "2024-W42", "title": "A Week"}, Link: "http://127.0.0.1:8080/desk/issues/1"}
	for range 2 {
		if err := d.rooms.notices.Add(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	right := d.cfg.SMTP.Port
	d.cfg.SMTP.Port = 1 // nothing listens there
	if err := d.postman.sendDue(ctx); err != nil || d.relay.Count() != 0 {
		t.Fatalf("%d came by no way (%v)", d.relay.Count(), err)
	}
	d.cfg.SMTP.Port = right
	d.wait(time.Minute)
	if m, link := d.post(); m.To != "<desk@news.example>" || link != "/desk/issues/1" || !strings.Contains(m.Data, "Auto-Submitted: auto-generated\r\n") {
		t.Errorf("the notice to %s with %s is\n%s", m.To, link, m.Data)
	}
	d.wait(time.Hour)
	if d.post(); d.relay.Count() != 1 {
		t.Errorf("%d notices came", d.relay.Count())
	}
}
