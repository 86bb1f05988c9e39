package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"apta/newsletter"
	"apta/newsletter/bounce"
	"apta/newsletter/delivery"
	"apta/newsletter/transport"
	"apta/subscribers"
	"apta/subscribers/database"
)

// slotWindow is the window that the issue of a slot covers.
func (c *Config) slotWindow(slot time.Time) newsletter.Window {
	if c.Schedule.Window == "week" {
		return c.cron.LastWeek(slot)
	}
	return c.cron.Rolling(slot)
}

// errNoFrom says what to set before anything can be sent.
func (c *Config) errNoFrom() error {
	return fmt.Errorf("%s: mail.from is not set: write something like from = \"%s <weekly@news.example>\"", c.file, c.Newsletter.Name)
}

// domain is the right-hand side of the sender's address.
func (c *Config) domain() string {
	_, d, _ := strings.Cut(c.from.Address, "@")
	return d
}

// headers is what the configuration says about every mail's header.
func (c *Config) headers(week string, date time.Time) (transport.Headers, error) {
	if c.from.Address == "" {
		return transport.Headers{}, c.errNoFrom()
	}
	h := transport.Headers{From: c.from, ListName: c.Newsletter.Name, ListID: c.listID(), Archive: c.masthead().FrontURL(), Date: date.In(c.zone),
		Feedback: fmt.Sprintf("%s:%s:review:%s", week, c.Newsletter.Slug, strings.ReplaceAll(c.domain(), ".", "-"))}
	if h.From.Name == "" {
		h.From.Name = c.Newsletter.Name
	}
	if c.Mail.ReplyTo != "" {
		reply, err := mail.ParseAddress(c.Mail.ReplyTo)
		if err != nil {
			return h, fmt.Errorf("mail.reply_to: %w", err)
		}
		h.ReplyTo = reply
	}
	return h, nil
}

// listID names the newsletter to mailboxes (RFC 2919).
func (c *Config) listID() string {
	if c.Mail.ListID != "" {
		return c.Mail.ListID
	}
	return c.Newsletter.Slug + "." + c.domain()
}

// returnPath is the envelope sender of every mail.
func (c *Config) returnPath() string {
	if c.Mail.ReturnPath != "" {
		return c.Mail.ReturnPath
	}
	return c.from.Address
}

// letterReturnPath is that of a letter to one person, who may be no reader yet.
func (c *Config) letterReturnPath() string {
	return strings.ReplaceAll(c.returnPath(), delivery.ReaderMark, bounce.Letter)
}

// freeze renders an issue and builds its edition, of plain text alone where text is true.
func (a *app) freeze(ctx context.Context, r *rooms, issue newsletter.Issue, text bool) (*transport.Edition, error) {
	a = a.in(issue.Language)
	m, err := a.issueMail(ctx, r, issue)
	if err != nil {
		return nil, err
	}
	if text {
		m.HTML, m.Inline = "", nil
	}
	h, err := a.cfg.headers(issue.Week, a.now())
	if err != nil {
		return nil, err
	}
	return transport.Freeze(m, h)
}

// sampleMessage is the mail as an imagined reader would get it.
func (a *app) sampleMessage(issue newsletter.Issue, m newsletter.Mail) ([]byte, error) {
	h, err := a.in(issue.Language).cfg.headers(issue.Week, issue.To)
	if err != nil {
		return nil, err
	}
	edition, err := transport.Freeze(m, h)
	if err != nil {
		return nil, err
	}
	return edition.Message(a.sampleReader(issue, "reader@example.org"))
}

// sampleReader has links that open nothing: no subscriber has the ID 0.
func (a *app) sampleReader(issue newsletter.Issue, address string) *transport.Reader {
	keys := a.rooms.keys
	return &transport.Reader{
		Address: address, ReturnPath: strings.ReplaceAll(a.cfg.returnPath(), delivery.ReaderMark, "test"), MessageID: transport.MessageID(issue.ID, 0, "", a.cfg.domain()),
		UnsubscribeURL: a.cfg.BaseURL + "/u/" + keys.Token(subscribers.PurposeUnsubscribe, 0, 0),
		PreferencesURL: a.cfg.BaseURL + "/p/" + keys.Token(subscribers.PurposePreferences, 0, 0),
	}
}

// sendTest sends an issue to one address, outside the ledger.
func (a *app) sendTest(ctx context.Context, r *rooms, issue newsletter.Issue, address string) error {
	return a.sendTestAs(ctx, r, issue, address, false)
}

