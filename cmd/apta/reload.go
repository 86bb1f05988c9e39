package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopLimit is how long everything has to end when apta is told to stop. What
// takes so long is a relay that does not answer: the mail it has is doubtful,
// with or without another minute.
const stopLimit = 8 * time.Second

// keepServing serves until ctx ends. SIGHUP has the configuration read again:
// where it is good, everything is stopped as at the end and started anew with
// it, behind the same open port, so that visitors wait for a moment and none is
// turned away; where it is not, the old one is kept and the log says why.
func (a *app) keepServing(ctx context.Context, listener net.Listener) error {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	port := newSharedPort(listener)
	defer port.close()
	for {
		run, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func(r *rooms) { ended <- a.serve(run, r, port.listener()) }(a.rooms)
		next, err := a.awaitReload(ctx, hangUp, ended)
		stop()
		if next == nil {
			return err
		}
		if err := <-ended; err != nil {
			return errors.Join(err, next.close())
		}
		if err := a.close(); err != nil {
			a.rooms.log.Error("the database was not closed well", "err", err)
		}
		a.cfg, a.rooms = next.cfg, next.rooms
		a.rooms.log.Info("the configuration was read again", "file", a.cfg.file)
	}
}

// awaitReload waits until there is a configuration to go on with, or the end: then
// next is nil.
func (a *app) awaitReload(ctx context.Context, hangUp <-chan os.Signal, ended <-chan error) (next *app, err error) {
	for {
		select {
		case err := <-ended:
			return nil, err
		case <-ctx.Done():
			select {
			case err := <-ended:
				return nil, err
			case <-time.After(stopLimit):
				a.rooms.log.Warn("stopped without waiting any longer; what a relay has not answered is doubtful", "waited", stopLimit)
				return nil, nil
			}
		case <-hangUp:
			if next, err := a.prepareReload(ctx); err == nil {
				return next, nil
			} else {
				a.rooms.log.Error("the configuration was not taken, the old one is kept", "err", strings.ReplaceAll(err.Error(), "\n", "; "))
			}
		}
	}
}

// prepareReload reads the configuration and tries whether everything can be made
// of it.
func (a *app) prepareReload(ctx context.Context) (*app, error) {
	next := &app{stdin: a.stdin, stdout: a.stdout, stderr: a.stderr, environ: a.environ, now: a.now, configFile: a.configFile}
	cfg, err := next.config()
	if err != nil {
		return nil, err
	}
	if kept := cfg.keepWhatNeedsRestart(a.cfg); len(kept) > 0 {
		a.rooms.log.Warn("some keys are taken up at the next start only", "keys", strings.Join(kept, ", "))
	}
	r, err := next.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := next.canServe(r); err != nil {
		return nil, errors.Join(err, next.close())
	}
	return next, nil
}

// canServe makes everything that serve makes, and throws it away.
func (a *app) canServe(r *rooms) error {
	_, err := a.handler(r)
	if err == nil {
		_, err = a.senders(r)
	}
	if err == nil {
		_, err = a.postmen()
	}
	if err == nil {
		_, err = a.cfg.metricsToken()
	}
	if err == nil && a.cfg.Bounces.IMAP != "" {
		_, err = a.cfg.mailbox(a, nil)
	}
	return err
}

// sharedPort is an open port that one server after the other listens on.
type sharedPort struct {
	net.Listener
	conns chan net.Conn
	err   error
	over  chan struct{} // closed with err
	once  sync.Once
}

func newSharedPort(l net.Listener) *sharedPort {
	p := &sharedPort{Listener: l, conns: make(chan net.Conn), over: make(chan struct{})}
	go p.accept()
	return p
}

func (p *sharedPort) accept() {
	for {
		conn, err := p.Listener.Accept()
		if ne, ok := err.(net.Error); ok && ne.Timeout() || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
			time.Sleep(50 * time.Millisecond) // too many are here; some will go
			continue
		}
		if err != nil {
			p.err = err
			close(p.over)
			return
		}
		select {
		case p.conns <- conn:
		case <-p.over:
			conn.Close()
		}
	}
}

func (p *sharedPort) close() { p.once.Do(func() { p.Listener.Close() }) }

// listener is the port for one server.
func (p *sharedPort) listener() net.Listener { return &turn{sharedPort: p, done: make(chan struct{})} }

type turn struct {
	*sharedPort
	done chan struct{}
	once sync.Once
}

func (t *turn) Accept() (net.Conn, error) {
	select {
	case <-t.done:
		return nil, net.ErrClosed
	default:
	}
	select {
	case conn := <-t.conns:
		return conn, nil
	case <-t.done:
		return nil, net.ErrClosed
	case <-t.over:
		return nil, fmt.Errorf("the port is lost: %w", t.err)
	}
}

// Close ends the server's turn; the port stays open.
func (t *turn) Close() error {
	t.once.Do(func() { close(t.done) })
	return nil
}
