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
	app   *app
	rooms *rooms
	keys  []transport.DKIM
	line  *transport.Conn // nil where none is open
	used  time.Time
}

func (a *app) postman(r *rooms) (*postman, error) {
	if a.cfg.from.Address == "" {
		return nil, a.cfg.errNoFrom()
	}
	keys, err := a.cfg.dkimKeys()
	if err != nil {
		return nil, err
	}
	return &postman{app: a, rooms: r, keys: keys}, nil
}

// run sends letters until ctx ends.
func (p *postman) run(ctx context.Context) error {
	defer p.hangUp()
	tick := time.NewTicker(letterTick)
	defer tick.Stop()
	for {
		if err := p.sendDue(ctx); err != nil && ctx.Err() == nil {
			p.rooms.log.Error("letters to readers wait", "err", err)
		}
		if p.line != nil && time.Since(p.used) > lineIdle {
			p.hangUp()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (p *postman) hangUp() {
	if p.line != nil {
		p.line.Quit()
		p.line = nil
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
	message, err := p.write(l)
	if err != nil {
		return err
	}
	// The log names the letter and not the reader.
	log := p.rooms.log.With("letter", l.ID, "kind", l.Kind, "try", l.Tries)
	if p.line == nil || p.line.Broken() {
		if p.line, err = p.app.dialAny(ctx); err != nil {
			p.line = nil
			log.Warn("no relay takes letters, trying again", "err", err)
			return store.LetterFailed(ctx, l.ID, p.again(l))
		}
	}
	p.used = time.Now()
	out := p.line.Begin(message)
	if out.Kind == transport.Ready {
		out, _ = p.line.Deliver(message, nil)
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
	return p.app.now().Add(min(2*time.Second<<min(l.Tries-1, 20), 10*time.Minute))
}

// write makes the message, signed.
func (p *postman) write(l subscribers.Letter) (*transport.Letter, error) {
	cfg := p.app.cfg
	m, err := p.rooms.renderer.Letter(l, cfg.masthead())
	if err != nil {
		return nil, err
	}
	h, err := cfg.headers("", p.app.now())
	if err != nil {
		return nil, err
	}
	edition, err := transport.FreezeLetter(m, h)
	if err != nil {
		return nil, err
	}
	if edition, err = edition.Sign(p.app.now(), p.keys...); err != nil {
		return nil, err
	}
	reader := &transport.Reader{Address: l.To, MessageID: fmt.Sprintf("%s.%s@%s", l.Kind, l.ID, cfg.domain())}
	body, err := edition.Append(nil, reader)
	if err != nil {
		return nil, err
	}
	return &transport.Letter{From: cfg.letterReturnPath(), To: l.To, Body: body}, nil
}
