package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

func (c *Config) scheme() string {
	if c.TLS.on() {
		return "https"
	}
	return "http"
}

// serveWeb answers on a listener, with TLS where it is on.
func (a *app) serveWeb(server *http.Server, listener net.Listener) error {
	if !a.cfg.TLS.on() {
		return server.Serve(listener)
	}
	config, err := a.cfg.tlsConfig()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server.TLSConfig = config
	return server.ServeTLS(listener, "", "")
}

// tlsConfig is TLS 1.2 and later; Go's TLS has no renegotiation by clients.
func (c *Config) tlsConfig() (*tls.Config, error) {
	if !c.TLS.ACME {
		pair := &certificate{cert: c.TLS.CertFile, key: c.TLS.KeyFile}
		if _, err := pair.get(nil); err != nil {
			return nil, err
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get}, nil
	}
	site, err := url.Parse(c.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base_url: %w", err)
	}
	// The certificate is for the one name that links have: whoever connects with
	// another must not make us ask for certificates.
	manager := &autocert.Manager{Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(c.TLS.ACMEFolder), HostPolicy: autocert.HostWhitelist(site.Hostname()), Email: c.TLS.ACMEMail}
	client := &acme.Client{DirectoryURL: c.TLS.ACMEServer}
	if c.TLS.ACMEServer == "" {
		client.DirectoryURL = autocert.DefaultACMEDirectory
	}
	if c.TLS.ACMERoots != "" {
		pem, err := os.ReadFile(c.TLS.ACMERoots)
		if err != nil {
			return nil, fmt.Errorf("tls.acme_roots: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.acme_roots: %s holds no certificate", c.TLS.ACMERoots)
		}
		client.HTTPClient = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots}}}
	}
	manager.Client = client
	config := manager.TLSConfig()
	config.MinVersion = tls.VersionTLS12
	return config, nil
}

// certificate is a pair of files, read again once they have changed: whoever
// renews them need not tell us.
type certificate struct {
	cert, key string

	mu     sync.Mutex
	looked time.Time
	from   time.Time // of the file that was read
	pair   *tls.Certificate
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < time.Minute {
		return c.pair, nil
	}
	info, err := os.Stat(c.cert)
	if err == nil && !info.ModTime().Equal(c.from) {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.pair, c.from = &pair, info.ModTime()
		}
	}
	if c.pair == nil {
		return nil, fmt.Errorf("tls.cert_file: %w", err)
	}
	c.looked = time.Now() // half-written files are looked at again, the old pair goes on
	return c.pair, nil
}
