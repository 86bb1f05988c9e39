package delivery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"apta/newsletter/transport"
	"apta/subscribers"
	"apta/subscribers/database"
)

// worker is one connection to a relay and the deliveries that pass over it.
type worker struct {
	sender     *Sender
	newsletter Newsletter
	lane       *lane
	feeder     *feeder
	editions   editions
	rec        *recorder
	stop       context.CancelCauseFunc
	began      time.Time

	conn   Courier
	sent   int  // messages over conn
	waited bool // conn was open before and may have been closed by the relay
	probe  bool // conn finds out whether the relay is back
	idle   *time.Timer

	parcel [2]parcel // the one being delivered and the one being begun
	note   note
}

// parcel is a delivery with its letter; the letter's body is kept between uses.
type parcel struct {
	due    *due
	letter transport.Letter
}

func (w *worker) run(ctx context.Context) {
	w.note.done = make(chan error, 1)
	w.idle = time.NewTimer(time.Hour)
	defer w.idle.Stop()
	for {
		d := w.take(ctx)
		if d == nil {
			break
		}
		if err := w.chain(ctx, d); err != nil && ctx.Err() == nil {
			w.stop(err)
		}
	}
	w.leave(ctx)
}

// chain delivers d and, as long as more are waiting, the next behind it: the end
// of one message and the beginning of the next travel together.
func (w *worker) chain(ctx context.Context, d *due) error {
	cur, next := &w.parcel[0], &w.parcel[1]
	ready, err := w.prepare(cur, d)
	if err != nil || !ready {
		return err
	}
	if begun, err := w.begin(cur); err != nil || !begun {
		return err
	}
	w.note.entries = append(w.note.entries[:0], w.offer(cur.due))
	for {
		err := w.rec.commit(&w.note)
		w.lane.plan.offered()
		if err != nil {
			w.hangUp() // the relay waits for a body that must not be sent
			return err
		}
		if len(w.note.entries) > 1 { // the one before cur is settled, and on disk
			if err := w.feeder.settled(w.note.entries[0].lease, 1); err != nil {
				w.hangUp()
				return err
			}
		}
		following, err := w.following(ctx, next)
		if err != nil {
			w.hangUp()
			return err
		}
		var letter *transport.Letter
		if following {
			letter = &next.letter
		}
		out, nextReady := w.conn.Deliver(&cur.letter, letter)
		w.sent++
		w.note.entries = append(w.note.entries[:0], w.settle(cur.due, out))
		w.heard(cur.due, out)
		goOn := following && nextReady.Kind == transport.Ready && !w.conn.Broken()
		switch {
		case goOn:
			w.note.entries = append(w.note.entries, w.offer(next.due))
		case following:
			w.notBegun(next.due, nextReady)
		}
		if !goOn {
			w.tidy(out)
			return w.record()
		}
		cur, next = next, cur
	}
}

// following takes the next delivery if one is waiting, and makes it ready.
func (w *worker) following(ctx context.Context, p *parcel) (bool, error) {
	if w.lane.relay.MaxMessages > 0 && w.sent+1 >= w.lane.relay.MaxMessages {
		return false, nil // the one at hand is the last over this connection
	}
	for {
		d := w.draw(ctx, false)
		if d == nil {
			return false, nil
		}
		if ready, err := w.prepare(p, d); err != nil || ready {
			return ready, err
		}
	}
}

// begin takes the parcel up to the relay's go-ahead. begun is false where the
// delivery was settled or handed back instead.
func (w *worker) begin(p *parcel) (begun bool, err error) {
	out := w.conn.Begin(&p.letter)
	if out.Kind == transport.Ready && !w.conn.Broken() {
		w.waited = false
		return true, nil
	}
	w.note.entries = w.note.entries[:0]
	w.notBegun(p.due, out)
	w.tidy(out)
	return false, w.record()
}

// mayHandBack is how often a delivery is handed to another connection before
// the trouble is held to be its own.
const mayHandBack = 3

// notBegun deals with a delivery whose body never left. Where the relay is to
// blame another connection has it next, and no attempt is counted.
func (w *worker) notBegun(d *due, out transport.Outcome) {
	w.lane.plan.offered()
	switch {
	case w.waited && out.Kind == transport.Retry:
		w.giveBack(d) // the connection was closed while nobody used it
		return
	case ofRelay(out) && d.handed < mayHandBack:
		d.handed++
		w.lane.answered(out)
		w.giveBack(d)
		return
	}
	w.note.entries = append(w.note.entries, w.settle(d, out))
	w.heard(d, out)
}

// heard tells the relay's and the domain's pacers how a message was taken.
func (w *worker) heard(d *due, out transport.Outcome) {
	w.lane.answered(out)
	if !ofRelay(out) {
		if out.Code != 0 && w.lane.served(w.probe) {
			w.probe = false
		}
		w.sender.pace.answered(d, out)
	}
}

// tidy hangs up where the connection is of no further use, and tells the relay's
// lane where that is the relay's fault.
func (w *worker) tidy(out transport.Outcome) {
	closing := out.Code == 421 || out.Code == 454 && out.Stage == transport.AtMail
	if closing || w.conn.Broken() && !w.waited {
		why := out.Text
		if why == "" && out.Err != nil {
			why = out.Err.Error()
		}
		w.lane.failed(why, w.probe)
		w.probe = false
	}
	if closing || w.conn.Broken() || w.lane.relay.MaxMessages > 0 && w.sent >= w.lane.relay.MaxMessages {
		w.hangUp()
	}
}

