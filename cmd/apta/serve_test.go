package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/newsletter/jobs"
	"apta/newsletter/transport/smtptest"
	"apta/subscribers"
)

// newsroom is a program with a clock of the test's own.
type newsroom struct {
	*app
	rooms  *rooms
	sender *delivery.Sender
	relay  *smtptest.Server
	clock  atomic.Pointer[time.Time]
}

// newNewsroom is one whose engine runs.
func newNewsroom(t *testing.T, set func(*Config)) *newsroom {
	t.Helper()
	n := openNewsroom(t, set)
	n.run(t)
	return n
}

func openNewsroom(t *testing.T, set func(*Config)) *newsroom {
	t.Helper()
	relay, err := smtptest.Start(smtptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(relay.Close)
	n := &newsroom{relay: relay}
	n.at(t, "2024-10-01T12:00:00+05:00")
	var out bytes.Buffer
	n.app = &app{stdout: &out, stderr: &out, now: func() time.Time { return *n.clock.Load() }}
	c := defaults()
	c.SMTP.Host, c.SMTP.Port, c.SMTP.TLS = relay.Host(), relay.Port(), "none"
	c.Mail.From, c.Schedule.Zone, c.Schedule.Policy = "weekly@news.example", "Asia/Almaty", "auto"
	c.Schedule.CoolOff = "0s"
	if set != nil {
		set(&c)
	}
	for _, problem := range c.check() {
		t.Fatal(problem)
	}
	c.resolvePaths(filepath.Join(t.TempDir(), "apta.toml"))
	n.cfg = &c
	if n.rooms, err = n.open(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.close() })
	if _, err := n.rooms.subscribers.Add(context.Background(), subscribers.Subscriber{Email: "a@example.org"}, "test"); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *newsroom) wait(d time.Duration) {
	now := n.clock.Load().Add(d)
	n.clock.Store(&now)
}

func (n *newsroom) at(t *testing.T, clock string) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, clock)
	if err != nil {
		t.Fatal(err)
	}
	n.clock.Store(&at)
}

func (n *newsroom) item(t *testing.T, published string) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, published)
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.rooms.newsletter.PutItems(context.Background(), []newsletter.Item{{URL: "https://x.example/" + published, Title: "T", Summary: "It happened on " + published + ".", Theme: "Harbour", Published: at}})
	if err != nil {
		t.Fatal(err)
	}
}

// run does jobs as apta serve would, but for those of every minute.
func (n *newsroom) run(t *testing.T) {
	t.Helper()
	var err error
	if n.sender, err = n.app.sender(n.rooms); err != nil {
		t.Fatal(err)
	}
	n.work(t, senders{n.cfg.Newsletter.Slug: n.sender})
}

// work does the jobs until the test ends.
func (n *newsroom) work(t *testing.T, by senders) {
	t.Helper()
	engine := n.background(n.rooms, by)
	engine.Poll = 10 * time.Millisecond
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
}

// tick is what happens in a minute of apta serve.
func (n *newsroom) tick(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	if err := n.rooms.jobs.Insert(ctx, everyMinute{}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		open, err := n.rooms.jobs.List(ctx, 10, jobs.Open...)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("there are still %+v (%v)", open, err)
		}
		if len(open) == 0 {
			break
		}
	}
	sends, err := n.rooms.ledger.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, send := range sends {
		if err := n.sender.Work(ctx, send.Issue); err != nil {
			t.Fatal(err)
		}
	}
}

