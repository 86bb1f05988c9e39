package main

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net"
	"testing"

	"apta/newsletter/transport"

	"golang.org/x/net/dns/dnsmessage"
)

// keyServer is a name server that knows the records of DKIM keys, and of every
// other name that it is not there. It gives its port.
func keyServer(t *testing.T, keys []transport.DKIM) int {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	records := map[string]string{}
	for _, k := range keys {
		records[k.Selector+"._domainkey."+k.Domain+"."] = dkimRecord(t, k.Key)
	}
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) == 0 {
				continue
			}
			m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
			q := m.Questions[0]
			record, known := records[q.Name.String()]
			switch {
			case known && q.Type == dnsmessage.TypeTXT:
				var parts []string
				for len(record) > 255 {
					parts, record = append(parts, record[:255]), record[255:]
				}
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60}, Body: &dnsmessage.TXTResource{TXT: append(parts, record)}})
			case !known:
				m.RCode = dnsmessage.RCodeNameError
			}
			if out, err := m.Pack(); err == nil {
				conn.WriteTo(out, from)
			}
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).Port
}

// dkimRecord is a key's record (RFC 6376, 3.6.1; RFC 8463, 3).
func dkimRecord(t *testing.T, key crypto.Signer) string {
	t.Helper()
	switch public := key.Public().(type) {
	case ed25519.PublicKey:
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
	}
	t.Fatalf("a key of type %T", key)
	return ""
}
