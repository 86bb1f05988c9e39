package main

import (
	"fmt"
	"net"
	"path/filepath"
	"reflect"
	"strings"
)

// MetricsConfig says who may read the figures: on an address of their own, or
// with a token on the one of the pages. With neither there are none.
type MetricsConfig struct {
	Listen    string `toml:"listen"`
	Token     string `toml:"token"`
	TokenFile string `toml:"token_file"`
}

// TLSConfig makes apta its own web server with TLS: with a certificate that is
// there, or with one it gets and renews by ACME (RFC 8555).
type TLSConfig struct {
	CertFile   string `toml:"cert_file"`
	KeyFile    string `toml:"key_file"`
	ACME       bool   `toml:"acme"`
	ACMEFolder string `toml:"acme_folder"`
	ACMEMail   string `toml:"acme_mail"`
	ACMEServer string `toml:"acme_server"`
	ACMERoots  string `toml:"acme_roots"`
}

func (t TLSConfig) on() bool { return t.ACME || t.CertFile != "" }

func (c *Config) checkOperation(bad func(key, format string, args ...any), oneOf func(key, value string, allowed ...string)) {
	oneOf("log.format", c.Log.Format, "text", "json")
	oneOf("log.addresses", c.Log.Addresses, "short", "full", "none")
	if _, _, err := net.SplitHostPort(c.Metrics.Listen); c.Metrics.Listen != "" && err != nil {
		bad("metrics.listen", "%q is not host:port, such as 127.0.0.1:9464", c.Metrics.Listen)
	}
	if t := c.Metrics.Token; t != "" && len(t) < 16 {
		bad("metrics.token", "it has %d characters, at least 16 are needed", len(t))
	}
	for _, k := range [][2]string{{"doctor.resolver", c.Doctor.Resolver}, {"doctor.time_server", c.Doctor.TimeServer}} {
		if _, _, err := net.SplitHostPort(k[1]); k[1] != "" && err != nil {
			bad(k[0], "%q is not host:port", k[1])
		}
	}
	switch t := c.TLS; {
	case (t.CertFile == "") != (t.KeyFile == ""):
		bad("tls.cert_file", "it and tls.key_file are set together or not at all")
	case t.CertFile != "" && t.ACME:
		bad("tls.acme", "it is set, and so is tls.cert_file: a certificate is either there or fetched")
	case t.on() && !strings.HasPrefix(c.BaseURL, "https://"):
		bad("base_url", "%q does not begin with https://, but tls is on", c.BaseURL)
	}
}

// needRestart are the keys that a running apta serve does not take up anew.
var needRestart = []string{"database", "listen", "secret", "secret_file", "state_file", "tls.cert_file", "tls.key_file", "tls.acme", "tls.acme_folder", "tls.acme_mail", "tls.acme_server", "tls.acme_roots"}

// keepWhatNeedsRestart sets those keys back to what they were, and names them.
func (c *Config) keepWhatNeedsRestart(was *Config) (kept []string) {
	before := map[string]reflect.Value{}
	for _, f := range configFields(reflect.ValueOf(was).Elem(), "") {
		before[f.key] = f.value
	}
	for _, f := range configFields(reflect.ValueOf(c).Elem(), "") {
		for _, key := range needRestart {
			if f.key == key && !f.value.Equal(before[key]) {
				f.value.Set(before[key])
				kept = append(kept, key)
			}
		}
	}
	return kept
}

// BackupConfig says where copies of the database are put.
type BackupConfig struct {
	Folder string `toml:"folder"`
	Keep   int    `toml:"keep"` // of those with a name of our own; 0 keeps all
}

func (c *Config) checkBackup(bad func(key, format string, args ...any)) {
	if c.Backup.Keep < 0 {
		bad("backup.keep", "%d is negative; 0 keeps all", c.Backup.Keep)
	}
	if c.Backup.Folder == "" {
		bad("backup.folder", "it is empty: name a folder, such as backups")
	}
}

// keepBesides are the files that a backup of the database does not hold and
// without which it is worth less.
func (c *Config) keepBesides() (list []string) {
	add := func(key, file, why string) {
		if file != "" {
			list = append(list, fmt.Sprintf("%s (%s: %s)", file, key, why))
		}
	}
	if c.Secret == "" {
		add("secret_file", c.SecretFile, "the links in all mails sent, and the list of addresses never to be mailed")
	}
	add("dkim.rsa_file", c.DKIM.RSAFile, "signs mails")
	add("dkim.ed25519_file", c.DKIM.Ed25519File, "signs mails")
	for _, r := range c.relays() {
		add(r.key+".password_file", r.PasswordFile, "the relay's password")
	}
	if file, err := filepath.Abs(c.file); err == nil {
		add("the configuration", file, "all settings")
	}
	return list
}
