package notice_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter/notice"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestMain(m *testing.M) { databasetest.Run(m) }

var start = time.Date(2026, 10, 16, 9, 0, 0, 0, time.UTC)

// clerk is a store on a clock of the test's own.
type clerk struct {
	*notice.Store
	t   *testing.T
	now time.Time
}

func each(t *testing.T, test func(t *testing.T, c *clerk, db *database.DB)) {
	databasetest.Each(t, []database.Schema{notice.Schema()}, func(t *testing.T, db *database.DB) {
		c := &clerk{t: t, now: start}
		c.Store = notice.NewStore(db, database.NewIDs(nil, nil), func() time.Time { return c.now })
		test(t, c, db)
	})
}

func (c *clerk) add(n notice.Notice) {
	c.t.Helper()
	n.Newsletter = "weekly"
	if err := c.Add(context.Background(), n); err != nil {
		c.t.Fatal(err)
	}
}

func (c *clerk) next() (notice.Notice, bool) {
	c.t.Helper()
	n, found, err := c.Next(context.Background(), "weekly", time.Minute)
	if err != nil {
		c.t.Fatal(err)
	}
	return n, found
}

func TestANoticeComesAsItWasWritten(t *testing.T) {
	each(t, func(t *testing.T, c *clerk, _ *database.DB) {
		c.add(notice.Notice{Key: "assembled/1/a", Kind: notice.Assembled, To: "a@news.example", Language: "ru", Link: "https://news.example/desk/issues/1",
			Data: map[string]string{"week": "2026-W42"}, Facts: []notice.Fact{{Name: "title", Text: "A Week"}, {Name: "cut_off", At: start.Add(4 * time.Hour)}}})
		if _, found, err := c.Next(context.Background(), "other", time.Minute); found || err != nil {
			t.Errorf("another newsletter's postman was given it (%v)", err)
		}
		n, found := c.next()
		if !found || n.To != "a@news.example" || n.Language != "ru" || n.Data["week"] != "2026-W42" || len(n.Facts) != 2 || !n.Facts[1].At.Equal(start.Add(4*time.Hour)) || n.Tries != 1 || n.Link == "" {
			t.Errorf("got %+v, %v", n, found)
		}
		if _, found := c.next(); found {
			t.Error("it was given to two at once")
		}
		c.now = c.now.Add(2 * time.Minute) // who had it has died
		if n, found = c.next(); !found || n.Tries != 2 {
			t.Errorf("after a crash: %+v, %v", n, found)
		}
		if err := c.Sent(context.Background(), n.ID); err != nil {
			t.Fatal(err)
		}
		c.now = c.now.Add(24 * time.Hour)
		if _, found := c.next(); found {
			t.Error("a sent one was given again")
		}
	})
}

// Of one key one notice is written, however often and after it was sent too.
func TestAKeyIsWrittenOnce(t *testing.T) {
	each(t, func(t *testing.T, c *clerk, _ *database.DB) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { c.add(notice.Notice{Key: "reminder/1/a", Kind: notice.Reminder, To: "a@news.example"}) })
		}
		all.Wait()
		var given atomic.Int32
		for range 8 {
			all.Go(func() {
				if n, found := c.next(); found {
					given.Add(1)
					if err := c.Sent(context.Background(), n.ID); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		c.add(notice.Notice{Key: "reminder/1/a", Kind: notice.Reminder, To: "a@news.example"})
		if _, found := c.next(); found || given.Load() != 1 {
			t.Errorf("it was given %d times and once more %v", given.Load(), found)
		}
		c.add(notice.Notice{Kind: notice.SignIn, To: "a@news.example"})
		c.add(notice.Notice{Kind: notice.SignIn, To: "a@news.example"})
		if _, first := c.next(); !first {
			t.Error("a notice without a key was lost")
		}
		if _, second := c.next(); !second {
			t.Error("two notices without keys became one")
		}
	})
}

// What a transaction that fails has written is not sent.
func TestANoticeGoesWithItsTransaction(t *testing.T) {
	each(t, func(t *testing.T, c *clerk, db *database.DB) {
		ctx, power := context.Background(), errors.New("power cut")
		err := db.InTx(ctx, func(tx *sql.Tx) error {
			return errors.Join(c.AddTx(ctx, tx, notice.Notice{Newsletter: "weekly", Kind: notice.Held, To: "a@news.example"}), power)
		})
		if _, found := c.next(); found || !errors.Is(err, power) {
			t.Errorf("found %v (%v)", found, err)
		}
	})
}

// A failed one waits, an expired one is never sent, an old one is given up.
func TestNoticesThatAreNotSent(t *testing.T) {
	each(t, func(t *testing.T, c *clerk, _ *database.DB) {
		ctx := context.Background()
		c.add(notice.Notice{Kind: notice.SignIn, To: "late@news.example", Expires: start.Add(15 * time.Minute)})
		n, _ := c.next()
		if err := c.Failed(ctx, n.ID, start.Add(20*time.Minute)); err != nil {
			t.Fatal(err)
		}
		c.now = start.Add(21 * time.Minute)
		if n, found := c.next(); found {
			t.Errorf("an expired one was given: %+v", n)
		}
		c.add(notice.Notice{Kind: notice.Held, Key: "held", To: "a@news.example"})
		n, _ = c.next()
		if err := c.Failed(ctx, n.ID, c.now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, found := c.next(); found {
			t.Error("a failed one was given before its time")
		}
		c.now = c.now.AddDate(0, 0, 8)
		if err := c.Tend(ctx); err != nil {
			t.Fatal(err)
		}
		if _, found := c.next(); found {
			t.Error("one that found no relay for a week was not given up")
		}
	})
}
