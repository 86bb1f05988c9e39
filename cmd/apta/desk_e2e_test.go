package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/transport/smtptest"
	"apta/subscribers"
	"apta/subscribers/database"
)

// TestDeskInABrowser has e2e/desk.mjs work at the desk in Debian's Chromium as a
// newsroom does: from the first owner to the numbers of a sent issue.
func TestDeskInABrowser(t *testing.T) { workInABrowser(t, "desk.mjs") }

// TestPasskeyInABrowser has a virtual authenticator sign an editor in.
func TestPasskeyInABrowser(t *testing.T) { workInABrowser(t, "passkey.mjs") }

func workInABrowser(t *testing.T, script string) {
	t.Helper()
	wants(t)
	npm(t, "playwright-core")
	listener := openPort(t)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	site := "http://localhost:" + port // passkeys belong to names
	shipped, err := os.ReadFile("../../newsletter/assemble/styles/en.toml")
	if err != nil {
		t.Fatal(err)
	}
	style := filepath.Join(t.TempDir(), "style.toml")
	if err := os.WriteFile(style, shipped, 0o600); err != nil {
		t.Fatal(err)
	}
	relay, err := smtptest.Start(smtptest.Options{Script: someRefuse})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { relay.Close() })
	n := openNewsroom(t, func(c *Config) {
		c.BaseURL, c.SMTP.Host, c.SMTP.Port = site, relay.Host(), relay.Port()
		c.Newsletter.Name, c.Newsletter.Newsroom, c.Newsletter.Postal = "Week in Review", "The Quay Post", "4 Ropewalk, Haverhythe"
		c.Newsletter.StyleFile, c.Schedule.Policy, c.Schedule.CoolOff = style, "approve", "15m"
		c.Mail.From = "The Quay Post <weekly@quaypost.example>"
		c.SMTP.Rate = 25
		c.Intake.Allow = "127.0.0.0/8"
	})
	n.relay, n.app.now = relay, time.Now
	ticking := time.NewTicker(20 * time.Millisecond) // the stores' clock is the newsroom's
	defer ticking.Stop()
	go func() {
		for {
			select {
			case now := <-ticking.C:
				n.clock.Store(&now)
			case <-t.Context().Done():
				return
			}
		}
	}()
	if n.cfg.phrases, err = assemble.ParseStyle("style.toml", shipped); err != nil {
		t.Fatal(err)
	}
	past(t, n)
	n.serveUntilTheEnd(t, listener)
	first, err := n.rooms.editors(n.app).FirstLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	helper := httptest.NewServer(deskWitness(n))
	defer helper.Close()
	runScript(t, script, "APTA_SITE="+site, "APTA_WITNESS="+helper.URL, "APTA_FIRST="+first)
}

// someRefuse is a relay that knows one address no more and puts a domain off.
func someRefuse(stage smtptest.Stage, argument string) smtptest.Action {
	switch {
	case stage != smtptest.Rcpt:
	case strings.Contains(argument, "@ropewalk.example"):
		return smtptest.Action{Reply: "450 4.2.2 the mailbox is full, try later"}
	case strings.Contains(argument, "@oldmill.example"):
		return smtptest.Action{Reply: "550 5.1.1 no such mailbox"}
	}
	return smtptest.Action{}
}

