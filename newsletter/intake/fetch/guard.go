package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// ErrForbidden marks an address that is not fetched from.
var ErrForbidden = errors.New("the address is not allowed")

// guard knows the networks that may be reached besides the public ones, and the
// key of the setting that names them.
type guard struct {
	allow []netip.Prefix
	key   string
}

// control is asked when a name is resolved and the socket is about to connect.
// What was resolved at an earlier time, or by somebody else, plays no part.
func (g guard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: %s %s", ErrForbidden, network, address)
	}
	return g.check(to.Addr())
}

func (g guard) check(to netip.Addr) error {
	to = to.Unmap().WithZone("")
	for _, p := range g.allow {
		if p.Contains(to) {
			return nil
		}
	}
	if !public(to) {
		return fmt.Errorf("%w: %s is not a public address (%s may name its network)", ErrForbidden, to, g.key)
	}
	return nil
}

// reserved are the networks of IANA's special-purpose registries that netip has no
// word for. Those that carry an IPv4 address inside are here as a whole: nobody
// publishes a feed under them, and they would lead past the guard.
var reserved = func() (list []netip.Prefix) {
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}()

func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// checkURL refuses what need not even be resolved.
func checkURL(u *url.URL) error {
	host := u.Hostname()
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: it is not http or https", ErrForbidden)
	case u.User != nil:
		return fmt.Errorf("%w: it carries a user name or password", ErrForbidden)
	case host == "":
		return fmt.Errorf("%w: it has no host", ErrForbidden)
	case endsInNumber(host) && !isAddress(host):
		// 2130706433, 0x7f.1 and 127.1 are 127.0.0.1 to some resolvers.
		return fmt.Errorf("%w: %q is neither a name nor an address as it is usually written", ErrForbidden, host)
	}
	return nil
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// endsInNumber is the test of the URL standard (whatwg) for what is meant as an
// IPv4 address.
func endsInNumber(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
