package transport

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"sync"
	"time"

	"apta/newsletter"
)

// DKIM is a key that signs for a domain (RFC 6376; RFC 8463 for Ed25519).
type DKIM struct {
	Domain   string
	Selector string
	Key      crypto.Signer // *rsa.PrivateKey or ed25519.PrivateKey
}

// signedFields are the header fields a signature covers, each once more than it
// occurs, so that nobody can add a second one (RFC 6376, 8.15). The two fields of
// one-click unsubscribing are among them because RFC 8058, 4, wants it.
var signedFields = []string{"From", "Reply-To", "To", "Subject", "Date", "Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version", "Content-Type"}

// signer is what all messages of an edition have in common for one key.
type signer struct {
	key       crypto.Signer
	head      string // the field up to the body hash, folded as it is sent
	canonical []byte // the same as it is hashed
	signature int    // octets of the signature in base 64
}

// Sign gives the edition with its messages signed by every key, as of a time.
// The header is canonicalised relaxed, the body simple: it is quoted-printable,
// which nobody on the way has a reason to touch.
func (e *Edition) Sign(at time.Time, keys ...DKIM) (*Edition, error) {
	signed := *e
	signed.signers = nil
	for _, k := range keys {
		var algorithm string
		var size int
		switch key := k.Key.(type) {
		case ed25519.PrivateKey:
			algorithm, size = "ed25519-sha256", ed25519.SignatureSize
		case *rsa.PrivateKey:
			algorithm, size = "rsa-sha256", key.Size()
		default:
			return nil, fmt.Errorf("transport: dkim: a key of type %T cannot sign", k.Key)
		}
		tags := []string{"v=1; a=" + algorithm + "; c=relaxed/simple;", "d=" + k.Domain + "; s=" + k.Selector + ";", fmt.Sprintf("t=%d;", at.Unix())}
		tags = append(tags, foldList("h=", e.fieldsToSign())...)
		head := "DKIM-Signature: " + strings.Join(append(tags, "bh="), "\r\n ")
		signed.signers = append(signed.signers, signer{key: k.Key, head: head, canonical: []byte(relaxed(head)), signature: base64.StdEncoding.EncodedLen(size)})
	}
	if len(keys) == 0 {
		return e, nil
	}
	signed.fields = signed.canonicalFields()
	if err := signed.hashPrefix(); err != nil {
		return nil, err
	}
	signed.desks = &sync.Pool{New: func() any { return &signingDesk{hash: sha256.New()} }}
	return &signed, nil
}

// signingDesk is what one message is signed on; it is used again for others.
type signingDesk struct {
	hash   hash.Hash
	values []headerValue // what was spliced into the header
	text   []byte
}

// headerValue is where a slot's value stands in a message.
type headerValue struct {
	slot     newsletter.Slot
	from, to int
}

// fieldsToSign lists the names for h=: those the edition has, and once more
// those and the ones it lacks.
func (e *Edition) fieldsToSign() (names []string) {
	header, _, _ := strings.Cut(string(e.raw), "\r\n\r\n")
	present := map[string]bool{}
	for _, f := range splitFields(header) {
		name, _, _ := strings.Cut(f, ":")
		present[strings.ToLower(name)] = true
	}
	for _, name := range signedFields {
		if present[strings.ToLower(name)] {
			names = append(names, name)
		}
	}
	return append(names, signedFields...)
}

// foldList writes a colon-separated list in lines of at most 76 octets.
func foldList(tag string, names []string) (lines []string) {
	line := tag
	for i, name := range names {
		end := ":"
		if i == len(names)-1 {
			end = ";"
		}
		if len(line)+len(name)+1 > 75 {
			lines = append(lines, line)
			line = ""
		}
		line += name + end
	}
	return append(lines, line)
}

// hashPrefix hashes the body up to its first slot once: each message goes on
// from a copy of that state.
func (e *Edition) hashPrefix() error {
	h := sha256.New()
	body := false
	for i := range e.segments {
		s := &e.segments[i]
		plain := s.plain
		if !body {
			at := strings.Index(string(plain), "\r\n\r\n")
			if at < 0 {
				continue // all of it is header
			}
			body, plain = true, plain[at+4:]
		}
		h.Write(plain)
		e.bodyFrom = i
		break
	}
	if !body {
		return errors.New("transport: dkim: the edition has no body")
	}
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return fmt.Errorf("transport: dkim: %w", err)
	}
	e.bodyState = state
	return nil
}

// desk gives a desk whose hash has read what all bodies have in common.
func (e *Edition) desk() (*signingDesk, error) {
	d := e.desks.Get().(*signingDesk)
	d.values = d.values[:0]
	if err := d.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(e.bodyState); err != nil {
		return nil, fmt.Errorf("transport: dkim: %w", err)
	}
	return d, nil
}

