package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/subscribers"
	"apta/subscribers/database/databasetest"
)

// An issue that is half sent from SQLite is finished on PostgreSQL, then the
// next one goes out from there: every reader has each exactly once.
func TestHalfSentIssueMovesToPostgreSQL(t *testing.T) {
	pg, err := databasetest.StartPostgreSQL(t.TempDir())
	if errors.Is(err, databasetest.ErrNoPostgreSQL) {
		t.Skip("skipped: " + err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pg.Stop("immediate") })

	ctx := context.Background()
	n := openNewsroom(t, func(c *Config) { c.Schedule.Policy = "approve" })
	n.at(t, "2024-10-18T12:00:00+05:00")
	const readers = 3000 // with the one a newsroom has
	subs := make([]subscribers.Subscriber, readers-1)
	for i := range subs {
		subs[i].Email = fmt.Sprintf("reader%d@readers.example", i)
	}
	if _, err := n.rooms.subscribers.AddAll(ctx, subs, "test"); err != nil {
		t.Fatal(err)
	}
	issue := n.approved(t, "2024-10-16T12:00:00+05:00", "2024-W42")
	n.sendSome(t, issue, readers/2)
	before := n.relay.Count()
	if before < readers/2 || before >= readers {
		t.Fatalf("%d mails went out before the move", before)
	}

	if err := n.migrateTo(ctx, n.cfg, pg.URL("postgres")); err == nil || !strings.Contains(err.Error(), "stop apta serve and apta work first") {
		t.Errorf("with the database open: %v", err)
	}
	if err := n.rooms.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.migrateTo(ctx, n.cfg, pg.URL("postgres")); err != nil {
		t.Fatal(err)
	}
	said := strings.Join(strings.Fields(n.stdout.(*bytes.Buffer).String()), " ")
	for _, want := range []string{fmt.Sprintf("%d subscribers", readers), fmt.Sprintf("%d deliveries", readers), "2 editions", "every row was read back", `database = "postgres://apta@127.0.0.1`} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing of %q in\n%s", want, said)
		}
	}
	if err := n.migrateTo(ctx, n.cfg, pg.URL("postgres")); !errors.Is(err, delivery.ErrRestored) {
		t.Errorf("a second time: %v", err)
	}

	old := n.cfg.Database
	n.reopen(t, old)
	if err := n.passGuard(ctx, n.rooms); !errors.Is(err, delivery.ErrRestored) {
		t.Errorf("the old database may still send: %v", err)
	}
	if err := n.rooms.db.Close(); err != nil {
		t.Fatal(err)
	}
	n.reopen(t, pg.URL("postgres"))
	if err := n.passGuard(ctx, n.rooms); err != nil {
		t.Error(err)
	}
	n.sendSome(t, issue, 2*readers)
	n.everyoneHas(t, 1)
	n.sendSome(t, n.approved(t, "2024-10-23T12:00:00+05:00", "2024-W43"), 2*readers)
	n.everyoneHas(t, 2)
}

// approved is a week's issue with one item, approved.
func (n *newsroom) approved(t *testing.T, item, week string) newsletter.Issue {
	t.Helper()
	ctx := context.Background()
	n.item(t, item)
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
	if issue, err = n.approve(ctx, n.rooms, issue, byCommand); err != nil {
		t.Fatal(err)
	}
	return issue
}

// sendSome sends an issue until the relay has so many mails more, or all are out.
func (n *newsroom) sendSome(t *testing.T, issue newsletter.Issue, mails int) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	sender, err := n.app.sender(n.rooms)
	if err != nil {
		t.Fatal(err)
	}
	if now, err := n.rooms.newsletter.Issue(ctx, "weekly", issue.ID.String()); err != nil || now.Status == newsletter.Approved {
		if err := errors.Join(err, sender.Start(ctx, issue)); err != nil {
			t.Fatal(err)
		}
	}
	enough := n.relay.Count() + mails
	go func() {
		for n.relay.Count() < enough && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		stop()
	}()
	if err := sender.Work(ctx, issue.ID); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func (n *newsroom) reopen(t *testing.T, url string) {
	t.Helper()
	cfg := *n.cfg
	cfg.Database = url
	n.cfg, n.app.rooms = &cfg, nil
	var err error
	if n.rooms, err = n.open(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// everyoneHas holds the relay's own book against so many mails a reader.
func (n *newsroom) everyoneHas(t *testing.T, mails int) {
	t.Helper()
	got := map[string]int{}
	for _, m := range n.relay.Messages() {
		got[strings.Trim(m.To, "<>")]++
	}
	wrong := 0
	err := n.rooms.subscribers.Each(context.Background(), func(s subscribers.Subscriber) error {
		if got[s.Email] != mails {
			wrong++
		}
		return nil
	})
	if err != nil || wrong > 0 || n.relay.Count() != mails*len(got) {
		t.Errorf("%d of %d readers have not %d mails each (%d mails in all, %v)", wrong, len(got), mails, n.relay.Count(), err)
	}
}

func TestMigrateToWantsAnEmptyDatabase(t *testing.T) {
	ctx := context.Background()
	n, other := openNewsroom(t, nil), openNewsroom(t, nil)
	if err := n.rooms.db.Close(); err != nil {
		t.Fatal(err)
	}
	err := n.migrateTo(ctx, n.cfg, other.cfg.Database)
	if err == nil || !strings.Contains(err.Error(), "it is not empty: consents has 1 rows; nothing was changed; make a fresh database") {
		t.Errorf("error %v", err)
	}
	fresh := filepath.Join(t.TempDir(), "new.db")
	if err := n.migrateTo(ctx, n.cfg, fresh); err != nil {
		t.Errorf("to an empty one afterwards: %v", err)
	}
}

// An old copy of the database is not moved.
func TestFault_L7_AnOldCopyIsNotMigrated(t *testing.T) {
	ctx := context.Background()
	n := openNewsroom(t, nil)
	if err := errors.Join(n.passGuard(ctx, n.rooms), n.passGuard(ctx, n.rooms)); err != nil {
		t.Fatal(err)
	}
	if _, err := n.rooms.db.Exec(ctx, `UPDATE generation SET count = 1`); err != nil {
		t.Fatal(err)
	}
	if err := n.rooms.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.migrateTo(ctx, n.cfg, filepath.Join(t.TempDir(), "new.db")); !errors.Is(err, delivery.ErrRestored) {
		t.Errorf("an old copy was moved: %v", err)
	}
}
