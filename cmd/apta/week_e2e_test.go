package main

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"testing"

	"apta/newsletter"
	"apta/newsletter/desk"
	"apta/newsletter/intake"
)

const deskPhrase = "four plain words here"

// TestFault_W9_TheWeekInABrowser has e2e/week.mjs make an issue as two editors do.
func TestFault_W9_TheWeekInABrowser(t *testing.T) {
	wants(t)
	npm(t, "playwright-core")
	listener := openPort(t)
	site := "http://" + listener.Addr().String()
	n := openNewsroom(t, func(c *Config) {
		c.BaseURL = site
		c.Newsletter.Name, c.Newsletter.Newsroom, c.Newsletter.Postal = "Week in Review", "The Quay Post", "4 Ropewalk, Haverhythe"
		c.Mail.From, c.Schedule.Zone, c.Schedule.Policy = "The Quay Post <weekly@quaypost.example>", "Europe/Berlin", "approve"
		c.Intake.Poll = "0" // the invented newsroom's addresses answer nobody
	})
	n.at(t, "2026-06-15T09:00:00+02:00")
	issue := draftOf(t, n, demoWeek, demoItems)
	for _, e := range []desk.Editor{{Name: "Lena Sørum", Email: "lena@quaypost.example", Role: desk.Owner}, {Name: "Timur Akhmetov", Email: "timur@quaypost.example", Role: desk.Writer}} {
		e, err := n.rooms.editors(n.app).Add(t.Context(), desk.Editor{}, e, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := n.rooms.editors(n.app).SetPassword(t.Context(), e, deskPhrase, 0); err != nil {
			t.Fatal(err)
		}
	}
	n.serveUntilTheEnd(t, listener)
	helper := httptest.NewServer(witness(n))
	defer helper.Close()
	runScript(t, "week.mjs", "APTA_SITE="+site, "APTA_WITNESS="+helper.URL, "APTA_ISSUE="+issue.ID.String(), "APTA_PHRASE="+deskPhrase)
}

// draftOf stores items and assembles a week's draft of them.
func draftOf(t testing.TB, n *newsroom, week string, lines []byte) newsletter.Issue {
	t.Helper()
	ctx := t.Context()
	var items []newsletter.Item
	for line := range bytes.Lines(lines) {
		it, err := readLine(line)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, it)
	}
	if _, err := n.rooms.newsletter.PutItems(ctx, items); err != nil {
		t.Fatal(err)
	}
	w, err := newsletter.ParseWeek(week, n.cfg.zone)
	if err != nil {
		t.Fatal(err)
	}
	issue, err := n.compose(ctx, n.rooms, w)
	if err != nil {
		t.Fatal(err)
	}
	if issue, err = n.rooms.newsletter.SaveIssue(ctx, issue); err != nil {
		t.Fatal(err)
	}
	return issue
}

// readLine reads an item as it is imported.
func readLine(line []byte) (it newsletter.Item, err error) {
	if err = json.Unmarshal(line, &it); err == nil {
		it.URL, err = intake.CheckURL(it.URL)
	}
	return it, err
}