// reserve makes room for the signature fields at the head of a message: their
// length is known before their content.
func (e *Edition) reserve(dst []byte) []byte {
	for i := range e.signers {
		n := len(dst) + e.signers[i].fieldSize()
		dst = slices.Grow(dst, n-len(dst))[:n]
	}
	return dst
}

// encodedHash is the length of a SHA-256 hash in base 64.
const encodedHash = 44

// signatureLine is how many octets of a signature stand on one line.
const signatureLine = 72

func (s *signer) fieldSize() int {
	folds := (s.signature + signatureLine - 1) / signatureLine
	return len(s.head) + encodedHash + len(";\r\n b=") + s.signature + folds*len("\r\n ") + len("\r\n")
}

// sign fills the room that reserve made at the head of message.
func (e *Edition) sign(message []byte, d *signingDesk) error {
	var sum [sha256.Size]byte
	bh := base64.StdEncoding.AppendEncode(make([]byte, 0, encodedHash), d.hash.Sum(sum[:0]))
	d.text = d.text[:0]
	for i := range e.fields {
		d.text = append(d.text, e.fields[i].plain...)
		for _, v := range d.values {
			if v.slot == e.fields[i].slot {
				d.text = appendRelaxed(d.text, message[v.from:v.to])
			}
		}
	}
	room := message[:0]
	for i := range e.signers {
		s := &e.signers[i]
		d.hash.Reset()
		d.hash.Write(d.text)
		d.hash.Write(s.canonical)
		d.hash.Write(bh)
		d.hash.Write([]byte("; b="))
		var opts crypto.SignerOpts = crypto.SHA256
		if _, ok := s.key.(ed25519.PrivateKey); ok {
			opts = crypto.Hash(0) // RFC 8463 signs the hash as a message
		}
		signature, err := s.key.Sign(rand.Reader, d.hash.Sum(sum[:0]), opts)
		if err != nil {
			return fmt.Errorf("transport: dkim: %w", err)
		}
		room = s.appendField(room, bh, signature)
	}
	return nil
}

// appendField appends the whole field, as long as fieldSize says.
func (s *signer) appendField(dst, bodyHash, signature []byte) []byte {
	dst = append(append(append(dst, s.head...), bodyHash...), ";\r\n b="...)
	encoded := base64.StdEncoding.AppendEncode(make([]byte, 0, s.signature), signature)
	for len(encoded) > 0 {
		n := min(signatureLine, len(encoded))
		dst = append(append(dst, "\r\n "...), encoded[:n]...)
		encoded = encoded[n:]
	}
	return append(dst, "\r\n"...)
}

// canonicalFields gives the signed fields in relaxed form (RFC 6376, 3.4.2), cut
// at their slots.
func (e *Edition) canonicalFields() (cut []segment) {
	header, _, _ := strings.Cut(string(e.raw), "\r\n\r\n")
	byName := map[string]string{}
	for _, f := range splitFields(header) {
		name, _, _ := strings.Cut(f, ":")
		byName[strings.ToLower(name)] = f
	}
	var all strings.Builder
	for _, name := range signedFields {
		if f, ok := byName[strings.ToLower(name)]; ok {
			all.WriteString(relaxed(f) + "\r\n")
		}
	}
	rest, text := 0, all.String()
	for _, m := range markers.FindAllStringIndex(text, -1) {
		cut = append(cut, segment{plain: []byte(text[rest:m[0]]), slot: slotNamed(text[m[0]:m[1]])})
		rest = m[1]
	}
	return append(cut, segment{plain: []byte(text[rest:])})
}

// appendRelaxed appends a value with its white space reduced to single spaces.
func appendRelaxed(dst, value []byte) []byte {
	for i, c := range value {
		switch {
		case c == '\r', c == '\n':
		case (c == ' ' || c == '\t') && i > 0 && len(dst) > 0 && dst[len(dst)-1] == ' ':
		case c == '\t':
			dst = append(dst, ' ')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// splitFields parts a header into its fields, folded lines included.
func splitFields(header string) (fields []string) {
	for _, line := range strings.Split(header, "\r\n") {
		if line != "" && (line[0] == ' ' || line[0] == '\t') && len(fields) > 0 {
			fields[len(fields)-1] += "\r\n" + line
		} else {
			fields = append(fields, line)
		}
	}
	return fields
}

// relaxed is a field with its name in lower case, unfolded, and its white space
// reduced to single spaces.
func relaxed(field string) string {
	name, value, _ := strings.Cut(field, ":")
	return strings.ToLower(strings.TrimRight(name, " \t")) + ":" + strings.Join(strings.FieldsFunc(value, func(r rune) bool {
		return r == ' ' || r == '\t' || r == '\r' || r == '\n'
	}), " ")
}
