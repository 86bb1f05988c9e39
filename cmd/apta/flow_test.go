package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"apta/newsletter"
)

// editorial is a newsroom whose editors are told by mail, with a minute's worth of
// everything: the schedule, the send, and the post.
type editorial struct {
	*newsroom
	t       *testing.T
	postman *postman
}

func newEditorial(t *testing.T, set func(*Config)) *editorial {
	t.Helper()
	n := newNewsroom(t, func(c *Config) {
		c.Schedule.Policy, c.Schedule.CutOff, c.Schedule.CoolOff = "approve", "4h", "15m"
		c.Schedule.Editors = []string{"desk@news.example", "chief@news.example"}
		if set != nil {
			set(c)
		}
	})
	e := &editorial{newsroom: n, t: t}
	var err error
	if e.postman, err = n.app.postman(n.rooms); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.postman.hangUp)
	e.minute("2024-10-15T12:00:00+05:00") // history begins
	return e
}

func (e *editorial) minute(clock string) {
	e.t.Helper()
	e.at(e.t, clock)
	e.tick(e.t)
	e.tick(e.t) // what a send's end makes due
	if err := e.postman.sendDue(context.Background()); err != nil {
		e.t.Fatal(err)
	}
}

// subjects are those of the mails that an address has.
func (e *editorial) subjects(address string) (list []string) {
	e.t.Helper()
	for _, m := range e.relay.Messages() {
		if !strings.Contains(m.To, address) {
			continue
		}
		letter, err := opened(m)
		if err != nil {
			e.t.Fatal(err)
		}
		list = append(list, letter["subject"])
	}
	return list
}

func (e *editorial) expect(address string, want ...string) {
	e.t.Helper()
	got := e.subjects(address)
	if len(got) != len(want) {
		e.t.Fatalf("%s has %q, want %q", address, got, want)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			e.t.Errorf("mail %d to %s is %q, want %q", i, address, got[i], want[i])
		}
	}
}

// A week with all its mails: assembled, reminded, approved, pulled back, approved
// anew, sent, reported; each editor has each once.
func TestEditorsFollowAWeekByMail(t *testing.T) {
	e := newEditorial(t, nil)
	ctx := context.Background()
	e.item(t, "2024-10-16T12:00:00+05:00")
	e.minute("2024-10-18T09:00:00+05:00")
	e.minute("2024-10-18T09:01:00+05:00")
	e.minute("2024-10-18T12:00:00+05:00")
	e.minute("2024-10-18T12:01:00+05:00")
	issue, err := e.rooms.newsletter.Issue(ctx, "weekly", "2024-W42")
	if err != nil {
		t.Fatal(err)
	}
	if issue, err = e.approve(ctx, e.rooms, issue, "Aigul"); err != nil {
		t.Fatal(err)
	}
	if got := e.cfg.moment(issue.SendsAt); got != "Fri 2024-10-18 12:16 Asia/Almaty" {
		t.Errorf("it is to be sent at %s", got)
	}
	e.minute("2024-10-18T12:15:59+05:00")
	if err := e.flow(e.rooms).PullBack(ctx, issue, "Aigul", "a name is wrong"); err != nil {
		t.Fatal(err)
	}
	e.minute("2024-10-18T12:16:00+05:00")
	e.minute("2024-10-18T20:00:00+05:00") // the cut-off decides nothing about it any more
	e.expect("a@example.org")
	if issue, err = e.rooms.newsletter.Issue(ctx, "weekly", "2024-W42"); err != nil || issue.Status != newsletter.Draft {
		t.Fatalf("it is %s (%v)", issue.Status, err)
	}
	if _, err = e.approve(ctx, e.rooms, issue, "Aigul"); err != nil {
		t.Fatal(err)
	}
	e.minute("2024-10-18T20:14:00+05:00")
	e.minute("2024-10-18T20:15:00+05:00")
	e.minute("2024-10-18T20:16:00+05:00")
	e.expect("a@example.org", issue.Subject)
	for _, editor := range e.cfg.Schedule.Editors {
		e.expect(editor, "2024-W42 is assembled: ", "Still to be approved: 2024-W42", "2024-W42 is approved: ", "2024-W42 was pulled back: ", "2024-W42 is approved: ", "Sent: 2024-W42")
	}
	for _, m := range e.relay.Messages() {
		letter, err := opened(m)
		if err != nil {
			t.Fatal(err)
		}
		if text := letter["text/plain"]; strings.HasPrefix(letter["subject"], "Sent:") && (!strings.Contains(text, "Accepted: 1\r\n") || !strings.Contains(text, "Total: 1\r\n") || !strings.Contains(text, "/desk/issues/"+issue.ID.String())) {
			t.Errorf("the report is\n%s", text)
		}
	}
}

