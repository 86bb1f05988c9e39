package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apta/newsletter/transport/smtptest"
)

// Addresses that climb out of the site's own, written as a browser never would:
// none gives a file or leads to another site.
func TestFault_W6_PathsLeadNowhere(t *testing.T) {
	n := openNewsroom(t, nil)
	handler, err := n.handler(n.rooms)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	for _, path := range []string{"/../../../../etc/passwd", "/assets/../../../etc/passwd", "/assets/%2e%2e/%2e%2e/etc/passwd", "/weekly/..%2f..%2fapta.db", "/weekly/../apta.key",
		"//evil.example/", "/\\evil.example", "/assets/..\\..\\apta.key", "/weekly/%00", "/weekly/2024-W42/../../apta.db", "/./.git/config", "http://evil.example/x"} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: weekly.news.example\r\nConnection: close\r\n\r\n", path)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		body, _ := io.ReadAll(resp.Body)
		conn.Close()
		if where := resp.Header.Get("Location"); where != "" && (!strings.HasPrefix(where, "/") || strings.HasPrefix(where, "//") || strings.HasPrefix(where, "/\\")) {
			t.Errorf("%s leads to %q", path, where)
		}
		if resp.StatusCode == http.StatusOK || strings.Contains(string(body), "root:") || strings.Contains(string(body), "SQLite") {
			t.Errorf("%s: %s\n%.200s", path, resp.Status, body)
		}
	}
}

// Our own TLS speaks 1.2 and 1.3, takes up a renewed certificate, and keeps the
// old one while the files are half written.
func TestTLSIsModern(t *testing.T) {
	dir := t.TempDir()
	c := Config{BaseURL: "https://127.0.0.1", TLS: TLSConfig{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}}
	until := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	pool := writeCertificate(t, c.TLS, until)
	config, err := c.tlsConfig()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(listener)
	defer server.Close()
	address := listener.Addr().String()
	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: pool, MinVersion: version, MaxVersion: version})
		if (err == nil) != want {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			conn.Close()
		}
	}
	pair := &certificate{cert: c.TLS.CertFile, key: c.TLS.KeyFile}
	first, err := pair.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	look := func() *tls.Certificate {
		t.Helper()
		pair.looked = time.Time{} // a minute later
		got, err := pair.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if err := os.WriteFile(c.TLS.CertFile, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if look() != first {
		t.Error("a half-written file took the certificate away")
	}
	writeCertificate(t, c.TLS, until.Add(time.Hour))
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(c.TLS.CertFile, later, later); err != nil {
		t.Fatal(err)
	}
	if look() == first {
		t.Error("a renewed certificate was not taken up")
	}
	c.TLS.CertFile = filepath.Join(dir, "none.pem")
	if _, err := c.tlsConfig(); err == nil || !strings.Contains(err.Error(), "tls.cert_file") {
		t.Errorf("without a file: %v", err)
	}
}

func writeCertificate(t *testing.T, c TLSConfig, until time.Time) *x509.CertPool {
	t.Helper()
	config, pool, err := smtptest.Certificate(until)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalECPrivateKey(config.Certificates[0].PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{c.CertFile: {Type: "CERTIFICATE", Bytes: config.Certificates[0].Certificate[0]}, c.KeyFile: {Type: "EC PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return pool
}