func (n *newsroom) issues(t *testing.T) (list []string) {
	t.Helper()
	issues, err := n.rooms.newsletter.Issues(context.Background(), "weekly", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range issues {
		list = append(list, i.Week+" "+string(i.Status))
	}
	return list
}

func TestTheWeekGoesOutByItself(t *testing.T) {
	n := newNewsroom(t, nil)
	n.at(t, "2024-10-15T12:00:00+05:00")
	n.tick(t) // history begins here: nothing before it is made up
	n.item(t, "2024-10-16T12:00:00+05:00")
	n.at(t, "2024-10-18T08:59:59+05:00")
	n.tick(t)
	if got := n.issues(t); len(got) != 0 {
		t.Errorf("before the slot there are %v", got)
	}
	for _, clock := range []string{"2024-10-18T09:00:00+05:00", "2024-10-18T09:00:01+05:00", "2024-10-18T08:00:00+05:00", "2024-10-18T10:00:00+05:00"} {
		n.at(t, clock)
		n.tick(t)
	}
	if got := strings.Join(n.issues(t), ", "); got != "2024-W42 sent" || n.relay.Count() != 1 {
		t.Errorf("there are %s, and %d mails", got, n.relay.Count())
	}
}

func TestFault_T2_AMissedSlotIsMadeUpOnce(t *testing.T) {
	n := newNewsroom(t, nil)
	n.at(t, "2024-10-15T12:00:00+05:00")
	n.tick(t)
	for _, day := range []string{"2024-10-16", "2024-10-23", "2024-10-30"} {
		n.item(t, day+"T12:00:00+05:00")
	}
	n.at(t, "2024-11-01T20:00:00+05:00") // three slots later
	n.tick(t)
	n.tick(t)
	if got := strings.Join(n.issues(t), ", "); got != "2024-W44 sent" || n.relay.Count() != 1 {
		t.Errorf("there are %s, and %d mails", got, n.relay.Count())
	}
}

func TestTheEditorsApproveFirst(t *testing.T) {
	n := newNewsroom(t, func(c *Config) { c.Schedule.Policy = "approve" })
	ctx := context.Background()
	n.at(t, "2024-10-15T12:00:00+05:00")
	n.tick(t)
	n.item(t, "2024-10-16T12:00:00+05:00")
	n.at(t, "2024-10-18T09:00:00+05:00")
	n.tick(t)
	if got := strings.Join(n.issues(t), ", "); got != "2024-W42 draft" || n.relay.Count() != 0 {
		t.Fatalf("there are %s, and %d mails", got, n.relay.Count())
	}
	issue, err := n.rooms.newsletter.Issue(ctx, "weekly", "2024-W42")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.approve(ctx, n.rooms, issue, byCommand); err != nil {
		t.Fatal(err)
	}
	n.tick(t)
	if got := strings.Join(n.issues(t), ", "); got != "2024-W42 sent" || n.relay.Count() != 1 {
		t.Errorf("there are %s, and %d mails", got, n.relay.Count())
	}
}

// What an editor approved before the slot goes out at the slot, as it was approved.
func TestApprovedBeforeTheSlot(t *testing.T) {
	n := newNewsroom(t, func(c *Config) { c.Schedule.Policy = "approve" })
	ctx := context.Background()
	n.at(t, "2024-10-15T12:00:00+05:00")
	n.tick(t)
	n.item(t, "2024-10-16T12:00:00+05:00")
	n.at(t, "2024-10-17T12:00:00+05:00")
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
	n.item(t, "2024-10-18T08:00:00+05:00")
	n.tick(t)
	if n.relay.Count() != 0 {
		t.Fatal("it went out before its slot")
	}
	n.at(t, "2024-10-18T09:00:00+05:00")
	n.tick(t)
	if got := strings.Join(n.issues(t), ", "); got != "2024-W42 sent" || n.relay.Count() != 1 {
		t.Errorf("there are %s, and %d mails", got, n.relay.Count())
	}
	if m := n.relay.Messages()[0].Data; strings.Contains(m, "2024-10-18T08") {
		t.Error("an item that came after the approval went out")
	}
}

func TestAnEmptyWeekIsSkippedWithItsReason(t *testing.T) {
	n := newNewsroom(t, nil)
	n.at(t, "2024-10-15T12:00:00+05:00")
	n.tick(t)
	n.at(t, "2024-10-18T09:00:00+05:00")
	n.tick(t)
	n.item(t, "2024-10-17T12:00:00+05:00")
	n.tick(t)
	state, err := n.rooms.newsletter.SlotState(context.Background(), "weekly", "2024-W42")
	if err != nil || state != newsletter.SlotSkipped || n.relay.Count() != 0 || len(n.issues(t)) != 0 {
		t.Errorf("the slot is %s (%v), %d mails, issues %v", state, err, n.relay.Count(), n.issues(t))
	}
}
