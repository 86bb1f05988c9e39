package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/transport/smtptest"
	"apta/subscribers"
)

// Two newsletters with schedules of their own, one of them in two languages, go
// out by themselves: every reader gets exactly their own mail, from its sender.
func TestEveryNewsletterGoesOutByItself(t *testing.T) {
	relay, err := smtptest.Start(smtptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(relay.Close)
	ctx, n := context.Background(), &newsroom{relay: relay}
	var out bytes.Buffer
	n.app = &app{stdout: &out, stderr: &out, now: func() time.Time { return *n.clock.Load() }}
	n.at(t, "2024-10-14T12:00:00+05:00")
	n.cfg, err = loadSite(t, nil, "apta.toml", fmt.Sprintf(`
newsletters = ["ports.toml"]
[newsletter]
languages = ["en", "ru"]
[language.ru]
title_prefix = "Неделя"
standfirst = "Главное за неделю."
[schedule]
zone = "Asia/Almaty"
policy = "auto"
cool_off = "0s"
[mail]
from = "weekly@quay.example"
[smtp]
host = "127.0.0.1"
port = %d
tls = "none"
`, relay.Port()), "ports.toml", `
[newsletter]
slug = "ports"
language = "ru"
title_prefix = "Порты"
standfirst = "Главное о портах."
[schedule]
cron = "0 9 * * SAT"
[mail]
from = "ports@harbour.example"
`)
	if err != nil {
		t.Fatal(err)
	}
	n.cfg.Backup.Folder = filepath.Join(t.TempDir(), "backups")
	if n.rooms, err = n.open(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.close() })
	ports, _ := n.bySlug("ports")
	for address, in := range map[string]struct {
		app      *app
		language string
	}{
		"english@example.org": {n.app, "en"}, "any@example.org": {n.app, ""}, "russian@example.org": {n.app, "ru"},
		"both@example.org": {n.app, "ru"}, "docker@example.org": {ports, ""}, "both@example.org ": {ports, "ru"},
	} {
		if _, err := in.app.as(in.app.cfg).rooms.subscribers.Add(ctx, subscribers.Subscriber{Email: strings.TrimSpace(address), Language: in.language}, "test"); err != nil {
			t.Fatal(err)
		}
	}
	senders, err := n.senders(n.rooms)
	if err != nil || senders["weekly"] != senders["ports"] {
		t.Fatalf("they have %v (%v)", senders, err)
	}
	n.sender = senders["weekly"]
	n.work(t, senders)
	n.tick(t) // history begins here
	for language, summary := range map[string]string{"en": "Dredging of the harbour began.", "ru": "Порт закрыли на ремонт."} {
		_, err := n.rooms.newsletter.PutItems(ctx, []newsletter.Item{{URL: "https://quay.example/" + language, Title: summary, Summary: summary, Theme: "Harbour", Language: language, Published: n.clock.Load().Add(time.Hour)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	got := func() string {
		all := map[string]string{}
		for _, m := range relay.Messages() {
			_, to, _ := strings.Cut(m.Data, "\nTo: <")
			to, _, _ = strings.Cut(to, "@")
			from, _, _ := strings.Cut(strings.TrimPrefix(m.From, "<"), "@")
			what := "en"
			if strings.Contains(m.Data, "https://quay.example/ru") {
				what = "ru"
			}
			all[to] = strings.TrimSpace(all[to] + " " + from + "/" + what)
		}
		return fmt.Sprint(all)
	}
	for _, step := range [][2]string{
		{"2024-10-18T09:00:00+05:00", "map[any:weekly/en both:weekly/ru english:weekly/en russian:weekly/ru]"},
		{"2024-10-18T09:05:00+05:00", "map[any:weekly/en both:weekly/ru english:weekly/en russian:weekly/ru]"},
		{"2024-10-19T09:00:00+05:00", "map[any:weekly/en both:weekly/ru ports/ru docker:ports/ru english:weekly/en russian:weekly/ru]"},
		{"2024-10-19T12:00:00+05:00", "map[any:weekly/en both:weekly/ru ports/ru docker:ports/ru english:weekly/en russian:weekly/ru]"},
	} {
		n.at(t, step[0])
		n.tick(t)
		n.tick(t)
		if got := got(); got != step[1] {
			t.Fatalf("at %s they got\n%s, not\n%s\n%s", step[0], got, step[1], &out)
		}
	}
}
