package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// Relay is a server that takes our mail.
type Relay struct {
	Name     string // for messages; Host where empty
	Host     string
	Port     int
	TLS      string // none, starttls (refused without it) or tls (from the first byte)
	Auth     string // none, auto, plain, login, cram-md5, scram-sha-1, scram-sha-256
	Username string
	Password string
	HELO     string        // our own name; the machine's where empty
	Timeout  time.Duration // for connecting and for each command; 30 s where zero
	Lockstep bool          // never pipeline
	Notify   string        // what it is to report where it offers DSN, such as FAILURE,DELAY or NEVER; FAILURE where empty
	Manners  *Manners      // what its connections have learned of it, in common; each learns alone where nil
	Config   *tls.Config   // nil is the system's
}

// What can be wrong with a relay before any mail is at stake.
var (
	ErrUnreachable = errors.New("cannot be reached")
	ErrTLS         = errors.New("offers no TLS that we accept")
	ErrAuth        = errors.New("refuses our user name or password")
)

// address is host:port.
func (r Relay) address() string { return net.JoinHostPort(r.Host, strconv.Itoa(r.Port)) }

// Dial opens a connection: greeting, TLS and AUTH are go-mail's. The error wraps
// one of the sentinels above and fits one line.
func (r Relay) Dial(ctx context.Context) (*Conn, error) {
	if r.Timeout == 0 {
		r.Timeout = 30 * time.Second
	}
	var g guarded
	options := r.options()
	if r.TLS != "tls" { // there the certificate comes before the first word
		options = append(options, gomail.WithDialContextFunc(g.dial))
	}
	client, err := gomail.NewClient(r.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("transport: %s: %w", r.address(), err)
	}
	sc, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		g.giveUp()
		return nil, r.explain(err)
	}
	g.opened = true
	return newConn(sc, r), nil
}

func (r Relay) options() []gomail.Option {
	config := r.Config
	if config == nil {
		config = &tls.Config{ServerName: r.Host, MinVersion: tls.VersionTLS12}
	}
	o := []gomail.Option{gomail.WithPort(r.Port), gomail.WithTimeout(r.Timeout), gomail.WithTLSConfig(config)}
	if r.HELO != "" {
		o = append(o, gomail.WithHELO(r.HELO))
	}
	switch r.TLS {
	case "tls":
		o = append(o, gomail.WithSSL())
	case "none":
		o = append(o, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		o = append(o, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if r.Username == "" || r.Auth == "none" {
		return append(o, gomail.WithSMTPAuth(gomail.SMTPAuthNoAuth))
	}
	kinds := map[string]gomail.SMTPAuthType{
		"plain": gomail.SMTPAuthPlain, "login": gomail.SMTPAuthLogin, "cram-md5": gomail.SMTPAuthCramMD5,
		"scram-sha-1": gomail.SMTPAuthSCRAMSHA1, "scram-sha-256": gomail.SMTPAuthSCRAMSHA256,
	}
	kind, known := kinds[r.Auth]
	if !known {
		kind = gomail.SMTPAuthAutoDiscover
	}
	return append(o, gomail.WithSMTPAuth(kind), gomail.WithUsername(r.Username), gomail.WithPassword(r.Password))
}

// explain finds which of the three things went wrong.
func (r Relay) explain(err error) error {
	var op *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	text := strings.ToLower(err.Error())
	kind := ErrUnreachable
	switch {
	case errors.As(err, &cert), errors.As(err, &record), strings.Contains(text, "starttls"), strings.Contains(text, "tls:"):
		kind = ErrTLS
	case errors.As(err, &op), errors.As(err, &dns), errors.Is(err, context.DeadlineExceeded), errors.Is(err, errTalkative):
	case strings.Contains(text, "auth"), strings.HasPrefix(text, "535"), strings.HasPrefix(text, "534"), strings.Contains(text, "unencrypted"), strings.Contains(text, "credentials"):
		kind = ErrAuth
	}
	return fmt.Errorf("transport: the relay %s %w: %w", r.address(), kind, err)
}

// newConn takes over an opened client.
func newConn(sc *smtp.Client, r Relay) *Conn {
	if r.Manners == nil {
		r.Manners = NewManners(nil)
	}
	offered, _ := sc.Extension("PIPELINING")
	return &Conn{client: sc, relay: r, ext: extensionsOf(sc), offered: offered && !r.Lockstep}
}
