package bounce

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"strings"

	"golang.org/x/net/html/charset"
)

// Bounds of what is read. What exceeds them is left for a person (fault B3).
const (
	MaxSize   = 10 << 20 // octets of a mail
	maxDepth  = 12       // parts in parts
	maxParts  = 200
	maxText   = 256 << 10 // octets of one decoded part that are looked at
	maxFields = 2000      // header fields of one part
)

// Errors of mails that cannot be read.
var (
	ErrTooLarge = errors.New("bounce: the mail is larger than what is read")
	ErrEmpty    = errors.New("bounce: the mail has no header")
)

// header is a part's fields in their order. Reports are written by programs that
// do not always follow the rules, so reading one never fails.
type header []field

type field struct{ name, value string }

// get gives the first value of a field, unfolded and not decoded.
func (h header) get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

// all gives every value of a field.
func (h header) all(name string) (values []string) {
	for _, f := range h {
		if strings.EqualFold(f.name, name) {
			values = append(values, f.value)
		}
	}
	return values
}

// part is a leaf of a mail's tree, or a mail within it.
type part struct {
	header header
	media  string // of its content, in lower case
	body   string // decoded, in UTF-8, lines ended by \n
	inner  bool   // it belongs to a mail that is enclosed
}

// lines makes every line end a \n, also the bare CR of some old systems.
func lines(raw []byte) []byte {
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))
}

// readHeader reads fields up to the first empty line.
func readHeader(b []byte) (h header, body []byte) {
	var folded []byte // of the last field: what it goes on with
	unfold := func() {
		if len(folded) > 0 {
			h[len(h)-1].value += string(folded)
			folded = folded[:0]
		}
	}
	for len(b) > 0 {
		line, rest, _ := bytes.Cut(b, []byte("\n"))
		if len(bytes.TrimSpace(line)) == 0 {
			unfold()
			return h, rest
		}
		b = rest
		if (line[0] == ' ' || line[0] == '\t') && len(h) > 0 {
			if len(folded) < maxText {
				folded = append(append(folded, ' '), bytes.TrimSpace(line)...)
			}
			continue
		}
		unfold()
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || len(h) >= maxFields || bytes.ContainsAny(bytes.TrimRight(name, " "), " <>\"@") {
			continue // a line of an mbox, or one that some gateway broke
		}
		h = append(h, field{string(bytes.TrimSpace(name)), string(bytes.TrimSpace(value))})
	}
	unfold()
	return h, nil
}

// reader walks a mail's tree and keeps the parts that say something.
type reader struct {
	parts []part
	seen  int
}

// walk reads one entity. media is what it is unless it says otherwise.
func (r *reader) walk(h header, body []byte, depth int, inner bool) {
	if r.seen++; r.seen > maxParts || depth > maxDepth {
		return
	}
	media, params := mediaType(h.get("Content-Type"))
	if strings.HasPrefix(media, "multipart/") {
		if pieces := split(body, params["boundary"]); len(pieces) > 0 {
			for _, piece := range pieces {
				ph, pb := readHeader(piece)
				r.walk(ph, pb, depth+1, inner)
			}
			return
		}
		media = "text/plain" // it has lost its boundary
	}
	decoded := decodeTransfer(body, h.get("Content-Transfer-Encoding"))
	p := part{header: h, media: media, inner: inner}
	switch {
	case media == "message/rfc822", media == "message/global":
		ih, ib := readHeader(bytes.TrimLeft(lines(decoded), "\n"))
		r.parts = append(r.parts, part{header: ih, media: "message/rfc822", inner: inner})
		r.walk(ih, ib, depth+1, true)
		return
	case strings.HasPrefix(media, "text/"), strings.HasPrefix(media, "message/"):
		p.body = text(decoded, params["charset"])
	default:
		return // pictures and the like say nothing
	}
	r.parts = append(r.parts, p)
}

// mediaType reads a Content-Type as well as it can be read.
func mediaType(v string) (media string, params map[string]string) {
	media, params, err := mime.ParseMediaType(v)
	if err == nil {
		return media, params
	}
	first, rest, _ := strings.Cut(v, ";")
	media, params = strings.ToLower(strings.TrimSpace(first)), map[string]string{}
	for p := range strings.SplitSeq(rest, ";") {
		name, value, _ := strings.Cut(p, "=")
		params[strings.ToLower(strings.TrimSpace(name))] = strings.Trim(strings.TrimSpace(value), `"'`)
	}
	if media == "" {
		media = "text/plain"
	}
	return media, params
}

// split cuts a multipart's body at its boundary. A missing end is no fault.
func split(body []byte, boundary string) (pieces [][]byte) {
	if boundary == "" {
		return nil
	}
	mark := []byte("--" + boundary)
	start := -1
	for at := 0; at < len(body); {
		end := bytes.IndexByte(body[at:], '\n')
		next := len(body)
		if end >= 0 {
			next = at + end + 1
		}
		if line := bytes.TrimRight(body[at:next], " \t\n"); bytes.HasPrefix(line, mark) {
			rest := string(line[len(mark):])
			if rest == "" || rest == "--" {
				if start >= 0 {
					pieces = append(pieces, body[start:at])
				}
				if start = next; rest == "--" || len(pieces) > maxParts {
					return pieces
				}
			}
		}
		at = next
	}
	if start >= 0 && start < len(body) {
		pieces = append(pieces, body[start:])
	}
	return pieces
}

// decodeTransfer undoes a transfer encoding, as far as it goes.
func decodeTransfer(body []byte, encoding string) []byte {
	var r io.Reader
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		r = quotedprintable.NewReader(bytes.NewReader(body))
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, bytes.NewReader(body))
	default:
		return body
	}
	decoded, err := io.ReadAll(io.LimitReader(r, MaxSize))
	if err != nil && len(decoded) == 0 {
		return body // it was not encoded after all
	}
	return decoded
}

// text gives a part's body in UTF-8 with \n line ends.
func text(b []byte, label string) string {
	b = b[:min(len(b), maxText)]
	if e, name := charset.Lookup(label); e != nil && name != "utf-8" {
		if decoded, err := e.NewDecoder().Bytes(b); err == nil {
			b = decoded
		}
	} else if label == "" && bytes.Contains(b, []byte("\x1b$B")) {
		if e, _ := charset.Lookup("iso-2022-jp"); e != nil { // Japanese systems do not always say so
			if decoded, err := e.NewDecoder().Bytes(b); err == nil {
				b = decoded
			}
		}
	}
	return strings.ToValidUTF8(string(lines(b)), "\uFFFD")
}

// words decodes the encoded words of a header's value (RFC 2047).
func words(v string) string {
	d := mime.WordDecoder{CharsetReader: func(label string, r io.Reader) (io.Reader, error) {
		return charset.NewReaderLabel(label, r)
	}}
	if decoded, err := d.DecodeHeader(v); err == nil {
		return strings.ToValidUTF8(decoded, "\uFFFD")
	}
	return strings.ToValidUTF8(v, "\uFFFD")
}