// sendTestAs does the same, in plain text alone where text is true.
func (a *app) sendTestAs(ctx context.Context, r *rooms, issue newsletter.Issue, address string, text bool) error {
	to, err := subscribers.ParseAddress(address)
	if err != nil {
		return &usageError{err}
	}
	issue.Subject = "[Test] " + issue.Subject
	edition, err := a.freeze(ctx, r, issue, text)
	if err != nil {
		return err
	}
	keys, err := a.cfg.dkimKeys()
	if err != nil {
		return err
	}
	if edition, err = edition.Sign(a.now(), keys...); err != nil {
		return err
	}
	reader := a.sampleReader(issue, to)
	// A test may be sent again and again; each is a message of its own.
	reader.MessageID = transport.MessageID(issue.ID, database.ID(a.now().UnixNano()), "", a.cfg.domain())
	letter := transport.Letter{From: reader.ReturnPath, To: to}
	if letter.Body, err = edition.Append(nil, reader); err != nil {
		return err
	}
	conn, err := a.dialAny(ctx)
	if err != nil {
		return err
	}
	defer conn.Quit()
	out := conn.Begin(&letter)
	if out.Kind == transport.Ready {
		out, _ = conn.Deliver(&letter, nil)
	}
	if out.Kind != transport.Accepted {
		return errors.Join(fmt.Errorf("the relay did not take the test to %s: %d %s", to, out.Code, out.Text), out.Err)
	}
	return nil
}

// dialAny opens a connection to the first relay that can be reached. Where none
// can, the error has a line for each.
func (a *app) dialAny(ctx context.Context) (*transport.Conn, error) {
	var problems []error
	for _, r := range a.cfg.relays() {
		server, err := r.transport(a.cfg)
		if err != nil {
			return nil, err
		}
		conn, err := server.Dial(ctx)
		if err == nil {
			return conn, nil
		}
		problems = append(problems, a.relayHint(r, err))
	}
	return nil, errors.Join(problems...)
}

// checkRelay opens a connection to a relay and closes it.
func (a *app) checkRelay(ctx context.Context) error {
	conn, err := a.dialAny(ctx)
	if err != nil {
		return err
	}
	return conn.Quit()
}

// relayHint adds the keys that mend what is wrong with a relay.
func (a *app) relayHint(r RelayConfig, err error) error {
	keys := r.key + ".host and " + r.key + ".port"
	switch {
	case errors.Is(err, transport.ErrTLS):
		keys = r.key + `.tls (now "` + r.TLS + `")`
	case errors.Is(err, transport.ErrAuth):
		keys = r.key + ".auth, " + r.key + ".username and " + r.key + ".password"
	}
	return fmt.Errorf("%w; check %s in %s", err, keys, a.cfg.file)
}

// sender makes the sender that the configuration describes, for this newsletter's sends.
func (a *app) sender(r *rooms) (*delivery.Sender, error) { return a.senderOf(r, []*Config{a.cfg}) }

// senderOf makes the sender of newsletters whose mails go the same way as this one's.
func (a *app) senderOf(r *rooms, all []*Config) (*delivery.Sender, error) {
	carried := map[string]delivery.Newsletter{}
	for _, n := range all {
		if n.from.Address == "" {
			return nil, n.errNoFrom()
		}
		keys, err := n.dkimKeys()
		if err != nil {
			return nil, err
		}
		carried[n.Newsletter.Slug] = delivery.Newsletter{Languages: n.languages(), DKIM: keys, BaseURL: n.BaseURL, Domain: n.domain(), ReturnPath: n.returnPath(), Mailbox: n.Bounces.reads()}
	}
	var relays []delivery.Relay
	for _, c := range a.cfg.relays() {
		relay, err := c.delivery(a.cfg, r.log)
		if err != nil {
			return nil, err
		}
		relays = append(relays, relay)
	}
	return delivery.NewSender(r.ledger, r.newsletter, r.keys, delivery.Options{
		Relays: relays, Limits: delivery.Limits{PerDomain: a.cfg.Limits.PerDomain, Domains: a.cfg.Limits.Domains},
		Stale: a.cfg.lateness, Retry: delivery.Retry{Hold: a.cfg.Mail.Doubtful == "hold"},
		Newsletters: carried, Log: r.log,
	}), nil
}

// passGuard refuses to send from a database that is an old copy, and says what to do.
func (a *app) passGuard(ctx context.Context, r *rooms) error { return a.pass(ctx, a.guard(r)) }

func (a *app) pass(ctx context.Context, guard *delivery.Guard) error {
	err := guard.Pass(ctx)
	if errors.Is(err, delivery.ErrRestored) {
		return fmt.Errorf("%w; nothing is sent until you say: apta database accept", err)
	}
	return err
}
