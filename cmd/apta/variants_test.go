package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/subscribers"
)

// Readers get the topics and the format they chose; one for whom the week has
// nothing gets nothing.
func TestReadersGetTheirTopics(t *testing.T) {
	n := newNewsroom(t, nil)
	ctx := context.Background()
	for _, sub := range []subscribers.Subscriber{
		{Email: "harbour@example.org", Topics: []string{"Harbour"}},
		{Email: "courts@example.org", Topics: []string{"Courts"}, Format: "text"},
		{Email: "both@example.org", Topics: []string{"Courts", "Harbour"}},
		{Email: "plain@example.org", Format: "text"},
		{Email: "opera@example.org", Topics: []string{"Opera"}},
		{Email: "late@example.org"},
	} {
		if _, err := n.rooms.subscribers.Add(ctx, sub, "test"); err != nil {
			t.Fatal(err)
		}
	}
	n.at(t, "2024-10-15T12:00:00+05:00")
	n.tick(t)
	var items []newsletter.Item
	for _, theme := range []string{"Harbour", "Courts", "War"} {
		for _, latest := range []bool{false, true} {
			text := map[bool]string{true: "Headline", false: "Story"}[latest] + " of the " + theme
			items = append(items, newsletter.Item{URL: "https://x.example/" + strings.ReplaceAll(text, " ", "-"), Title: text, Summary: text + " was told.", Theme: theme, Latest: latest, Published: n.now().Add(time.Hour)})
		}
	}
	if _, err := n.rooms.newsletter.PutItems(ctx, items); err != nil {
		t.Fatal(err)
	}
	n.at(t, "2024-10-18T08:00:00+05:00")
	issue, err := n.compose(ctx, n.rooms, n.cfg.slotWindow(n.cfg.cron.Next(n.now())))
	if err != nil {
		t.Fatal(err)
	}
	if issue, err = n.rooms.newsletter.SaveIssue(ctx, issue); err != nil {
		t.Fatal(err)
	}
	if _, err := n.approve(ctx, n.rooms, issue, byCommand); err != nil {
		t.Fatal(err)
	}
	// Chosen after the approval, and by nobody before: the whole issue, as text.
	late, err := n.rooms.subscribers.ByEmail(ctx, "late@example.org")
	if err != nil {
		t.Fatal(err)
	}
	if err := n.rooms.subscribers.Choose(ctx, late.ID, subscribers.Wishes{Format: "text", Topics: []string{"War"}}, subscribers.Consent{Source: "test"}); err != nil {
		t.Fatal(err)
	}
	n.at(t, "2024-10-18T09:00:00+05:00")
	n.tick(t)
	want := map[string]struct {
		themes string
		html   bool
	}{
		"a@example.org": {"Harbour Courts War", true}, "harbour@example.org": {"Harbour", true}, "courts@example.org": {"Courts", false},
		"both@example.org": {"Harbour Courts", true}, "plain@example.org": {"Harbour Courts War", false}, "late@example.org": {"Harbour Courts War", false},
	}
	for _, m := range n.relay.Messages() {
		address := strings.Trim(strings.Fields(m.To)[0], "<>")
		letter, err := opened(m)
		if err != nil {
			t.Fatal(err)
		}
		expected, due := want[address]
		if !due {
			t.Errorf("%s got a mail", address)
			continue
		}
		delete(want, address)
		if _, html := letter["text/html"]; html != expected.html {
			t.Errorf("%s: HTML %v", address, html)
		}
		for kind, body := range letter {
			if kind == "subject" {
				continue
			}
			for _, theme := range []string{"Harbour", "Courts", "War"} {
				for _, text := range []string{"Story of the ", "Headline of the "} {
					if got := strings.Contains(body, text+theme); got != strings.Contains(expected.themes, theme) {
						t.Errorf("%s, %s: %s%s is there: %v\n%s", address, kind, text, theme, got, body)
					}
				}
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("no mail to %v", want)
	}
	counts, err := n.rooms.ledger.Reasons(ctx, issue.ID, 10)
	if err != nil || len(counts) != 1 || !strings.Contains(counts[0].Why, "nothing of their topics") {
		t.Errorf("the ledger's reasons are %+v (%v)", counts, err)
	}
}