// record commits entries that are all settled and counts them off.
func (w *worker) record() error {
	if len(w.note.entries) == 0 {
		return nil
	}
	if err := w.rec.commit(&w.note); err != nil {
		return err
	}
	for i := range w.note.entries {
		if err := w.feeder.settled(w.note.entries[i].lease, 1); err != nil {
			return err
		}
	}
	return nil
}

// prepare writes the reader's message into the parcel. ready is false where the
// delivery was settled without one: the reader has left, or nobody can say
// whether they have the mail already.
func (w *worker) prepare(p *parcel, d *due) (ready bool, err error) {
	p.due = d
	if err := w.lookAgain(d); err != nil {
		// The database is away: what is on its way is not to suffer for the next.
		w.lane.plan.offered()
		w.giveBack(d)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-w.feeder.over:
		}
		return false, nil
	}
	settled := d.entry()
	edition := w.editions.of(d.variant)
	switch {
	case d.status != string(subscribers.Active):
		settled.state, settled.why = Skipped, d.status
	case edition == nil:
		settled.state, settled.why = Skipped, "nothing of their topics"
	case d.state == Offered && (d.doubts > 0 || w.sender.opt.Retry.Hold):
		settled.state, settled.doubts, settled.why = Doubtful, d.doubts+1, "interrupted after it was offered"
	default:
		if d.state == Offered {
			d.doubts++ // an interrupted offer: this is the one resending
		}
		reader := w.reader(d)
		body, err := edition.Append(p.letter.Body[:0], &reader)
		if err == nil {
			p.letter.From, p.letter.To, p.letter.ID, p.letter.Body = reader.ReturnPath, reader.Address, reader.MessageID, body
			return true, nil
		}
		settled.state, settled.why = Refused, err.Error()
	}
	w.lane.plan.offered()
	w.note.entries = append(w.note.entries[:0], settled)
	return false, w.record()
}

// stillKnown is how long what was read of a reader is trusted.
const stillKnown = time.Minute

// lookAgain reads a reader anew who was looked up a while ago: deliveries wait
// in memory while relays rest, and whoever leaves meanwhile gets nothing.
func (w *worker) lookAgain(d *due) error {
	l := w.sender.ledger
	if l.now().Sub(d.read) < stillKnown {
		return nil
	}
	var format, topics string
	err := l.db.QueryRow(context.Background(), `SELECT email, name, status, generation, format, topics FROM subscribers WHERE id = $1`, d.id).
		Scan(&d.email, &d.name, &d.status, &d.generation, &format, &topics)
	if errors.Is(err, sql.ErrNoRows) {
		d.status, err = "erased", nil
	}
	if err != nil {
		return fmt.Errorf("delivery: look again: %w", err)
	}
	d.read, d.variant = l.now(), subscribers.VariantKey(format, topics)
	return nil
}

// giveBack hands a delivery on, as if it had never been here.
func (w *worker) giveBack(d *due) {
	if d.state == Offered && d.doubts > 0 {
		d.doubts-- // prepare counts it again
	}
	w.feeder.park.giveBack(d)
}

// reader gives the values of a reader's slots.
func (w *worker) reader(d *due) transport.Reader {
	id, n, keys := database.ID(d.id), &w.newsletter, w.sender.keys
	return transport.Reader{
		Address: d.email, Name: d.name, ReturnPath: w.returnPath(id, d.generation),
		MessageID:      transport.MessageID(d.lease.issue, id, keys.MessageTag(d.lease.issue, id), n.Domain),
		UnsubscribeURL: n.BaseURL + "/u/" + keys.Token(subscribers.PurposeUnsubscribe, id, d.generation),
		PreferencesURL: n.BaseURL + "/p/" + keys.Token(subscribers.PurposePreferences, id, d.generation),
		UnsubscribeTo:  w.unsubscribeTo(id, d.generation),
	}
}

// unsubscribeTo is the address that unsubscribes a reader: the return path with
// another token in it. There is none unless the mailbox is read.
func (w *worker) unsubscribeTo(id database.ID, generation int) string {
	before, after, found := strings.Cut(w.newsletter.ReturnPath, ReaderMark)
	if !found || !w.newsletter.Mailbox {
		return ""
	}
	return before + UnsubscribeMark + w.sender.keys.FoldedToken(subscribers.PurposeUnsubscribe, id, generation) + after
}

// UnsubscribeMark precedes the token in the address of a mailto: unsubscribe.
const UnsubscribeMark = "unsub-"

// ReaderMark is where the envelope sender names the reader, so that a bounce says
// whose it is: bounces+{reader}@news.example (a variable envelope return path).
const ReaderMark = "{reader}"

func (w *worker) returnPath(id database.ID, generation int) string {
	before, after, found := strings.Cut(w.newsletter.ReturnPath, ReaderMark)
	if !found {
		return w.newsletter.ReturnPath
	}
	return before + w.sender.keys.FoldedToken(subscribers.PurposeReturn, id, generation) + after
}

// entry is what is known of a delivery before it is tried.
func (d *due) entry() entry {
	return entry{lease: d.lease, mark: mark{id: d.id, was: d.state, attempts: d.attempts, doubts: d.doubts}}
}

func offer(d *due) entry {
	e := d.entry()
	e.state = Offered
	return e
}

// offer is counted in the relay's warm-up, where it has one.
func (w *worker) offer(d *due) entry {
	e := offer(d)
	e.plan = w.lane.plan
	return e
}

func (w *worker) settle(d *due, out transport.Outcome) entry {
	return w.sender.opt.Retry.settle(d, out, w.began, w.sender.ledger.now())
}