// past gives the newsroom a quarter of issues and of readers who came and went.
func past(t *testing.T, n *newsroom) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	week := newsletter.Week(now.In(n.cfg.zone))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	a, err := n.rooms.subscribers.ByEmail(ctx, "a@example.org")
	must(err)
	must(n.rooms.subscribers.Erase(ctx, a.ID, "test"))
	words := strings.Fields("Channel Pilots Tariff Ferry Market Council Breakwater Herring Museum Ropewalk Lighthouse Dredger")
	total := 0
	for back := 12; back >= 1; back-- {
		from := week.From.AddDate(0, 0, -7*back)
		sent := from.AddDate(0, 0, 4).Add(10 * time.Hour)
		at := from.Add(30 * time.Hour)
		store := subscribers.NewStore(n.rooms.db, database.NewIDs(func() time.Time { return at }, nil), n.rooms.keys, func() time.Time { return at }).For(n.cfg.Newsletter.Slug)
		var came []subscribers.Subscriber
		for i := range 6 + (back*7)%9 {
			domain := []string{"haverhythe.example", "lantern.example", "ferry.example", "tidehouse.example"}[i%4]
			came = append(came, subscribers.Subscriber{Email: fmt.Sprintf("reader%d.%d@%s", back, i, domain), Status: subscribers.Active, Language: "en"})
		}
		_, err := store.AddAll(ctx, came, "subscribe page")
		must(err)
		total += len(came)
		for i := range back % 3 {
			sub, err := store.ByEmail(ctx, came[i].Email)
			must(err)
			at = at.Add(100 * time.Hour)
			must(store.Unsubscribe(ctx, sub.ID, "one-click"))
			total--
		}
		if back == 1 {
			break // the last week's issue is the one that the test sends
		}
		w := newsletter.Week(from)
		issue, err := n.rooms.newsletter.SaveIssue(ctx, newsletter.Issue{Newsletter: n.cfg.Newsletter.Slug, Week: w.Name, From: w.From, To: w.To, Language: "en",
			Title: fmt.Sprintf("Week in Review: %s, %s, and More", words[back%len(words)], words[(back+5)%len(words)]), Status: newsletter.Sent, Standfirst: "The week in Haverhythe.",
			Strands: []newsletter.Strand{{Name: "a", Theme: "Harbour", Text: "The harbour was dredged.", Items: []newsletter.Piece{{ID: 1, Title: "T", URL: "https://quaypost.example/1", Text: "The harbour was dredged.", Anchor: "harbour"}}}}})
		must(err)
		exec := func(query string, args ...any) {
			_, err := n.rooms.db.Exec(ctx, query, args...)
			must(err)
		}
		exec(`INSERT INTO sends (issue_id, state, why, started, ended, enqueued_to, newsletter, language, lead) VALUES ($1, 'done', '', $2, $3, 0, $4, '', $1)`, issue.ID, database.Millis(sent), database.Millis(sent.Add(time.Minute)), n.cfg.Newsletter.Slug)
		exec(`UPDATE issues SET approved_by = 'Marit Olsen', reported = 1 WHERE id = $1`, issue.ID)
		for i := range total {
			state, code, why := 2, 250, ""
			if i%23 == 7 {
				state, code, why = 4, 550, "5.1.1 no such mailbox"
			} else if i%41 == 11 {
				state, code, why = 4, 552, "5.2.2 the mailbox is full"
			}
			exec(`INSERT INTO deliveries (issue_id, subscriber_id, state, attempts, doubts, until, at, code, why) VALUES ($1, $2, $3, 1, 0, 0, $4, $5, $6)`, issue.ID, i+1, state, database.Millis(sent), code, why)
		}
	}
}

// deskWitness tells the script what a browser cannot see, and does what others do:
// a feed of another newsroom, mails, and the schedule that assembles a week.
func deskWitness(n *newsroom) http.Handler {
	mux := http.NewServeMux()
	sample := time.Date(2026, 6, 10, 12, 0, 0, 0, n.cfg.zone) // a day of the sample week
	week := newsletter.Week(newsletter.Week(time.Now().In(n.cfg.zone)).From.AddDate(0, 0, -3))
	shift := week.From.Sub(newsletter.Week(sample).From)
	items := func() (list []newsletter.Item) {
		for lines := bufio.NewScanner(bytes.NewReader(demoItems)); lines.Scan(); {
			var it newsletter.Item
			if json.Unmarshal(lines.Bytes(), &it) == nil {
				it.Published = it.Published.Add(shift)
				list = append(list, it)
			}
		}
		return list
	}
	mux.Handle("GET /letters", witness(n))
	mux.HandleFunc("GET /rss", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/rss+xml")
		fmt.Fprint(w, `<?xml version="1.0"?><rss version="2.0"><channel><title>The Lantern</title><link>https://lantern.example/</link><language>en</language>`)
		for i, title := range []string{"Ferry timetable returns to its summer hours", "Bakers count the loaves of market week", "School orchestra plays on the quay"} {
			fmt.Fprintf(w, `<item><title>%s</title><link>https://lantern.example/%d</link><guid>l%d</guid><pubDate>%s</pubDate></item>`, title, i, i, time.Now().Add(-time.Duration(i)*time.Hour).Format(time.RFC1123Z))
		}
		fmt.Fprint(w, `</channel></rss>`)
	})
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<html lang="en"><head><title>Lighthouse keeper retires after forty years</title><meta name="description" content="She climbed the 199 steps some thirty thousand times."><meta property="og:site_name" content="The Lantern"></head><body></body></html>`)
	})
	// The week of the sample items: no slot asks for it, so a person sends it. And an
	// issue of this week, for the coming slot.
	mux.HandleFunc("GET /assemble", func(w http.ResponseWriter, r *http.Request) {
		stored := items()
		_, err := n.rooms.newsletter.PutItems(r.Context(), stored)
		answer := map[string]string{}
		for name, win := range map[string]newsletter.Window{"last": week, "coming": {Name: newsletter.Week(n.cfg.cron.Next(time.Now())).Name, From: week.From, To: n.cfg.cron.Next(time.Now())}} {
			if err != nil {
				break
			}
			var issue newsletter.Issue
			if issue, err = n.compose(r.Context(), n.rooms, win); err == nil {
				if issue, err = n.rooms.newsletter.SaveIssue(r.Context(), issue); err == nil {
					answer[name] = issue.ID.String()
				}
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		json.NewEncoder(w).Encode(answer)
	})
	return mux
}
