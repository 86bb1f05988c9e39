package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"apta/newsletter"
	"apta/newsletter/transport"
)

const (
	letterTick = 500 * time.Millisecond // how often new letters are looked for
	letterHold = 2 * time.Minute        // after which a letter of a process that died is another's
	lineIdle   = 20 * time.Second       // a connection is kept open for letters to come
)

// postman sends a newsletter's mails to single people: the letters about
// subscriptions (please confirm, here is your link) and the notices to editors.
// They wait in the database, written there by what caused them in its own
// transaction, so neither an outage of the relay nor a crash loses one.
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

// errand is one mail to one person, and how it is settled.
type errand struct {
	message *transport.Letter
	log     *slog.Logger // names the mail and not whom it is for
	tries   int          // this one counted
	sent    func(context.Context) error
	failed  func(ctx context.Context, again time.Time) error // zero is given up
}

// run sends letters until ctx ends.
func (p *postman) run(ctx context.Context) error {
	defer p.hangUp()
	tick := time.NewTicker(letterTick)
	defer tick.Stop()
	for {
		if err := p.sendDue(ctx); err != nil && ctx.Err() == nil {
			p.rooms.log.Error("letters wait", "err", err)
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

// sendDue sends every letter and notice that is due. An error of the database or
// of their making ends it; what a relay says about one of them does not.
func (p *postman) sendDue(ctx context.Context) error {
	return errors.Join(p.sendAll(ctx, p.nextLetter), p.sendAll(ctx, p.nextNotice))
}

// sendAll sends what next gives until it gives nothing.
func (p *postman) sendAll(ctx context.Context, next func(context.Context) (*errand, error)) error {
	for ctx.Err() == nil {
		e, err := next(ctx)
		if err != nil || e == nil {
			return err
		}
		if err := p.send(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// nextLetter gives the next letter to a reader, nil where none is due.
func (p *postman) nextLetter(ctx context.Context) (*errand, error) {
	store := p.rooms.subscribers
	l, found, err := store.NextLetter(ctx, letterHold)
	if err != nil || !found {
		return nil, err
	}
	m, err := p.rooms.renderer.Letter(l, p.app.in(l.Language).cfg.masthead())
	if err != nil {
		return nil, err
	}
	if m, err = p.app.attach(ctx, p.rooms, m); err != nil {
		return nil, err
	}
	message, err := p.write(m, l.To, fmt.Sprintf("%s.%s", l.Kind, l.ID))
	return &errand{
		message: message, log: p.rooms.log.With("letter", l.ID, "kind", l.Kind, "try", l.Tries), tries: l.Tries,
		sent:   func(ctx context.Context) error { return store.LetterSent(ctx, l.ID) },
		failed: func(ctx context.Context, again time.Time) error { return store.LetterFailed(ctx, l.ID, again) },
	}, err
}

// nextNotice gives the next mail to an editor, nil where none is due.
func (p *postman) nextNotice(ctx context.Context) (*errand, error) {
	store := p.rooms.notices
	n, found, err := store.Next(ctx, p.app.cfg.Newsletter.Slug, letterHold)
	if err != nil || !found {
		return nil, err
	}
	m, err := p.rooms.renderer.Notice(n, p.app.cfg.masthead())
	if err != nil {
		return nil, err
	}
	if m, err = p.app.attach(ctx, p.rooms, m); err != nil {
		return nil, err
	}
	message, err := p.write(m, n.To, fmt.Sprintf("%s.%s", n.Kind, n.ID))
	return &errand{
		message: message, log: p.rooms.log.With("notice", n.ID, "kind", n.Kind, "try", n.Tries), tries: n.Tries,
		sent:   func(ctx context.Context) error { return store.Sent(ctx, n.ID) },
		failed: func(ctx context.Context, again time.Time) error { return store.Failed(ctx, n.ID, again) },
	}, err
}

func (p *postman) send(ctx context.Context, e *errand) (err error) {
	if p.line == nil || p.line.Broken() {
		if p.line, err = p.app.dialAny(ctx); err != nil {
			p.line = nil
			e.log.Warn("no relay takes letters, trying again", "err", err)
			return e.failed(ctx, p.again(e.tries))
		}
	}
	p.used = time.Now()
	out := p.line.Begin(e.message)
	if out.Kind == transport.Ready {
		out, _ = p.line.Deliver(e.message, nil)
	}
	switch out.Kind {
	case transport.Accepted:
		return e.sent(ctx)
	case transport.Refused:
		e.log.Warn("the relay refused a letter, given up", "code", out.Code, "reply", out.Text)
		return e.failed(ctx, time.Time{})
	}
	// A doubtful one is sent again with the same Message-ID.
	e.log.Warn("a letter waits", "code", out.Code, "reply", out.Text, "err", out.Err)
	return e.failed(ctx, p.again(e.tries))
}

// again is when a letter is tried once more. The first times are soon: somebody
// is waiting for it.
func (p *postman) again(tries int) time.Time {
	return p.app.now().Add(min(2*time.Second<<min(tries-1, 20), 10*time.Minute))
}

// write makes the message, signed. name is the left-hand side of its Message-ID.
func (p *postman) write(m newsletter.Mail, to, name string) (*transport.Letter, error) {
	cfg := p.app.cfg
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
	body, err := edition.Append(nil, &transport.Reader{Address: to, MessageID: name + "@" + cfg.domain()})
	if err != nil {
		return nil, err
	}
	return &transport.Letter{From: cfg.letterReturnPath(), To: to, Body: body}, nil
}
