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
	"hash"
	"strings"
	"sync"

	"apta/subscribers/database"
)

// Purpose is what a reader's link is for. A link of one purpose opens nothing else.
type Purpose string

// The purposes of links.
const (
	PurposeUnsubscribe Purpose = "unsubscribe"
	PurposePreferences Purpose = "preferences"
	PurposeConfirm     Purpose = "confirm"
	PurposeChangeOld   Purpose = "change-old" // of address: this and the next name the change, not the reader
	PurposeChangeNew   Purpose = "change-new"
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
// Its methods are safe for concurrent use.
type Keys struct {
	block  cipher.Block
	forms  sync.Pool // of *form
	hashes sync.Pool // of *hasher
}

// form is what making one token writes on. Two tokens go into every mail, so
// forms are used again; sent bytes are then the only ones made for a reader.
type form struct {
	mac  hash.Hash
	said []byte // what the tag speaks of
	sum  []byte
	pad  [aes.BlockSize]byte
	raw  [tagSize + idSize]byte
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
	k := &Keys{block: block}
	k.forms.New = func() any { return &form{mac: hmac.New(sha256.New, key[:32])} }
	hashKey, err := hkdf.Key(sha256.New, secret, nil, "apta addresses and consents", 32)
	if err != nil {
		return nil, fmt.Errorf("subscribers: keys: %w", err)
	}
	k.hashes.New = func() any { return &hasher{mac: hmac.New(sha256.New, hashKey)} }
	return k, nil
}

// Secret gives 32 bytes for a use of somebody else's, such as signing: the same
// for the same use, and nothing by which those of another use could be guessed.
func (k *Keys) Secret(use string) []byte {
	h := k.hashes.Get().(*hasher)
	defer k.hashes.Put(h)
	h.mac.Reset()
	h.mac.Write([]byte("secret\x00" + use))
	return h.mac.Sum(nil)
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
	f := k.forms.Get().(*form)
	defer k.forms.Put(f)
	return base64.RawURLEncoding.AppendEncode(dst, f.fill(k.block, p, id, generation))
}

// folded is base 32 in lower case: the local part of an address may lose its
// capitals on the way.
var folded = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// FoldedToken is Token for places that do not keep capitals apart.
func (k *Keys) FoldedToken(p Purpose, id database.ID, generation int) string {
	f := k.forms.Get().(*form)
	defer k.forms.Put(f)
	return folded.EncodeToString(f.fill(k.block, p, id, generation))
}

// fill makes the token's bytes, good until the form is used again.
func (f *form) fill(block cipher.Block, p Purpose, id database.ID, generation int) []byte {
	copy(f.raw[:], f.tag(p, id, generation))
	binary.BigEndian.PutUint64(f.raw[tagSize:], f.crypt(block, uint64(id)))
	return f.raw[:]
}

// tag gives the tag, good until the form is used again.
func (f *form) tag(p Purpose, id database.ID, generation int) []byte {
	f.said = binary.BigEndian.AppendUint64(f.said[:0], uint64(id))
	f.said = binary.BigEndian.AppendUint64(f.said, uint64(generation))
	f.said = append(f.said, p...) // behind fixed lengths it cannot be mistaken for them
	f.mac.Reset()
	f.mac.Write(f.said)
	f.sum = f.mac.Sum(f.sum[:0])
	return f.sum[:tagSize]
}

// crypt encrypts or decrypts n under the tag at the front of f.raw.
func (f *form) crypt(block cipher.Block, n uint64) uint64 {
	block.Encrypt(f.pad[:], f.raw[:tagSize])
	return n ^ binary.BigEndian.Uint64(f.pad[:])
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
	return k.claim(p, raw)
}

// OpenFolded reads what FoldedToken wrote, in capitals or not.
func (k *Keys) OpenFolded(p Purpose, token string) (Claim, error) {
	raw, err := folded.DecodeString(strings.ToLower(token))
	if err != nil {
		return Claim{}, ErrToken
	}
	return k.claim(p, raw)
}

func (k *Keys) claim(p Purpose, raw []byte) (Claim, error) {
	// Not for every string of the right length: the decoders pass over line ends.
	if len(raw) != tagSize+idSize {
		return Claim{}, ErrToken
	}
	f := k.forms.Get().(*form)
	defer k.forms.Put(f)
	copy(f.raw[:], raw)
	c := Claim{keys: k, purpose: p, tag: [tagSize]byte(raw)}
	c.ID = database.ID(f.crypt(k.block, binary.BigEndian.Uint64(raw[tagSize:])))
	return c, nil
}

// Prove returns ErrToken unless the token was made for this subscriber,
// purpose and generation. It takes the same time wherever they differ.
func (c Claim) Prove(generation int) error {
	f := c.keys.forms.Get().(*form)
	defer c.keys.forms.Put(f)
	if subtle.ConstantTimeCompare(c.tag[:], f.tag(c.purpose, c.ID, generation)) != 1 {
		return ErrToken
	}
	return nil
}
