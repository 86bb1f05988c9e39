package main

import (
	"crypto/tls"
	"net"
	"net/url"
	"strings"

	"apta/newsletter/bounce"
	"apta/newsletter/bounce/hooks"
	"apta/newsletter/delivery"
)

// BouncesConfig says where bounces are read and what they do to a reader.
type BouncesConfig struct {
	Soft   int    `toml:"soft"` // issues that did not arrive
	Days   int    `toml:"days"`
	Folder string `toml:"folder"`
	Most   int    `toml:"most_unread"`

	Maildir string `toml:"maildir"`

	Listen   string `toml:"listen"`
	Protocol string `toml:"protocol"`

	IMAP         string `toml:"imap"` // imaps://user@host/INBOX
	IMAPPassword string `toml:"imap_password"`
	PasswordFile string `toml:"imap_password_file"`

	SESTopics   string `toml:"ses_topics"` // ARNs, parted by commas
	Postmark    string `toml:"postmark"`
	MailgunKey  string `toml:"mailgun_key"`
	SendGridKey string `toml:"sendgrid_key"`
	BrevoSecret string `toml:"brevo_secret"`
}

func defaultBounces() BouncesConfig {
	return BouncesConfig{Soft: 4, Days: 60, Folder: "bounces", Most: 10000, Protocol: "smtp"}
}

// paths are the keys that name files.
func (b *BouncesConfig) paths() []*string { return []*string{&b.Folder, &b.Maildir, &b.PasswordFile} }

// reads reports whether mails to the return path are read by us, so that a reader
// may unsubscribe by writing there.
func (b *BouncesConfig) reads() bool { return b.Maildir != "" || b.Listen != "" || b.IMAP != "" }

func (c *Config) checkBounces(bad func(key, format string, args ...any), oneOf func(key, value string, allowed ...string)) {
	b := &c.Bounces
	oneOf("bounces.protocol", b.Protocol, "smtp", "lmtp")
	if b.Soft < 0 {
		bad("bounces.soft", "%d is less than 0, which is never", b.Soft)
	}
	if b.Days < 1 {
		bad("bounces.days", "%d is less than a day", b.Days)
	}
	if b.Folder == "" {
		bad("bounces.folder", "it is empty: mails that cannot be read are kept there, and never thrown away")
	}
	if b.Listen != "" {
		if _, _, err := net.SplitHostPort(b.Listen); err != nil {
			bad("bounces.listen", "%q is not host:port, such as 127.0.0.1:2525", b.Listen)
		}
	}
	if b.IMAP != "" {
		if u, err := url.Parse(b.IMAP); err != nil || u.Host == "" || u.User == nil || u.Scheme != "imaps" && u.Scheme != "imap" && u.Scheme != "imap+plain" {
			bad("bounces.imap", "%q is not an address such as imaps://bounces@mail.example/INBOX; imap:// is STARTTLS, imap+plain:// in clear", b.IMAP)
		} else if _, set := u.User.Password(); set {
			bad("bounces.imap", "it holds the password, which would be seen in messages: write that to bounces.imap_password_file")
		} else if host := net.ParseIP(u.Hostname()); u.Scheme == "imap+plain" && (host == nil || !host.IsLoopback()) {
			bad("bounces.imap", "imap+plain sends the password in clear, which is done on this machine (127.0.0.1) only")
		}
	}
	if b.Postmark != "" && !strings.Contains(b.Postmark, ":") {
		bad("bounces.postmark", "it is not user:password, as they stand in the address that Postmark is given")
	}
	if b.SendGridKey != "" {
		if err := hooks.CheckSendGridKey(b.SendGridKey); err != nil {
			bad("bounces.sendgrid_key", "%v", err)
		}
	}
	if b.BrevoSecret != "" && len(b.BrevoSecret) < 20 {
		bad("bounces.brevo_secret", "it has %d characters, at least 20 are needed: nothing else proves that Brevo is asking", len(b.BrevoSecret))
	}
	local, _, _ := strings.Cut(strings.ReplaceAll(c.Mail.ReturnPath, delivery.ReaderMark, delivery.UnsubscribeMark+strings.Repeat("x", 39)), "@")
	if b.reads() && len(local) > 64 {
		bad("mail.return_path", "with a reader's token in it the part before the @ has %d characters, and 64 are allowed: shorten it", len(local))
	}
}

// hookOptions are the services that may tell of bounces.
func (b *BouncesConfig) hookOptions() hooks.Options {
	var topics []string
	for arn := range strings.SplitSeq(b.SESTopics, ",") {
		if arn = strings.TrimSpace(arn); arn != "" {
			topics = append(topics, arn)
		}
	}
	return hooks.Options{SESTopics: topics, Postmark: b.Postmark, Mailgun: b.MailgunKey, SendGrid: b.SendGridKey, Brevo: b.BrevoSecret}
}

// mailbox is the IMAP mailbox that is read.
func (c *Config) mailbox(a *app, book *bounce.Book) (*bounce.Mailbox, error) {
	u, err := url.Parse(c.Bounces.IMAP)
	if err != nil {
		return nil, err
	}
	password := c.Bounces.IMAPPassword
	if c.Bounces.PasswordFile != "" {
		if password, err = readSecret("bounces.imap_password_file", c.Bounces.PasswordFile); err != nil {
			return nil, err
		}
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"imaps": "993"}[u.Scheme]
		if port == "" {
			port = "143"
		}
	}
	m := &bounce.Mailbox{Address: net.JoinHostPort(u.Hostname(), port), StartTLS: u.Scheme == "imap", User: u.User.Username(), Password: password, Folder: strings.Trim(u.Path, "/"), Book: book, Log: a.rooms.log}
	if u.Scheme != "imap+plain" {
		m.TLS = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	}
	if m.Folder == "" {
		m.Folder = "INBOX"
	}
	return m, nil
}
