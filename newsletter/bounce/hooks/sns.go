package hooks

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" // of signature version 1, which Amazon still makes by default
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"apta/newsletter/bounce"
)

// envelope is a message of Amazon's SNS.
type envelope struct {
	Type             string
	MessageID        string `json:"MessageId"`
	TopicArn         string
	Subject          *string
	Message          string
	Timestamp        string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
	SubscribeURL     string
	Token            string
}

// ses reads what SNS carries. A topic that is set up is subscribed to by itself,
// any other is refused.
func (h *Hooks) ses(r *http.Request, body []byte) ([]event, error) {
	var e envelope
	if json.Unmarshal(body, &e) != nil {
		return nil, errBody
	}
	if !slices.Contains(h.opt.SESTopics, e.TopicArn) {
		return nil, fmt.Errorf("topic %.100q: %w", e.TopicArn, errForged)
	}
	if err := h.verify(r.Context(), &e); err != nil {
		return nil, err
	}
	at, err := time.Parse(time.RFC3339, e.Timestamp)
	if err != nil {
		return nil, errBody
	}
	if err := h.fresh(at); err != nil {
		return nil, err
	}
	switch e.Type {
	case "SubscriptionConfirmation":
		if !amazon(e.SubscribeURL) {
			return nil, errForged
		}
		if _, err := h.get(r.Context(), e.SubscribeURL); err != nil {
			return nil, fmt.Errorf("hooks: subscribe: %w", err)
		}
		h.log.Info("bounces: subscribed to a topic", "topic", e.TopicArn)
		return nil, nil
	case "Notification":
		report, err := bounce.ParseSES([]byte(e.Message))
		if err != nil {
			return nil, nil // such as the message that says that events will be sent
		}
		return []event{{e.MessageID, report}}, nil
	}
	return nil, nil
}

// snsHost are the hosts that SNS's certificates and confirmations come from.
var snsHost = regexp.MustCompile(`^sns\.[a-z0-9-]{3,30}\.amazonaws\.com(\.cn)?$`)

func amazon(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.User == nil && u.Port() == "" && snsHost.MatchString(u.Host)
}

// verify holds the signature against the certificate that the message names,
// which must be one of Amazon's.
func (h *Hooks) verify(ctx context.Context, e *envelope) error {
	if !amazon(e.SigningCertURL) || !strings.HasSuffix(e.SigningCertURL, ".pem") {
		return fmt.Errorf("certificate from %.100q: %w", e.SigningCertURL, errForged)
	}
	signature, err := base64.StdEncoding.DecodeString(e.Signature)
	if err != nil {
		return errForged
	}
	key, err := h.certs.key(ctx, e.SigningCertURL, h.now(), h.get)
	if err != nil {
		return err
	}
	said := []byte(e.signed())
	switch e.SignatureVersion {
	case "1":
		sum := sha1.Sum(said)
		err = rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature)
	case "2":
		sum := sha256.Sum256(said)
		err = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	default:
		err = errForged
	}
	if err != nil {
		return errForged
	}
	return nil
}

// signed is the text of which Amazon makes the signature.
func (e *envelope) signed() string {
	fields := [][2]string{{"Message", e.Message}, {"MessageId", e.MessageID}}
	if e.Type == "Notification" {
		if e.Subject != nil {
			fields = append(fields, [2]string{"Subject", *e.Subject})
		}
		fields = append(fields, [2]string{"Timestamp", e.Timestamp})
	} else {
		fields = append(fields, [2]string{"SubscribeURL", e.SubscribeURL}, [2]string{"Timestamp", e.Timestamp}, [2]string{"Token", e.Token})
	}
	fields = append(fields, [2]string{"TopicArn", e.TopicArn}, [2]string{"Type", e.Type})
	var b strings.Builder
	for _, f := range fields {
		b.WriteString(f[0] + "\n" + f[1] + "\n")
	}
	return b.String()
}

// certificates are those fetched before. Only Amazon's hosts have any, so they are few.
type certificates struct {
	mu    sync.Mutex
	known map[string]certificate
}

type certificate struct {
	key   *rsa.PublicKey
	until time.Time
}

const mostCertificates = 100

func (c *certificates) key(ctx context.Context, address string, now time.Time, get func(context.Context, string) ([]byte, error)) (*rsa.PublicKey, error) {
	c.mu.Lock()
	known, ok := c.known[address]
	c.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.key, nil
	}
	text, err := get(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("hooks: certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errForged
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return nil, errForged
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, errForged
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= mostCertificates {
		clear(c.known)
	}
	c.known[address] = certificate{key, cert.NotAfter}
	return key, nil
}
