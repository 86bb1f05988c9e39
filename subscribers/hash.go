package subscribers

import (
	"encoding/base64"
	"hash"
	"strings"
)

// hasher is what making one keyed hash writes on.
type hasher struct {
	mac  hash.Hash
	said []byte
	sum  []byte
}

// hash gives 22 characters of keyed hash over a text. use keeps the hashes of
// one use apart from those of another.
func (k *Keys) hash(use string, text []byte) string {
	h := k.hashes.Get().(*hasher)
	defer k.hashes.Put(h)
	h.said = append(append(append(h.said[:0], use...), 0), text...)
	h.mac.Reset()
	h.mac.Write(h.said)
	h.sum = h.mac.Sum(h.sum[:0])
	return base64.RawURLEncoding.EncodeToString(h.sum[:16])
}

// addressHash is what stays of an address that is never to be mailed. Capitals
// make no difference: no provider of note gives Reader@ and reader@ to two people.
func (k *Keys) addressHash(address string) string {
	return k.hash("suppression", []byte(strings.ToLower(address)))
}

// limitKey is by what the mails to a mailbox are counted. What a provider passes
// over does not make it another mailbox: capitals, a +tag, and Gmail's dots.
func (k *Keys) limitKey(address string) string {
	at := strings.LastIndexByte(address, '@')
	local, domain := strings.ToLower(address[:at]), address[at+1:]
	if before, _, found := strings.Cut(local, "+"); found && before != "" {
		local = before
	}
	if domain == "gmail.com" || domain == "googlemail.com" {
		local = strings.ReplaceAll(local, ".", "")
	}
	return k.hash("limit", []byte(local+"@"+domain))
}

// link chains an entry of the consent log to the link before it.
func (k *Keys) link(last string, e *entryRow) string { return k.hash("consent", e.said(last)) }
