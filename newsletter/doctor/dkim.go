package doctor

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"

	"apta/newsletter/transport"
)

const dkimWhy = "DKIM (RFC 6376) signs each mail for your domain; receivers get the key from DNS. Without a signature that they can check, Gmail, Yahoo and Outlook put bulk mail into the spam folder or refuse it."

func (l *look) dkim(ctx context.Context) []Finding {
	find := about("dkim", dkimWhy)
	if l.domain == "" {
		return nil
	}
	if len(l.Keys) == 0 {
		return []Finding{find(l.domain, Failure, "mails are not signed").do("apta dkim keygen --type rsa --selector r1 --out dkim-rsa.pem, and set the keys of [dkim] that it prints (if your relay signs for you, see that it does so for " + l.domain + ")")}
	}
	var list []Finding
	for _, k := range l.Keys {
		f := l.dkimKey(ctx, k)
		f.Check, f.About = "dkim", k.Selector+"._domainkey."+k.Domain
		if f.Severity > Good {
			f.Why = dkimWhy
			if line, err := transport.ZoneLine(k); err == nil && f.Do == "" {
				f.Do, f.Publish = "publish this, and remove what else the name has", []string{line}
			}
		}
		list = append(list, f)
	}
	return list
}

// dkimKey holds what is published against the key that signs.
func (l *look) dkimKey(ctx context.Context, k transport.DKIM) Finding {
	name := k.Selector + "._domainkey." + k.Domain
	find := about("dkim", "")
	texts, at, err := l.DNS.txt(ctx, name)
	via := ""
	if !strings.EqualFold(at, name) && at != "" {
		via = " (by way of " + at + ")"
	}
	switch {
	case errors.Is(err, errNone) && via != "":
		return find("", Failure, "the alias leads to %s, and there is nothing", at)
	case errors.Is(err, errNone):
		return find("", Failure, "the key is not published")
	case err != nil:
		return find("", Warning, "cannot be looked up: %v", err).do("ask again later")
	case len(texts) > 1:
		return find("", Failure, "%d records%s; which one a receiver takes is chance", len(texts), via)
	}
	tags := tagsOf(texts[0])
	key, empty := tags["p"]
	switch {
	case !empty:
		return find("", Failure, "what is published%s is no DKIM key: it has no p=", via)
	case key == "":
		return find("", Failure, "the key was withdrawn%s: its p= is empty", via)
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(key), ""))
	if err != nil {
		return find("", Failure, "the published key%s cannot be read: %v", via, err)
	}
	if !sameKey(der, tags["k"], k) {
		return find("", Failure, "the published key%s is not the one that signs: every signature fails", via)
	}
	bits := 0
	if public, ok := k.Key.Public().(*rsa.PublicKey); ok {
		bits = public.N.BitLen()
	}
	switch {
	case tags["t"] != "" && strings.Contains(":"+tags["t"]+":", ":y:"):
		return find("", Warning, "it is published as a test (t=y): receivers may treat mails as unsigned")
	case bits > 0 && bits < 1024:
		return find("", Failure, "the key has %d bits: nobody accepts it", bits).do("apta dkim keygen makes one of 2048")
	case bits > 0 && bits < 2048:
		return find("", Warning, "the key has %d bits; Gmail wants 2048", bits).do("apta dkim keygen makes one of 2048")
	}
	return find("", Good, "published%s, and the key that signs", via)
}

func sameKey(der []byte, kind string, k transport.DKIM) bool {
	switch ours := k.Key.Public().(type) {
	case ed25519.PublicKey:
		return strings.EqualFold(kind, "ed25519") && ours.Equal(ed25519.PublicKey(der))
	case *rsa.PublicKey:
		if kind != "" && !strings.EqualFold(kind, "rsa") {
			return false
		}
		public, err := x509.ParsePKIXPublicKey(der)
		if err != nil {
			if public, err = x509.ParsePKCS1PublicKey(der); err != nil {
				return false
			}
		}
		return ours.Equal(public)
	}
	return false
}

// tagsOf reads a list of tag=value.
func tagsOf(text string) map[string]string {
	tags := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		if name, value, found := strings.Cut(part, "="); found {
			tags[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
	}
	return tags
}
