package bounce

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Mailbox reads the unseen mails of an IMAP mailbox and waits for more with IDLE
// (RFC 2177). It marks as seen what it has read, and deletes nothing.
type Mailbox struct {
	Address  string      // host:port
	TLS      *tls.Config // nil is in clear, which only a server on this machine is spoken to
	StartTLS bool
	User     string
	Password string
	Folder   string // INBOX
	Book     *Book
	Log      *slog.Logger
}

const (
	imapPatience = time.Minute      // for one command
	imapLook     = 10 * time.Minute // even if the server says nothing
	imapAgain    = 15 * time.Second // after a failure, and twice as long after each further one
	imapAtMost   = 10 * time.Minute
)

// Run reads until ctx ends. A server that cannot be reached is tried again, ever more rarely.
func (m *Mailbox) Run(ctx context.Context) error {
	for wait := imapAgain; ; {
		start := time.Now()
		err := m.session(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		m.Log.Warn("bounces: mailbox", "server", m.Address, "error", err, "again", wait)
		if time.Since(start) > imapAtMost {
			wait = imapAgain
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
			wait = min(2*wait, imapAtMost)
		}
	}
}

// session reads over one connection until that breaks.
func (m *Mailbox) session(ctx context.Context) error {
	news := make(chan struct{}, 1)
	options := &imapclient.Options{TLSConfig: m.TLS, Dialer: &net.Dialer{Timeout: imapPatience}, UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(data *imapclient.UnilateralDataMailbox) {
			if data.NumMessages != nil {
				select {
				case news <- struct{}{}:
				default:
				}
			}
		},
	}}
	dial := imapclient.DialInsecure
	switch {
	case m.TLS != nil && m.StartTLS:
		dial = imapclient.DialStartTLS
	case m.TLS != nil:
		dial = imapclient.DialTLS
	}
	c, err := dial(m.Address, options)
	if err != nil {
		return fmt.Errorf("bounce: mailbox: %w", err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if err := c.Login(m.User, m.Password).Wait(); err != nil {
		return fmt.Errorf("bounce: mailbox: login: %w", err)
	}
	if _, err := c.Select(m.Folder, nil).Wait(); err != nil {
		return fmt.Errorf("bounce: mailbox: %s: %w", m.Folder, err)
	}
	for {
		if err := m.read(ctx, c); err != nil {
			return err
		}
		idle, err := c.Idle()
		if err != nil {
			return fmt.Errorf("bounce: mailbox: idle: %w", err)
		}
		select {
		case <-ctx.Done():
		case <-news:
		case <-c.Closed():
		case <-time.After(imapLook):
		}
		if err := errors.Join(idle.Close(), idle.Wait()); err != nil {
			return fmt.Errorf("bounce: mailbox: idle: %w", err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// read takes every unseen mail, one after the other: each is marked only after it was taken.
func (m *Mailbox) read(ctx context.Context, c *imapclient.Client) error {
	found, err := c.UIDSearch(&imap.SearchCriteria{NotFlag: []imap.Flag{imap.FlagSeen}}, nil).Wait()
	if err != nil {
		return fmt.Errorf("bounce: mailbox: search: %w", err)
	}
	for _, uid := range found.AllUIDs() {
		// A byte more than is read, so that a mail that is too large is seen to be.
		section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: MaxSize + 1}}
		list, err := c.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{section}}).Collect()
		if err != nil {
			return fmt.Errorf("bounce: mailbox: fetch: %w", err)
		}
		for _, mail := range list {
			for _, body := range mail.BodySection {
				if _, err := m.Book.Take(ctx, body.Bytes, "imap"); err != nil {
					return err
				}
			}
		}
		seen := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}
		if err := c.Store(imap.UIDSetNum(uid), seen, nil).Close(); err != nil {
			return fmt.Errorf("bounce: mailbox: mark: %w", err)
		}
	}
	return nil
}
