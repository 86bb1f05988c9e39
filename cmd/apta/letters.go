package main

import (
	"context"
	"fmt"
	"time"

	"apta/newsletter/transport"
	"apta/subscribers"
)

const (
	letterTick = 500 * time.Millisecond // how often new letters are looked for
	letterHold = 2 * time.Minute        // after which a letter of a process that died is another's
	lineIdle   = 20 * time.Second       // a connection is kept open for letters to come
)

// postman sends the letters about single subscriptions: please confirm, here is
// your link. They wait in the database, written there by what caused them in its
// own transaction, so neither an outage of the relay nor a crash loses one.
type postman struct {
	rooms  *rooms
	rounds map[string]*round // by the slug of the newsletter
	now    func() time.Time
}

// round is how the letters about one newsletter are written and brought.
type round struct {
	app  *app
	keys []transport.DKIM
	line *transport.Conn // nil where none is open
	used time.Time
}

func (a *app) postman(r *rooms) (*postman, error) {
	p := &postman{rooms: r, rounds: map[string]*round{}, now: a.now}
	for _, n := range a.newsletters() {
		if n.cfg.from.Address == "" {
			return nil, n.cfg.errNoFrom()
		}
		keys, err := n.cfg.dkimKeys()
		if err != nil {
			return nil, err
		}
		p.rounds[n.cfg.Newsletter.Slug] = &round{app: n, keys: keys}
	}
	return p, nil
}

// run sends letters until ctx ends.
func (p *postman) run(ctx context.Context) error {
	defer p.hangUp(0)
	tick := time.NewTicker(letterTick)
	defer tick.Stop()
	for {
		if err := p.sendDue(ctx); err != nil && ctx.Err() == nil {
			p.rooms.log.Error("letters to readers wait", "err", err)
		}
		p.hangUp(lineIdle)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// hangUp closes the lines that were not used for so long.
func (p *postman) hangUp(idle time.Duration) {
	for _, r := range p.rounds {
		if r.line != nil && time.Since(r.used) >= idle {
			r.line.Quit()
			r.line = nil
		}
	}
}

// sendDue sends every letter that is due. An error of the database or of the
// letters' making ends it; what a relay says about one letter does not.
func (p *postman) sendDue(ctx context.Context) error {
	for ctx.Err() == nil {
		l, found, err := p.rooms.subscribers.NextLetter(ctx, letterHold)
		if err != nil || !found {
			return err
		}
		if err := p.send(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

func (p *postman) send(ctx context.Context, l subscribers.Letter) error {
	store := p.rooms.subscribers
	// The log names the letter and not the reader.
	log := p.rooms.log.With("letter", l.ID, "kind", l.Kind, "try", l.Tries)
	r := p.rounds[l.Newsletter]
	if r == nil {
		log.Warn("a letter waits: its newsletter is not configured", "newsletter", l.Newsletter)
		return store.LetterFailed(ctx, l.ID, p.again(l))
	}
	message, err := r.write(p.rooms, l)
	if err != nil {
		return err
	}
	if r.line == nil || r.line.Broken() {
		if r.line, err = r.app.dialAny(ctx); err != nil {
			r.line = nil
			log.Warn("no relay takes letters, trying again", "err", err)
			return store.LetterFailed(ctx, l.ID, p.again(l))
		}
	}
	r.used = time.Now()
	out := r.line.Begin(message)
	if out.Kind == transport.Ready {
		out, _ = r.line.Deliver(message, nil)
	}
	switch out.Kind {
	case transport.Accepted:
		return store.LetterSent(ctx, l.ID)
	case transport.Refused:
		log.Warn("the relay refused a letter, given up", "code", out.Code, "reply", out.Text)
		return store.LetterFailed(ctx, l.ID, time.Time{})
	}
	// A doubtful one is sent again with the same Message-ID.
	log.Warn("a letter waits", "code", out.Code, "reply", out.Text, "err", out.Err)
	return store.LetterFailed(ctx, l.ID, p.again(l))
}

// again is when a letter is tried once more. The first times are soon: somebody
// is waiting for it.
func (p *postman) again(l subscribers.Letter) time.Time {
	return p.now().Add(min(2*time.Second<<min(l.Tries-1, 20), 10*time.Minute))
}

// write makes the message, signed.
func (r *round) write(rooms *rooms, l subscribers.Letter) (*transport.Letter, error) {
	cfg := r.app.cfg
	m, err := rooms.renderer.Letter(l, cfg.masthead())
	if err != nil {
		return nil, err
	}
	h, err := cfg.headers("", r.app.now())
	if err != nil {
		return nil, err
	}
	edition, err := transport.FreezeLetter(m, h)
	if err != nil {
		return nil, err
	}
	if edition, err = edition.Sign(r.app.now(), r.keys...); err != nil {
		return nil, err
	}
	reader := &transport.Reader{Address: l.To, MessageID: fmt.Sprintf("%s.%s@%s", l.Kind, l.ID, cfg.domain())}
	body, err := edition.Append(nil, reader)
	if err != nil {
		return nil, err
	}
	return &transport.Letter{From: cfg.letterReturnPath(), To: l.To, Body: body}, nil
}
