package transport

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// GenerateKey makes a DKIM key: rsa (2048 bits, which every receiver knows) or
// ed25519 (short and fast, which not every receiver knows yet).
func GenerateKey(kind string) (crypto.Signer, error) {
	switch kind {
	case "rsa":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "ed25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("transport: dkim: a key is rsa or ed25519, not %q", kind)
}

// MarshalKey writes a key as PEM (PKCS #8).
func MarshalKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("transport: dkim: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParseKey reads what MarshalKey wrote, or an RSA key of the older PKCS #1.
func ParseKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("transport: dkim: the file holds no key in PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("transport: dkim: %w", err)
	}
	if signer, ok := key.(crypto.Signer); ok {
		return signer, nil
	}
	return nil, fmt.Errorf("transport: dkim: a key of type %T cannot sign", key)
}

// DNSRecord is the text of the TXT record at selector._domainkey.domain that
// lets receivers check the key's signatures.
func DNSRecord(key crypto.Signer) (string, error) {
	switch public := key.Public().(type) {
	case ed25519.PublicKey:
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public), nil
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			return "", fmt.Errorf("transport: dkim: %w", err)
		}
		return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), nil
	}
	return "", fmt.Errorf("transport: dkim: a key of type %T has no record", key)
}

// ZoneLine is the record as a zone file has it, in strings of at most 255 octets.
func ZoneLine(d DKIM) (string, error) {
	record, err := DNSRecord(d.Key)
	if err != nil {
		return "", err
	}
	var parts []string
	for len(record) > 0 {
		n := min(len(record), 255)
		parts = append(parts, `"`+record[:n]+`"`)
		record = record[n:]
	}
	return fmt.Sprintf("%s._domainkey.%s. IN TXT ( %s )", d.Selector, d.Domain, strings.Join(parts, " ")), nil
}
