package subscribers

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"apta/subscribers/database"
)

// Purpose is what a reader's link is for. A link of one purpose opens nothing else.
type Purpose string

// The purposes of links.
const (
	PurposeUnsubscribe Purpose = "unsubscribe"
	PurposePreferences Purpose = "preferences"
	PurposeReturn      Purpose = "return" // in the envelope sender, so that a bounce says whose it is
)

// ErrToken marks a token that this program did not make for this purpose.
var ErrToken = errors.New("the link is not valid")

// Keys makes and reads the tokens in readers' links. A token is derived from a
// secret that is not in the database: whoever copies the database opens no
// reader's page, and a mail of years ago keeps its link.
//
// The construction is SIV (RFC 5297) with HMAC-SHA256 as its pseudo-random
// function: the tag authenticates purpose, subscriber and generation, and the
// subscriber's ID is encrypted under the tag, so that a token says nothing.
type Keys struct {
	mac   []byte
	block cipher.Block
}

// NewKeys derives the keys from a secret of at least 32 bytes.
func NewKeys(secret []byte) (*Keys, error) {
	if len(secret) < 32 {
		return nil, fmt.Errorf("subscribers: the secret has %d bytes, at least 32 are needed", len(secret))
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "apta reader links", 64)
	if err != nil {
		return nil, fmt.Errorf("subscribers: keys: %w", err)
	}
	block, err := aes.NewCipher(key[32:])
	if err != nil {
		return nil, fmt.Errorf("subscribers: keys: %w", err)
	}
	return &Keys{mac: key[:32], block: block}, nil
}

const (
	tagSize = 16
	idSize  = 8
)

// tokenLength is the number of characters of a token.
var tokenLength = base64.RawURLEncoding.EncodedLen(tagSize + idSize)

// Token makes the token of a subscriber for a purpose. The same arguments give
// the same token.
func (k *Keys) Token(p Purpose, id database.ID, generation int) string {
	return string(k.AppendToken(nil, p, id, generation))
}

// AppendToken appends what Token returns.
func (k *Keys) AppendToken(dst []byte, p Purpose, id database.ID, generation int) []byte {
	return base64.RawURLEncoding.AppendEncode(dst, k.raw(p, id, generation))
}

func (k *Keys) raw(p Purpose, id database.ID, generation int) []byte {
	raw := make([]byte, tagSize+idSize)
	copy(raw, k.tag(p, id, generation))
	k.crypt(raw[tagSize:], raw[:tagSize], uint64(id))
	return raw
}

// folded is base 32 in lower case: the local part of an address may lose its
// capitals on the way.
var folded = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// FoldedToken is Token for places that do not keep capitals apart.
func (k *Keys) FoldedToken(p Purpose, id database.ID, generation int) string {
	return folded.EncodeToString(k.raw(p, id, generation))
}

// OpenFolded reads what FoldedToken wrote, in capitals or not.
func (k *Keys) OpenFolded(p Purpose, token string) (Claim, error) {
	raw, err := folded.DecodeString(strings.ToLower(token))
	if err != nil || len(raw) != tagSize+idSize {
		return Claim{}, ErrToken
	}
	return k.claim(p, raw), nil
}

func (k *Keys) tag(p Purpose, id database.ID, generation int) []byte {
	var numbers [16]byte
	binary.BigEndian.PutUint64(numbers[:8], uint64(id))
	binary.BigEndian.PutUint64(numbers[8:], uint64(generation))
	h := hmac.New(sha256.New, k.mac)
	h.Write(numbers[:]) // of fixed length, so what follows cannot be mistaken for it
	h.Write([]byte(p))
	return h.Sum(nil)[:tagSize]
}

// crypt writes n, encrypted or decrypted under the tag, to dst.
func (k *Keys) crypt(dst, tag []byte, n uint64) {
	var pad [aes.BlockSize]byte
	k.block.Encrypt(pad[:], tag)
	binary.BigEndian.PutUint64(dst, n^binary.BigEndian.Uint64(pad[:]))
}

// Claim is what a token says before it is proved: whose it would be.
type Claim struct {
	ID      database.ID
	keys    *Keys
	purpose Purpose
	tag     [tagSize]byte
}

// Open reads a token. The claim is worth nothing until Prove has held it
// against the subscriber's generation.
func (k *Keys) Open(p Purpose, token string) (Claim, error) {
	if len(token) != tokenLength {
		return Claim{}, ErrToken
	}
	// Strict: one token has one spelling.
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return Claim{}, ErrToken
	}
	return k.claim(p, raw), nil
}

func (k *Keys) claim(p Purpose, raw []byte) Claim {
	c := Claim{keys: k, purpose: p}
	copy(c.tag[:], raw)
	var id [idSize]byte
	k.crypt(id[:], raw[:tagSize], binary.BigEndian.Uint64(raw[tagSize:]))
	c.ID = database.ID(binary.BigEndian.Uint64(id[:]))
	return c
}

// Prove returns ErrToken unless the token was made for this subscriber,
// purpose and generation. It takes the same time wherever they differ.
func (c Claim) Prove(generation int) error {
	if subtle.ConstantTimeCompare(c.tag[:], c.keys.tag(c.purpose, c.ID, generation)) != 1 {
		return ErrToken
	}
	return nil
}
