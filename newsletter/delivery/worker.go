package delivery

import (
	"context"
	"strings"
	"time"

	"apta/newsletter/transport"
	"apta/subscribers"
	"apta/subscribers/database"
)

// worker is one connection to the relay and the deliveries that pass over it.
type worker struct {
	sender   *Sender
	feeder   *feeder
	editions editions
	rec      *recorder
	stop     context.CancelCauseFunc
	began    time.Time

	conn   Courier
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
	defer w.hangUp()
	for d := range w.feeder.out {
		if ctx.Err() != nil {
			continue // the delivery stays queued
		}
		if err := w.chain(ctx, d); err != nil && ctx.Err() == nil {
			w.stop(err)
		}
	}
}

func (w *worker) hangUp() {
	if w.conn != nil {
		w.conn.Quit()
		w.conn = nil
	}
}

// chain delivers d and, as long as more are waiting, the next behind it: the end
// of one message and the beginning of the next travel together.
func (w *worker) chain(ctx context.Context, d *due) error {
	cur, next := &w.parcel[0], &w.parcel[1]
	ready, err := w.prepare(cur, d)
	if err != nil || !ready {
		return err
	}
	if begun, err := w.begin(ctx, cur); err != nil || !begun {
		return err
	}
	w.note.entries = append(w.note.entries[:0], offer(cur.due))
	for {
		if err := w.rec.commit(&w.note); err != nil {
			w.hangUp() // the relay waits for a body that must not be sent
			return err
		}
		if len(w.note.entries) > 1 { // the one before cur is settled, and on disk
			if err := w.feeder.settled(w.note.entries[0].lease, 1); err != nil {
				w.hangUp()
				return err
			}
		}
		following, err := w.following(next)
		if err != nil {
			w.hangUp()
			return err
		}
		var letter *transport.Letter
		if following {
			letter = &next.letter
		}
		out, nextReady := w.conn.Deliver(&cur.letter, letter)
		w.note.entries = append(w.note.entries[:0], w.settle(cur.due, out))
		if w.conn.Broken() {
			w.hangUp()
		}
		goOn := following && nextReady.Kind == transport.Ready && w.conn != nil
		switch {
		case goOn:
			w.note.entries = append(w.note.entries, offer(next.due))
		case following:
			w.note.entries = append(w.note.entries, w.settle(next.due, nextReady))
		}
		if !goOn {
			return w.record()
		}
		cur, next = next, cur
	}
}

// following takes the next delivery if one is waiting, and makes it ready.
func (w *worker) following(p *parcel) (bool, error) {
	for {
		select {
		case d, open := <-w.feeder.out:
			if !open {
				return false, nil
			}
			if ready, err := w.prepare(p, d); err != nil || ready {
				return ready, err
			}
		default:
			return false, nil
		}
	}
}

// begin gets a connection and takes the parcel up to the relay's go-ahead.
// begun is false where the delivery was settled instead.
func (w *worker) begin(ctx context.Context, p *parcel) (begun bool, err error) {
	for wait := time.Second; w.conn == nil; wait = min(2*wait, 30*time.Second) {
		if w.conn, err = w.sender.opt.Dial(ctx); err == nil {
			break
		}
		w.conn = nil
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		w.sender.opt.Log.Warn("the relay cannot be reached, trying again", "in", wait, "err", err)
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(wait):
		}
	}
	out := w.conn.Begin(&p.letter)
	if w.conn.Broken() {
		w.hangUp()
	}
	if out.Kind == transport.Ready && w.conn != nil {
		return true, nil
	}
	w.note.entries = append(w.note.entries[:0], w.settle(p.due, out))
	return false, w.record()
}

// record commits entries that are all settled and counts them off.
func (w *worker) record() error {
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
	settled := entry{lease: d.lease, id: d.id, attempts: d.attempts, doubts: d.doubts}
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
		reader := w.sender.reader(d)
		body, err := edition.Append(p.letter.Body[:0], &reader)
		if err == nil {
			p.letter.From, p.letter.To, p.letter.Body = reader.ReturnPath, reader.Address, body
			return true, nil
		}
		settled.state, settled.why = Refused, err.Error()
	}
	w.note.entries = append(w.note.entries[:0], settled)
	return false, w.record()
}

// reader gives the values of a reader's slots.
func (s *Sender) reader(d *due) transport.Reader {
	id := database.ID(d.id)
	return transport.Reader{
		Address: d.email, Name: d.name, ReturnPath: s.returnPath(id, d.generation),
		MessageID:      transport.MessageID(d.lease.issue, id, s.opt.Domain),
		UnsubscribeURL: s.opt.BaseURL + "/u/" + s.keys.Token(subscribers.PurposeUnsubscribe, id, d.generation),
		PreferencesURL: s.opt.BaseURL + "/p/" + s.keys.Token(subscribers.PurposePreferences, id, d.generation),
	}
}

// ReaderMark is where the envelope sender names the reader, so that a bounce says
// whose it is: bounces+{reader}@news.example (a variable envelope return path).
const ReaderMark = "{reader}"

func (s *Sender) returnPath(id database.ID, generation int) string {
	before, after, found := strings.Cut(s.opt.ReturnPath, ReaderMark)
	if !found {
		return s.opt.ReturnPath
	}
	return before + s.keys.FoldedToken(subscribers.PurposeReturn, id, generation) + after
}

func offer(d *due) entry {
	return entry{lease: d.lease, id: d.id, state: Offered, attempts: d.attempts, doubts: d.doubts}
}

func (w *worker) settle(d *due, out transport.Outcome) entry {
	return w.sender.opt.Retry.settle(d, out, w.began, w.sender.ledger.now())
}
