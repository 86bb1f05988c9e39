package transport

import (
	"fmt"
	"strconv"
	"strings"

	"apta/subscribers"

	"github.com/wneessen/go-mail/smtp"
)

// extensions are those of a relay's that concern the envelope.
type extensions struct {
	utf8      bool // SMTPUTF8 (RFC 6531)
	eightBit  bool // 8BITMIME (RFC 6152)
	dsn       bool // DSN (RFC 3461)
	size      bool // SIZE (RFC 1870)
	sizeLimit int  // octets; 0 is none
}

func extensionsOf(sc *smtp.Client) (x extensions) {
	x.utf8, _ = sc.Extension("SMTPUTF8")
	x.eightBit, _ = sc.Extension("8BITMIME")
	x.dsn, _ = sc.Extension("DSN")
	if ok, limit := sc.Extension("SIZE"); ok {
		x.size = true
		x.sizeLimit, _ = strconv.Atoi(limit) // none or 0 is no limit (RFC 1870, 3)
	}
	return x
}

// envelope is MAIL, RCPT and DATA as they are sent.
type envelope [3]string

// envelope gives the commands of a letter with their parameters, or why this
// relay cannot take it. Domains are always in punycode; our messages are 7-bit
// but for an address that needs SMTPUTF8, which stands in the header as it is.
func (c *Conn) envelope(l *Letter) (e envelope, refused *Outcome) {
	to, ascii := subscribers.ASCIIDomain(l.To)
	from, fromASCII := subscribers.ASCIIDomain(l.From)
	if !isPath(to) || !isPath(from) {
		return e, &Outcome{Kind: Refused, Text: "5.1.3 the address has characters that no address has"}
	}
	mail, rcpt := "MAIL FROM:<"+from+">", "RCPT TO:<"+to+">"
	if !ascii || !fromASCII {
		if !c.ext.utf8 {
			return e, &Outcome{Kind: Refused, Text: "5.6.7 the address needs SMTPUTF8, which the relay does not offer"}
		}
		mail += " SMTPUTF8"
		if c.ext.eightBit {
			mail += " BODY=8BITMIME" // RFC 6531, 3.6
		}
	}
	if c.ext.size {
		if c.ext.sizeLimit > 0 && len(l.Body) > c.ext.sizeLimit {
			return e, &Outcome{Kind: Refused, Text: fmt.Sprintf("5.3.4 the message has %d octets, the relay takes %d", len(l.Body), c.ext.sizeLimit)}
		}
		mail += " SIZE=" + strconv.Itoa(len(l.Body))
	}
	if c.ext.dsn {
		// A bounce needs no copy of forty kilobytes to say whose it is.
		mail += " RET=HDRS"
		if id := xtext(l.ID); id != "" && len(id) <= maxEnvelopeID {
			mail += " ENVID=" + id
		}
		rcpt += " NOTIFY=" + c.relay.notify()
	}
	return envelope{mail + "\r\n", rcpt + "\r\n", "DATA\r\n"}, nil
}

// maxEnvelopeID is how many octets ENVID may have (RFC 3461, 4.4).
const maxEnvelopeID = 100

// notify is what the relay is to report.
func (r Relay) notify() string {
	if r.Notify == "" {
		return "FAILURE"
	}
	return strings.ToUpper(r.Notify)
}

// isPath reports whether an address can stand between angle brackets without
// ending the command it stands in.
func isPath(address string) bool {
	for i := range len(address) {
		if c := address[i]; c <= ' ' || c == 0x7f || c == '<' || c == '>' {
			return false
		}
	}
	return true
}

// xtext encodes a parameter's value (RFC 3461, 4).
func xtext(s string) string {
	plain := true
	for i := range len(s) {
		plain = plain && s[i] > ' ' && s[i] < 0x7f && s[i] != '+' && s[i] != '='
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7f && c != '+' && c != '=' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "+%02X", c)
		}
	}
	return b.String()
}
