package doctor

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

func (l *look) mx(ctx context.Context) []Finding {
	find := about("mx", "Bounces go to the return path and answers to From. Where nobody takes mail there, dead addresses are mailed for ever, and some receivers refuse the sender.")
	var list []Finding
	domains := []string{l.bounces, l.domain}
	for _, domain := range slices.Compact(domains) {
		if domain == "" {
			continue
		}
		hosts, err := l.DNS.mx(ctx, domain)
		if errors.Is(err, errNone) {
			if _, aerr := l.DNS.addresses(ctx, domain); aerr == nil {
				list = append(list, find(domain, Note, "no MX; its own address takes the mail (RFC 5321 §5.1)").do("publish one").publish(domain+". IN MX 10 "+domain+"."))
				continue
			}
			list = append(list, find(domain, Failure, "takes no mail: neither MX nor address").do("publish where its mail goes").publish(domain+". IN MX 10 mail."+organisation(domain)+"."))
			continue
		}
		if err != nil {
			list = append(list, find(domain, Warning, "cannot be looked up: %v", err).do("ask again later"))
			continue
		}
		list = append(list, l.mxHosts(ctx, find, domain, hosts))
	}
	return list
}

func (l *look) mxHosts(ctx context.Context, find func(string, Severity, string, ...any) Finding, domain string, hosts []string) Finding {
	if slices.Contains(hosts, "") {
		return find(domain, Failure, "says that it takes no mail (RFC 7505)").do("publish where its mail goes").publish(domain + ". IN MX 10 mail." + organisation(domain) + ".")
	}
	for _, h := range hosts {
		if ip, err := netip.ParseAddr(h); err == nil {
			return find(domain, Failure, "its MX is the address %s, where only names are allowed", ip).do("name a host")
		}
		if a, err := l.DNS.ask(ctx, h, dns.TypeCNAME); err == nil && len(a.records) > 0 {
			return find(domain, Warning, "its MX %s is an alias, which RFC 2181 §10.3 forbids", h).do("name the host itself")
		}
		if _, err := l.DNS.addresses(ctx, h); err != nil {
			return find(domain, Failure, "its MX %s has no address (%v)", h, err).do("publish its address, or name another")
		}
	}
	return find(domain, Good, "goes to %s", strings.Join(hosts, ", "))
}

// reverse looks whether the addresses that mails come from have names that lead
// back to them, and whether HELO names one.
func (l *look) reverse(ctx context.Context) []Finding {
	find := about("ptr", "Gmail, Yahoo, Outlook and most others refuse mail from an address without a name, or whose name leads elsewhere. The name is set by whoever owns the address: the hoster or provider.")
	ips, unknown := l.outgoing(ctx)
	var list []Finding
	for _, host := range unknown {
		list = append(list, find(host, Note, "is not reached by a public address, so it cannot be seen from where mails leave").do("set doctor.sends_from to the address that the world sees"))
	}
	for _, ip := range ips {
		names, err := l.DNS.names(ctx, ip)
		switch {
		case errors.Is(err, errNone):
			f := find(ip.String(), Failure, "has no name")
			list = append(list, f.do("have its owner publish one, and the name its address").publish(l.ptr(ip, l.helo())...))
			continue
		case err != nil:
			list = append(list, find(ip.String(), Warning, "cannot be looked up: %v", err).do("ask again later"))
			continue
		}
		back := ""
		for _, n := range names {
			if there, err := l.DNS.addresses(ctx, n); err == nil && slices.Contains(there, ip) {
				back = n
			}
		}
		if back == "" {
			list = append(list, find(ip.String(), Failure, "is called %s, which leads elsewhere", strings.Join(names, ", ")).do("publish the name's address").publish(l.ptr(ip, names[0])...))
			continue
		}
		list = append(list, find(ip.String(), Good, "is called %s, and that is its address", back))
	}
	return append(list, l.greeting(ctx)...)
}

// ptr is the two records that tie an address and a name together.
func (l *look) ptr(ip netip.Addr, name string) []string {
	kind := "A"
	if ip.Is6() {
		kind = "AAAA"
	}
	reversed := reverseName(ip)
	return []string{reversed + " IN PTR " + name + ".", name + ". IN " + kind + " " + ip.String()}
}

// helo is the name by which we greet the first relay.
func (l *look) helo() string {
	for _, r := range l.Relays {
		if r.HELO != "" {
			return r.HELO
		}
	}
	if u, err := url.Parse(l.BaseURL); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return "mail." + l.domain
}

func (l *look) greeting(ctx context.Context) []Finding {
	find := about("helo", "A relay greeted with a name that does not exist may refuse us, and a spam filter counts it.")
	name := l.helo()
	if ip, err := netip.ParseAddr(name); err == nil {
		return []Finding{find(ip.String(), Warning, "we greet relays with an address").do("set smtp.helo to a name of this machine")}
	}
	switch _, err := l.DNS.addresses(ctx, name); {
	case errors.Is(err, errNone):
		return []Finding{find(name, Warning, "we greet relays with this name, and it has no address").do("set smtp.helo to a name of this machine, or publish this one's address")}
	case err != nil:
		return []Finding{find(name, Note, "cannot be looked up: %v", err)}
	}
	return []Finding{find(name, Good, "the name that we greet relays with exists")}
}
