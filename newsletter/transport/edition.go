package transport

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"apta/newsletter"
	"apta/subscribers"
	"apta/subscribers/database"
)

// Edition is a frozen message, cut at its slots. It is safe for concurrent use.
type Edition struct {
	raw      []byte // as stored: CRLF lines, slot markers
	segments []segment
	size     int // of the literals, for a buffer's first allocation

	signers   []signer   // none where messages are not signed
	fields    []segment  // the signed header fields as they are hashed
	bodyFrom  int        // the segment in which the body begins
	bodyState []byte     // the hash of the body up to its first slot
	desks     *sync.Pool // of signingDesk
}

// segment is some literal bytes and the slot that follows them. The last segment
// of an edition has no slot.
type segment struct {
	literal []byte // dot-stuffed
	plain   []byte // as it is hashed
	slot    newsletter.Slot
	where   place
}

// place is where a slot stands, which decides how its value is written.
type place int

const (
	inHeader place = iota
	inText         // quoted-printable text
	inHTML         // quoted-printable HTML
)

// Reader is what is spliced into the slots for one reader.
type Reader struct {
	Address        string
	Name           string
	ReturnPath     string // the envelope sender
	MessageID      string // without angle brackets
	UnsubscribeURL string
	PreferencesURL string
	UnsubscribeTo  string // the address that unsubscribes whoever is written from; may be empty
}

// ErrValue marks a reader's value that no message may carry.
var ErrValue = errors.New("a line break or control character in it")

// softBreak is how a line of quoted-printable goes on in the next (RFC 2045, 6.7).
const softBreak = "=\r\n"

// markers finds every slot marker, also one that quoted-printable cut in two.
var markers = func() *regexp.Regexp {
	var all []string
	for _, s := range append(slices.Clone(newsletter.Slots[:]), slotTo, slotMessageID, slotMailto) {
		all = append(all, strings.Join(strings.Split(s.Marker(), ""), "(?:"+softBreak+")?"))
	}
	return regexp.MustCompile(strings.Join(all, "|"))
}()

// ParseEdition reads the bytes of a frozen message.
func ParseEdition(message []byte) (*Edition, error) {
	headerEnd := bytes.Index(message, []byte("\r\n\r\n"))
	htmlStart := bytes.Index(message, []byte("Content-Type: text/html"))
	if htmlStart < 0 { // text only
		htmlStart = len(message)
	}
	if headerEnd < 0 || htmlStart < headerEnd || !bytes.HasSuffix(message, []byte("\r\n")) {
		return nil, errors.New("transport: these bytes are not an edition")
	}
	e := &Edition{raw: message}
	rest := 0
	var opening []byte // what the slot before requires at the start of the literal
	for _, m := range markers.FindAllIndex(message, -1) {
		s := segment{slot: slotNamed(string(bytes.ReplaceAll(message[m[0]:m[1]], []byte(softBreak), nil)))}
		switch {
		case m[0] > htmlStart:
			s.where = inHTML
		case m[0] > headerEnd:
			s.where = inText
		}
		literal := slices.Concat(opening, message[rest:m[0]])
		opening, rest = nil, m[1]
		if s.where != inHeader {
			// The value has lines of its own: no line grows beyond 76 characters whatever the value is.
			if !bytes.HasSuffix(literal, []byte("\r\n")) {
				literal = append(literal, softBreak...)
			}
			if !bytes.HasPrefix(message[rest:], []byte("\r\n")) {
				opening = []byte(softBreak)
			}
		}
		s.plain, s.literal = literal, stuff(literal)
		e.segments = append(e.segments, s)
	}
	last := slices.Concat(opening, message[rest:])
	e.segments = append(e.segments, segment{plain: last, literal: stuff(last)})
	for _, s := range e.segments {
		e.size += len(s.literal)
	}
	return e, nil
}

func slotNamed(marker string) newsletter.Slot {
	for _, s := range newsletter.Slots {
		if s.Marker() == marker {
			return s
		}
	}
	if marker == slotTo.Marker() {
		return slotTo
	}
	if marker == slotMailto.Marker() {
		return slotMailto
	}
	return slotMessageID
}