// Nobody approves: held at the cut-off, and said so.
func TestHeldAtTheCutOff(t *testing.T) {
	e := newEditorial(t, nil)
	e.item(t, "2024-10-16T12:00:00+05:00")
	e.minute("2024-10-18T09:00:00+05:00")
	e.minute("2024-10-18T13:00:00+05:00")
	e.minute("2024-10-18T13:30:00+05:00")
	e.expect("desk@news.example", "2024-W42 is assembled: ", "Held: 2024-W42")
	if got := strings.Join(e.issues(t), ", "); got != "2024-W42 held" {
		t.Errorf("there are %s", got)
	}
}

// A skipped week's items, and those of a week with too few, stand in the next
// issue, or do not where they are to be dropped; what comes late comes in any case.
func TestItemsOfAWeekWithoutAnIssue(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*Config)
		want string // the days of October whose items the issue of 2024-W43 has
	}{
		{"skipped", func(c *Config) { c.Schedule.Skip = []string{"2024-W42"} }, "16 17 22 23"},
		{"too few", func(c *Config) { c.Newsletter.MinItems = 2 }, "16 17 22 23"},
		{"too few, dropped", func(c *Config) { c.Newsletter.MinItems, c.Newsletter.BelowMinimum = 2, "skip" }, "17 22 23"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEditorial(t, func(cfg *Config) {
				cfg.Schedule.Policy, cfg.Schedule.CoolOff = "auto", "0s"
				c.set(cfg)
			})
			e.item(t, "2024-10-08T12:00:00+05:00")
			e.item(t, "2024-10-09T12:00:00+05:00")
			w, err := newsletter.Dates("2024-10-04", "2024-10-11", e.cfg.zone)
			if err != nil {
				t.Fatal(err)
			}
			issue, err := e.compose(context.Background(), e.rooms, w) // an issue before, made by hand
			if err != nil {
				t.Fatal(err)
			}
			issue.Status = newsletter.Sent
			if _, err := e.rooms.newsletter.SaveIssue(context.Background(), issue); err != nil {
				t.Fatal(err)
			}
			e.at(t, "2024-10-16T13:00:00+05:00")
			e.item(t, "2024-10-16T12:00:00+05:00")
			e.minute("2024-10-18T09:00:00+05:00")
			e.at(t, "2024-10-19T09:00:00+05:00")
			e.item(t, "2024-10-17T12:00:00+05:00") // late
			e.item(t, "2024-10-22T12:00:00+05:00")
			e.item(t, "2024-10-23T12:00:00+05:00")
			e.minute("2024-10-25T09:00:00+05:00")
			next, err := e.rooms.newsletter.Issue(context.Background(), "weekly", "2024-W43")
			if err != nil {
				t.Fatal(err)
			}
			var days []string
			for _, s := range next.Strands {
				for _, p := range s.Items {
					days = append(days, strings.TrimPrefix(p.URL, "https://x.example/2024-10-")[:2])
				}
			}
			if got := strings.Join(days, " "); got != c.want {
				t.Errorf("it has the items of %s, want %s", got, c.want)
			}
			if got := e.subjects("desk@news.example"); !slices.Contains(got, "No issue for 2024-W42") {
				t.Errorf("the editors have %q", got)
			}
		})
	}
}
