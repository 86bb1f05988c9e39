package transport

import (
	"bytes"
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
	"strings"
	"time"
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
	canonical string // the same as it is hashed
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
		signed.signers = append(signed.signers, signer{key: k.Key, head: head, canonical: relaxed(head), signature: base64.StdEncoding.EncodedLen(size)})
	}
	if len(keys) == 0 {
		return e, nil
	}
	if err := signed.hashPrefix(); err != nil {
		return nil, err
	}
	return &signed, nil
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

// bodyHash is the hash of a body, begun from the prefix that all have in common.
func (e *Edition) bodyHash() (hash.Hash, error) {
	h := sha256.New()
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(e.bodyState); err != nil {
		return nil, fmt.Errorf("transport: dkim: %w", err)
	}
	return h, nil
}

// reserve makes room for the signature fields at the head of a message: their
// length is known before their content.
func (e *Edition) reserve(dst []byte) []byte {
	for i := range e.signers {
		for range e.signers[i].fieldSize() {
			dst = append(dst, ' ')
		}
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

// sign fills the room that reserve made before message, which has the header
// fields and the body as they are sent.
func (e *Edition) sign(room, message []byte, bodyHash []byte) error {
	end := bytes.Index(message, []byte("\r\n\r\n"))
	fields := canonicalFields(string(message[:max(end, 0)]))
	bh := base64.StdEncoding.EncodeToString(bodyHash)
	for i := range e.signers {
		s := &e.signers[i]
		digest := sha256.Sum256([]byte(fields + s.canonical + bh + "; b="))
		var opts crypto.SignerOpts = crypto.SHA256
		if _, ok := s.key.(ed25519.PrivateKey); ok {
			opts = crypto.Hash(0) // RFC 8463 signs the hash as a message
		}
		signature, err := s.key.Sign(rand.Reader, digest[:], opts)
		if err != nil {
			return fmt.Errorf("transport: dkim: %w", err)
		}
		field := make([]byte, 0, s.fieldSize())
		field = append(append(append(field, s.head...), bh...), ";\r\n b="...)
		encoded := base64.StdEncoding.EncodeToString(signature)
		for len(encoded) > 0 {
			n := min(signatureLine, len(encoded))
			field = append(append(field, "\r\n "...), encoded[:n]...)
			encoded = encoded[n:]
		}
		field = append(field, "\r\n"...)
		copy(room, field)
		room = room[len(field):]
	}
	return nil
}

// canonicalFields gives the signed fields in relaxed form (RFC 6376, 3.4.2).
func canonicalFields(header string) string {
	byName := map[string]string{}
	for _, f := range splitFields(header) {
		name, _, _ := strings.Cut(f, ":")
		byName[strings.ToLower(name)] = f
	}
	var b strings.Builder
	for _, name := range signedFields {
		if f, ok := byName[strings.ToLower(name)]; ok {
			b.WriteString(relaxed(f))
			b.WriteString("\r\n")
		}
	}
	return b.String()
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
