package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"
)

// DNS asks one server. The standard library's resolver hides what matters here:
// whether there is no name or no answer, and what an alias led to.
type DNS struct {
	Server string // host:port; the first of /etc/resolv.conf where empty
}

// errNone says that a name, or the kind of record, is not there.
var errNone = errors.New("there is none")

// dnsWait is how long one question is waited for; each is asked three times.
const dnsWait = 3 * time.Second

// answer is the records of one kind that a name has, and the name that aliases led to.
type answer struct {
	name    string
	records []dns.RR
}

func (d DNS) ask(ctx context.Context, name string, kind uint16) (answer, error) {
	server := d.Server
	if server == "" {
		config, err := dns.ClientConfigFromFile("/etc/resolv.conf")
		if err != nil || len(config.Servers) == 0 {
			return answer{}, fmt.Errorf("no DNS server is known: %w", err)
		}
		server = net.JoinHostPort(config.Servers[0], config.Port)
	}
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), kind)
	m.SetEdns0(1232, false)
	var last error
	for range 3 {
		in, err := exchange(ctx, m, server)
		if err == nil {
			return read(in, name, kind)
		}
		if last = err; ctx.Err() != nil {
			break
		}
	}
	return answer{}, fmt.Errorf("%s cannot be asked: %w", name, last)
}

func exchange(ctx context.Context, m *dns.Msg, server string) (*dns.Msg, error) {
	udp := dns.Client{Timeout: dnsWait, UDPSize: 1232}
	in, _, err := udp.ExchangeContext(ctx, m, server)
	if err == nil && in.Truncated {
		tcp := dns.Client{Net: "tcp", Timeout: dnsWait}
		in, _, err = tcp.ExchangeContext(ctx, m, server)
	}
	if err == nil && in.Rcode != dns.RcodeSuccess && in.Rcode != dns.RcodeNameError {
		err = fmt.Errorf("the server says %s", dns.RcodeToString[in.Rcode])
	}
	return in, err
}

// read follows aliases within the answer.
func read(in *dns.Msg, name string, kind uint16) (answer, error) {
	a := answer{name: dns.Fqdn(name)}
	for range 10 {
		moved := false
		for _, rr := range in.Answer {
			if c, ok := rr.(*dns.CNAME); ok && kind != dns.TypeCNAME && strings.EqualFold(c.Hdr.Name, a.name) {
				a.name, moved = c.Target, true
				break
			}
		}
		if !moved {
			break
		}
	}
	for _, rr := range in.Answer {
		if rr.Header().Rrtype == kind && strings.EqualFold(rr.Header().Name, a.name) {
			a.records = append(a.records, rr)
		}
	}
	a.name = strings.TrimSuffix(a.name, ".")
	if len(a.records) == 0 {
		return a, errNone
	}
	return a, nil
}

// txt gives the TXT records of a name, each of its strings joined.
func (d DNS) txt(ctx context.Context, name string) (texts []string, at string, err error) {
	a, err := d.ask(ctx, name, dns.TypeTXT)
	for _, rr := range a.records {
		texts = append(texts, strings.Join(rr.(*dns.TXT).Txt, ""))
	}
	return texts, a.name, err
}

// starting gives the TXT records of a name that begin with a version.
func (d DNS) starting(ctx context.Context, name, version string) (texts []string, err error) {
	all, _, err := d.txt(ctx, name)
	for _, t := range all {
		if low := strings.ToLower(t); low == version || strings.HasPrefix(low, version+" ") || strings.HasPrefix(low, version+";") {
			texts = append(texts, t)
		}
	}
	if err == nil && len(texts) == 0 {
		err = errNone
	}
	return texts, err
}

// mx gives the names of a domain's mail servers; "" is RFC 7505's "none".
func (d DNS) mx(ctx context.Context, name string) (hosts []string, err error) {
	a, err := d.ask(ctx, name, dns.TypeMX)
	for _, rr := range a.records {
		hosts = append(hosts, strings.TrimSuffix(rr.(*dns.MX).Mx, "."))
	}
	return hosts, err
}

// addresses gives those of a host, or the host itself where it is one.
func (d DNS) addresses(ctx context.Context, host string) (list []netip.Addr, err error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		a, aerr := d.ask(ctx, host, kind)
		if aerr != nil && !errors.Is(aerr, errNone) {
			err = aerr
		}
		for _, rr := range a.records {
			var raw net.IP
			switch rr := rr.(type) {
			case *dns.A:
				raw = rr.A
			case *dns.AAAA:
				raw = rr.AAAA
			}
			if ip, ok := netip.AddrFromSlice(raw); ok {
				list = append(list, ip.Unmap())
			}
		}
	}
	if len(list) == 0 && err == nil {
		err = errNone
	}
	return list, err
}

// names gives those that an address has.
func (d DNS) names(ctx context.Context, ip netip.Addr) (list []string, err error) {
	reverse, err := dns.ReverseAddr(ip.String())
	if err != nil {
		return nil, err
	}
	a, err := d.ask(ctx, reverse, dns.TypePTR)
	for _, rr := range a.records {
		list = append(list, strings.TrimSuffix(rr.(*dns.PTR).Ptr, "."))
	}
	return list, err
}

// organisation is the domain that somebody registered: news.example.org's is
// example.org (RFC 7489 §3.2, by the public suffix list).
func organisation(domain string) string {
	if o, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return o
	}
	return domain
}

// aligned reports whether two domains count as one for DMARC.
func aligned(a, b string, strict bool) bool {
	if strict {
		return strings.EqualFold(a, b)
	}
	return strings.EqualFold(organisation(a), organisation(b))
}

// public reports whether the world can reach an address.
func public(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !shared.Contains(ip)
}

var shared = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

// outgoing gives the addresses that mails come from, as far as they are known.
func (l *look) outgoing(ctx context.Context) (list []netip.Addr, unknown []string) {
	from := l.SendsFrom
	if len(from) == 0 {
		for _, r := range l.Relays {
			from = append(from, r.Host)
		}
	}
	for _, host := range from {
		ips, err := l.DNS.addresses(ctx, host)
		known := false
		for _, ip := range ips {
			if public(ip) || len(l.SendsFrom) > 0 {
				list, known = append(list, ip), true
			}
		}
		if err != nil || !known {
			unknown = append(unknown, host)
		}
	}
	return list, unknown
}
