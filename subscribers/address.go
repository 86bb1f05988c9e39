package subscribers

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// An AddressError says why an address is refused and, for a common typing
// error, what was probably meant.
type AddressError struct {
	Address string
	Reason  string
	Meant   string // empty where nothing better is known
}

func (e *AddressError) Error() string {
	s := fmt.Sprintf("%q is not an address: %s", e.Address, e.Reason)
	if e.Meant != "" {
		s += fmt.Sprintf(" (did you mean %s?)", e.Meant)
	}
	return s
}

// Limits of RFC 5321, 4.5.3.1, in octets.
const (
	maxLocal   = 64
	maxAddress = 254
)

// ParseAddress reads a bare address and normalises it: the local part in NFC,
// the domain in lower case and, where it is international, in Unicode. What
// net/mail would quietly repair (names, comments, quotes, spaces) is refused.
func ParseAddress(s string) (string, error) {
	refuse := func(reason string) (string, error) { return "", &AddressError{Address: s, Reason: reason} }
	// Composed first: composing may lengthen the text, and make a ";" of the Greek
	// question mark.
	s = norm.NFC.String(strings.Trim(s, " \t"))
	switch {
	case s == "":
		return refuse("it is empty")
	case !utf8.ValidString(s):
		return refuse("it is not UTF-8")
	case strings.ContainsFunc(s, unsafeRune):
		return refuse("it has a control or invisible character in it")
	case strings.ContainsFunc(s, unicode.IsSpace):
		return refuse("it has a space in it")
	case strings.ContainsAny(s, `"<>()[],;:\`):
		return refuse("only a plain address is taken, without name, quotes, brackets or comments")
	}
	at := strings.LastIndexByte(s, '@')
	switch {
	case at < 0:
		return refuse("it has no @")
	case at == 0:
		return refuse("there is nothing before the @")
	case strings.Count(s, "@") > 1:
		return refuse("it has more than one @")
	}
	domain, reason := normaliseDomain(s[at+1:])
	if reason != "" {
		return "", &AddressError{Address: s, Reason: reason, Meant: meantAddress(s[:at], s[at+1:])}
	}
	address := s[:at+1] + domain
	switch {
	case at > maxLocal:
		return refuse(fmt.Sprintf("the part before the @ is longer than %d octets", maxLocal))
	case len(address) > maxAddress:
		return refuse(fmt.Sprintf("it is longer than %d octets", maxAddress))
	}
	// The last word has the standard library: what it reads must be what stands there.
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address || parsed.Name != "" {
		return refuse("the part before the @ has dots or characters in wrong places")
	}
	return address, nil
}

// unsafeRune reports what nobody types on purpose: controls and the format
// characters that make two addresses look alike.
func unsafeRune(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

// normaliseDomain gives the domain in lower case and Unicode, or why it is none.
func normaliseDomain(d string) (domain, reason string) {
	switch {
	case d == "":
		return "", "there is nothing after the @"
	case strings.HasSuffix(d, ".") || strings.HasPrefix(d, "."):
		return "", "the domain begins or ends with a dot"
	case strings.Contains(d, ".."):
		return "", "the domain has two dots in a row"
	case !strings.Contains(d, "."):
		return "", "the domain has no dot"
	}
	ascii, err := idna.Lookup.ToASCII(d)
	if err != nil {
		return "", "the domain is not valid"
	}
	last := ascii[strings.LastIndexByte(ascii, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return "", "the domain ends in a number"
	}
	if domain, err = idna.Lookup.ToUnicode(ascii); err != nil {
		return "", "the domain is not valid"
	}
	return domain, ""
}

// ASCIIDomain gives the address with its domain in punycode, as SMTP carries it
// (RFC 5890). ok is false where the local part needs SMTPUTF8 (RFC 6531).
func ASCIIDomain(address string) (wire string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	ascii := strings.IndexFunc(address, func(r rune) bool { return r >= utf8.RuneSelf })
	if ascii < 0 || at < 0 {
		return address, true
	}
	domain, err := idna.Lookup.ToASCII(address[at+1:])
	if err != nil {
		return address, false
	}
	return address[:at+1] + domain, ascii > at
}

// ErrLeft marks an address whose owner has left: only they can bring it back.
var ErrLeft = errors.New("the address has unsubscribed")