// stuff doubles the dot at the start of a line (RFC 5321, 4.5.2).
func stuff(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n."), []byte("\r\n..")) }

// Bytes is what ParseEdition reads.
func (e *Edition) Bytes() []byte { return e.raw }

// Append appends the reader's message as it goes over the wire: lines ended by
// CRLF, dots stuffed, without the final dot. A value that no message may carry
// gives ErrValue, and dst comes back as it was.
func (e *Edition) Append(dst []byte, r *Reader) ([]byte, error) {
	start := len(dst)
	if cap(dst)-start < e.size {
		dst = slices.Grow(dst, e.size+4<<10)
	}
	if len(e.signers) == 0 {
		return e.splice(dst, start, r, nil)
	}
	d, err := e.desk()
	if err != nil {
		return dst, err
	}
	defer e.desks.Put(d)
	if dst, err = e.splice(e.reserve(dst), start, r, d); err != nil {
		return dst, err
	}
	return dst, e.sign(dst[start:], d)
}

// splice appends the segments and the values of their slots. Where the message is
// signed, the desk's hash reads what of the body follows its first literal, and
// the desk notes the values in the header. On an error dst is cut back to start.
func (e *Edition) splice(dst []byte, start int, r *Reader, d *signingDesk) ([]byte, error) {
	for i := range e.segments {
		s := &e.segments[i]
		dst = append(dst, s.literal...)
		if d != nil && i > e.bodyFrom {
			d.hash.Write(s.plain)
		}
		var err error
		value := len(dst)
		switch {
		case s.slot == "":
		case s.slot == slotTo:
			dst, err = appendTo(dst, r)
		case s.slot == slotMailto:
			dst, err = appendMailto(dst, r)
		case s.where == inHeader:
			dst, err = appendPlain(dst, r.value(s.slot), s.slot)
		default:
			dst, err = appendQP(dst, r.value(s.slot), s)
		}
		switch {
		case err != nil:
			return dst[:start], err
		case d == nil || s.slot == "":
		case s.where == inHeader:
			d.values = append(d.values, headerValue{s.slot, value - start, len(dst) - start})
		default:
			d.hash.Write(dst[value:])
		}
	}
	return dst, nil
}

// Message gives the reader's message as it is kept in a file: like Append, but
// without the stuffed dots.
func (e *Edition) Message(r *Reader) ([]byte, error) {
	wire, err := e.Append(nil, r)
	return bytes.ReplaceAll(wire, []byte("\r\n.."), []byte("\r\n.")), err
}

func (r *Reader) value(s newsletter.Slot) string {
	switch s {
	case newsletter.SlotUnsubscribe:
		return r.UnsubscribeURL
	case newsletter.SlotPreferences:
		return r.PreferencesURL
	case newsletter.SlotName:
		return r.Name
	case slotMessageID:
		return r.MessageID
	}
	return ""
}

// appendPlain writes a header value that is ASCII by its making.
func appendPlain(dst []byte, v string, s newsletter.Slot) ([]byte, error) {
	for i := range len(v) {
		if v[i] <= ' ' || v[i] >= 0x7f {
			return dst, fmt.Errorf("transport: %s: %w", s, ErrValue)
		}
	}
	return append(dst, v...), nil
}

// appendTo writes the To header's value (RFC 5322, 3.4; RFC 2047).
func appendTo(dst []byte, r *Reader) ([]byte, error) {
	if hasControl(r.Name) || hasControl(r.Address) {
		return dst, fmt.Errorf("transport: to: %w", ErrValue)
	}
	address, _ := subscribers.ASCIIDomain(r.Address)
	if r.Name == "" {
		return append(append(append(dst, '<'), address...), '>'), nil
	}
	if plainName(r.Name) {
		return append(append(append(append(dst, r.Name...), " <"...), address...), '>'), nil
	}
	v := (&mail.Address{Name: r.Name, Address: address}).String()
	return append(dst, strings.ReplaceAll(v, "?= =?", "?=\r\n =?")...), nil
}

// plainName reports whether a name is a phrase that needs neither quotes nor
// encoding: letters, digits and single spaces between them.
func plainName(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		letter := c >= 'a' && c <= 'z' || s[i] >= '0' && s[i] <= '9'
		if !letter && (s[i] != ' ' || i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}

// appendMailto writes the second way of List-Unsubscribe (RFC 2369), for mail
// programs that know no other. Readers have none where no mailbox is read.
func appendMailto(dst []byte, r *Reader) ([]byte, error) {
	if r.UnsubscribeTo == "" {
		return dst, nil
	}
	dst = append(dst, ",\r\n <mailto:"...)
	local, domain, _ := strings.Cut(r.UnsubscribeTo, "@")
	dst, err := appendPlain(dst, url.PathEscape(local)+"@"+domain, slotMailto)
	return append(dst, "?subject=unsubscribe>"...), err
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// qpLine is the length at which a value's line is broken: with the soft break's
// "=" and a last encoded octet it stays within 76.
const qpLine = 72

// appendQP writes a value in quoted-printable, beginning at the start of a line.
func appendQP(dst []byte, v string, s *segment) ([]byte, error) {
	if hasControl(v) {
		return dst, fmt.Errorf("transport: %s: %w", s.slot, ErrValue)
	}
	if s.where == inHTML && strings.ContainsAny(v, `&<>"'`) {
		v = html.EscapeString(v)
	}
	const hex = "0123456789ABCDEF"
	column := 0
	for i := range len(v) {
		if column >= qpLine {
			dst, column = append(dst, softBreak...), 0
		}
		c := v[i]
		plain := c > ' ' && c < 0x7f && c != '='
		// A dot that begins a line would be read as SMTP's, a "From " as mbox's,
		// and a space that ends one is lost.
		switch {
		case column == 0 && (c == '.' || c == 'F'), c == ' ' && i == len(v)-1:
			plain = false
		case c == ' ':
			plain = true
		}
		if plain {
			dst, column = append(dst, c), column+1
		} else {
			dst, column = append(dst, '=', hex[c>>4], hex[c&15]), column+3
		}
	}
	return dst, nil
}

// MessageID names the message of an issue to a subscriber. It is the same at
// every attempt, so a receiver may see that it has the mail already. The tag
// proves that it is ours where a bounce names it; it may be empty.
func MessageID(issue, subscriber database.ID, tag, domain string) string {
	id := issue.String() + "." + subscriber.String()
	if tag != "" {
		id += "." + tag
	}
	return id + "@" + domain
}
