package bounce

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"apta/newsletter/transport"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestMain(m *testing.M) { databasetest.Run(m) }

// desk is a book with one reader in it.
type desk struct {
	t    *testing.T
	book *Book
	now  time.Time
	sub  subscribers.Subscriber
}

// onEach runs a test on both databases.
func onEach(t *testing.T, test func(d *desk)) {
	databasetest.Each(t, []database.Schema{subscribers.Schema(), Schema()}, func(t *testing.T, db *database.DB) { test(newDesk(t, db)) })
}

func newDesk(t *testing.T, db *database.DB) *desk {
	d := &desk{t: t, now: time.Date(2024, 10, 4, 9, 0, 0, 0, time.UTC)}
	now := func() time.Time { return d.now }
	ids := database.NewIDs(now, nil)
	keys, err := subscribers.NewKeys([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	readers := subscribers.NewStore(db, ids, keys, now).For("weekly")
	d.book = &Book{DB: db, IDs: ids, Keys: keys, Readers: readers, Policy: Policy{Soft: 3, Days: 30}, Folder: Folder{Dir: t.TempDir(), Most: 100}, Now: now}
	if _, err := readers.Add(t.Context(), subscribers.Subscriber{Email: theirs}, "test"); err != nil {
		t.Fatal(err)
	}
	if d.sub, err = readers.ByEmail(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	return d
}

// path is the reader's return path.
func (d *desk) path() string {
	return "bounces+" + d.book.Keys.FoldedToken(subscribers.PurposeReturn, d.sub.ID, d.sub.Generation) + "@quay.example"
}

// message is the Message-ID of an issue to the reader.
func (d *desk) message(issue database.ID) string {
	return transport.MessageID(issue, d.sub.ID, d.book.Keys.MessageTag(issue, d.sub.ID), "quay.example")
}

// mail is one of the forms, to the reader's return path and about one of our mails.
func (d *desk) mail(form string, changes ...string) []byte {
	return []byte(strings.NewReplacer(changes...).Replace(string(mailNamed(d.t, form))))
}

func (d *desk) take(raw []byte) Entry {
	d.t.Helper()
	e, err := d.book.Take(context.Background(), raw, "test")
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

// wants holds an entry's outcome and the reader's status against what they should be.
func (d *desk) wants(e Entry, outcome Outcome, status subscribers.Status) {
	d.t.Helper()
	sub, err := d.book.Readers.ByID(context.Background(), d.sub.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	if e.Outcome != outcome || sub.Status != status {
		d.t.Errorf("outcome %q (%s), the reader is %s; want %q and %s", e.Outcome, e.Why, sub.Status, outcome, status)
	}
}

const (
	toUs  = "To: bounces@quay.example"
	ours  = "issue.reader@quay.example"
	issue = database.ID(7 << 40)
)

func TestHardBounceActsAtOnceAndOnce(t *testing.T) {
	onEach(t, func(d *desk) {
		raw := d.mail("postfix", toUs, "To: "+d.path())
		e := d.take(raw)
		d.wants(e, DidBounce, subscribers.Bounced)
		if again := d.take(raw); !again.Repeated || again.ID != e.ID {
			t.Errorf("again: %+v", again)
		}
		other := d.take(d.mail("qmail", toUs, "To: "+d.path()))
		d.wants(other, DidNothing, subscribers.Bounced)
		history, err := d.book.Readers.Consents(t.Context(), d.sub.ID)
		if err != nil || len(history) != 2 || !strings.Contains(history[1].Source, "hard bounce: mailbox unknown (report "+e.ID.String()+")") {
			t.Errorf("%v %+v", err, history)
		}
		if _, err := d.book.Undo(t.Context(), e.ID); err != nil {
			t.Fatal(err)
		}
		d.wants(e, DidBounce, subscribers.Active)
		if _, err := d.book.Undo(t.Context(), e.ID); !errors.Is(err, ErrNoEffect) {
			t.Errorf("undone twice: %v", err)
		}
		if strings.Contains(e.Diagnostic, "@") {
			t.Errorf("an address is kept: %s", e.Diagnostic)
		}
	})
}

func TestSoftBouncesAreCountedByIssue(t *testing.T) {
	onEach(t, func(d *desk) {
		soft := func(n database.ID, form string) Entry {
			d.now = d.now.Add(7 * 24 * time.Hour)
			return d.take(d.mail(form, toUs, "To: "+d.path(), ours, d.message(issue+n)))
		}
		d.wants(soft(1, "postfix-full"), DidCount, subscribers.Active)
		d.wants(soft(1, "expired"), DidCount, subscribers.Active) // of the same mail
		d.wants(soft(2, "postfix-delayed"), DidNothing, subscribers.Active)
		d.wants(soft(3, "policy"), DidCount, subscribers.Active)
		d.now = d.now.Add(25 * 24 * time.Hour)
		d.wants(soft(4, "tonline"), DidCount, subscribers.Active) // the first are long ago
		d.wants(soft(5, "expired"), DidCount, subscribers.Active)
		last := soft(6, "zoho")
		d.wants(last, DidBounce, subscribers.Bounced)
		if last.Why != "3 soft bounces in 30 days, the last: mailbox full" {
			t.Error(last.Why)
		}
		counts, err := d.book.Counts(t.Context(), issue+3)
		if err != nil || len(counts) != 1 || counts[0] != (Count{issue + 3, Soft, Spam, 1}) {
			t.Errorf("%v %+v", err, counts)
		}
		list, err := d.book.List(t.Context(), Filter{Reader: d.sub.ID, Kind: Soft, Limit: 3})
		if err != nil || len(list) != 3 || list[0].ID != last.ID {
			t.Errorf("%v %+v", err, list)
		}
	})
}

func TestComplaintsAndMailsThatUnsubscribe(t *testing.T) {
	onEach(t, func(d *desk) {
		leave := "bounces+unsub-" + d.book.Keys.FoldedToken(subscribers.PurposeUnsubscribe, d.sub.ID, d.sub.Generation) + "@quay.example"
		e := d.take(d.mail("answer", toUs, "To: "+strings.ToUpper(leave))) // some send no subject
		d.wants(e, DidUnsubscribe, subscribers.Unsubscribed)
		d.wants(d.take(d.mail("vacation", toUs, "To: "+leave)), DidNothing, subscribers.Unsubscribed)
		d.wants(d.take(d.mail("arf", toUs, "To: abuse@quay.example", ours, d.message(issue))), DidComplain, subscribers.Complained)
		if _, err := d.book.Undo(t.Context(), e.ID); err != nil { // they have complained since
			t.Fatal(err)
		}
		d.wants(e, DidUnsubscribe, subscribers.Complained)
	})
}

func TestFault_B1_ForgedReportsDoNothing(t *testing.T) {
	onEach(t, func(d *desk) {
		stranger := d.book.Keys.FoldedToken(subscribers.PurposeReturn, d.sub.ID+1, 0)
		revoked := d.book.Keys.FoldedToken(subscribers.PurposeReturn, d.sub.ID, d.sub.Generation+1)
		wrong := d.book.Keys.FoldedToken(subscribers.PurposePreferences, d.sub.ID, d.sub.Generation)
		neighbour := transport.MessageID(issue, d.sub.ID, d.book.Keys.MessageTag(issue+1, d.sub.ID), "quay.example")
		for name, raw := range map[string][]byte{
			"no token":               d.mail("postfix"),
			"another's token":        d.mail("postfix", toUs, "To: bounces+"+stranger+"@quay.example"),
			"a revoked token":        d.mail("postfix", toUs, "To: bounces+"+revoked+"@quay.example"),
			"a token for a page":     d.mail("postfix", toUs, "To: bounces+"+wrong+"@quay.example"),
			"half a token":           d.mail("postfix", toUs, "To: "+d.path()[:30]+"@quay.example"),
			"a complaint":            d.mail("arf"),
			"another issue's tag":    d.mail("arf", ours, neighbour),
			"a guessed message":      d.mail("arf", ours, transport.MessageID(issue, d.sub.ID, "", "quay.example"), theirs, "other@harbour.example"),
			"a subject":              d.mail("apple-unsubscribe"),
			"a token where it is no": d.mail("postfix", "The week at the quay", d.path()),
			"to leave, by a bounce":  d.mail("apple-unsubscribe", toUs, "To: "+d.path()),
		} {
			e := d.take(raw)
			if e.Outcome != Unproved {
				t.Errorf("%s: %+v", name, e)
			}
			d.wants(e, e.Outcome, subscribers.Active)
			if kept := d.mustUnread(); kept[e.Digest].Why == "" {
				t.Errorf("%s: not listed", name)
			}
		}
		// Of before there were tags: with the reader's own address it counts.
		old := d.take(d.mail("arf", ours, transport.MessageID(issue, d.sub.ID, "", "quay.example")))
		d.wants(old, DidComplain, subscribers.Complained)
	})
}

func (d *desk) mustUnread() map[string]Kept {
	d.t.Helper()
	list, err := d.book.Unread(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	kept := map[string]Kept{}
	for _, k := range list {
		kept[k.Digest] = k
	}
	return kept
}

func TestFault_B2_NothingIsCountedThatIsNoBounce(t *testing.T) {
	onEach(t, func(d *desk) {
		for _, form := range []string{"vacation", "vacation-ru", "challenge", "digest", "success", "arf-auth"} {
			e := d.take(d.mail(form, toUs, "To: "+d.path(), ours, d.message(issue)))
			d.wants(e, DidNothing, subscribers.Active)
		}
		if kept := d.mustUnread(); len(kept) != 0 {
			t.Errorf("%+v", kept)
		}
	})
}

func TestFault_B3_WhatCannotBeReadIsKept(t *testing.T) {
	onEach(t, func(d *desk) {
		large, rubbish := make([]byte, MaxSize+1), []byte("\x00\x01")
		for _, raw := range [][]byte{large, rubbish, d.mail("answer")} {
			e := d.take(raw)
			d.wants(e, Unread, subscribers.Active)
			if k := d.mustUnread()[e.Digest]; k.Size != int64(len(raw)) || k.Why == "" {
				t.Errorf("%+v", k)
			}
		}
		d.book.Folder.Most = 3
		if _, err := d.book.Take(t.Context(), []byte("\x02"), "test"); !errors.Is(err, ErrFull) {
			t.Errorf("a full folder: %v", err)
		}
	})
}

func TestLettersThatComeBackSayNothing(t *testing.T) {
	onEach(t, func(d *desk) {
		d.wants(d.take(d.mail("postfix", toUs, "To: bounces+letter@quay.example")), DidNothing, subscribers.Active)
		if kept := d.mustUnread(); len(kept) != 0 {
			t.Errorf("%+v", kept)
		}
	})
}

func TestReaderWhoIsErased(t *testing.T) {
	onEach(t, func(d *desk) {
		raw := d.mail("postfix", ours, d.message(issue))
		if err := d.book.Readers.Erase(t.Context(), d.sub.ID, "test"); err != nil {
			t.Fatal(err)
		}
		if e := d.take(raw); e.Outcome != DidNothing || e.Why != "there is no such reader any more" {
			t.Errorf("%+v", e)
		}
	})
}
