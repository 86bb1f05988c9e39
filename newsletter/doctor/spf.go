package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// spfLookups is how many questions a record may cost (RFC 7208 §4.6.4).
const spfLookups = 10

const spfWhy = "SPF (RFC 7208) says which machines may send for the return path's domain. Receivers count mail from others against you, and Gmail, Yahoo and Outlook want it of every bulk sender."

func (l *look) spf(ctx context.Context) []Finding {
	find := about("spf", spfWhy)
	if l.bounces == "" {
		return nil
	}
	texts, err := l.DNS.starting(ctx, l.bounces, "v=spf1")
	ips, unknown := l.outgoing(ctx)
	switch {
	case errors.Is(err, errNone):
		return []Finding{find(l.bounces, Failure, "no SPF record").do("publish one").publish(txt(l.bounces, l.spfFor("v=spf1 ~all", ips, unknown)))}
	case err != nil:
		return []Finding{find(l.bounces, Warning, "cannot be looked up: %v", err).do("ask again later, or name another server with --resolver")}
	case len(texts) > 1:
		return []Finding{find(l.bounces, Failure, "%d SPF records: receivers take none of them (RFC 7208 §4.5)", len(texts)).
			do("make them one, and remove the others").publish(txt(l.bounces, l.spfFor(merge(texts), ips, unknown)))}
	}
	var list []Finding
	record := texts[0]
	s := &spfRun{dns: l.DNS, ctx: ctx}
	var missing []netip.Addr
	for _, ip := range ips {
		s.lookups, s.void = 0, 0
		switch result, err := s.check(record, l.bounces, ip, 0); {
		case err != nil:
			return append(list, find(l.bounces, Failure, "%v: receivers treat the record as broken", err).do(s.mend(record)))
		case result != '+':
			missing = append(missing, ip)
		}
	}
	s.lookups, s.void, s.all = 0, 0, true
	if _, err := s.check(record, l.bounces, netip.Addr{}, 0); err != nil {
		return append(list, find(l.bounces, Failure, "%v: receivers treat the record as broken", err).do(s.mend(record)))
	}
	if len(missing) > 0 {
		list = append(list, find(l.bounces, Failure, "it does not allow %s, from where mails leave", join(missing)).
			do("put this in its place").publish(txt(l.bounces, l.spfFor(record, missing, nil))))
	}
	if len(ips) == 0 {
		list = append(list, find(l.bounces, Note, "the record is sound, but from which address mails leave cannot be seen here (%s)", strings.Join(unknown, ", ")).
			do("set doctor.sends_from, or see that your provider's include: is in it: "+record))
	}
	if low := strings.ToLower(record); strings.Contains(low, "+all") || strings.HasSuffix(low, " all") {
		list = append(list, find(l.bounces, Warning, "it allows the whole world").do("end it with ~all").publish(txt(l.bounces, withoutAll(record)+" ~all")))
	}
	if len(list) == 0 {
		list = append(list, find(l.bounces, Good, "allows %s, with %d of %d lookups", join(ips), s.lookups, spfLookups))
	}
	return list
}

func join(ips []netip.Addr) string {
	var list []string
	for _, ip := range ips {
		list = append(list, ip.String())
	}
	return strings.Join(list, ", ")
}

// spfFor puts addresses, and hosts whose addresses are not known, before the end
// of a record.
func (l *look) spfFor(record string, ips []netip.Addr, hosts []string) string {
	var terms []string
	for _, ip := range ips {
		kind := "ip4"
		if ip.Is6() {
			kind = "ip6"
		}
		terms = append(terms, kind+":"+ip.String())
	}
	for _, h := range hosts {
		if ip, err := netip.ParseAddr(h); err == nil && !public(ip) || h == "localhost" {
			continue // its address out in the world is not known here
		}
		terms = append(terms, "a:"+h)
	}
	last := "~all"
	for _, t := range strings.Fields(record) {
		if low := strings.ToLower(t); strings.HasPrefix(low, "redirect=") || strings.TrimLeft(low, "-~?") == "all" {
			last = t
		}
	}
	fields := append(strings.Fields(withoutAll(record)), terms...)
	return strings.Join(append(fields, last), " ")
}

func withoutAll(record string) string {
	var kept []string
	for _, t := range strings.Fields(record) {
		if low := strings.ToLower(t); strings.TrimLeft(low, "+-~?") != "all" && !strings.HasPrefix(low, "redirect=") {
			kept = append(kept, t)
		}
	}
	return strings.Join(kept, " ")
}

// merge makes one record of several.
func merge(records []string) string {
	fields := []string{"v=spf1"}
	seen := map[string]bool{}
	for _, r := range records {
		for _, t := range strings.Fields(withoutAll(r))[1:] {
			if !seen[t] {
				seen[t] = true
				fields = append(fields, t)
			}
		}
	}
	return strings.Join(append(fields, "~all"), " ")
}

// spfRun is one walk through a record and what it includes.
type spfRun struct {
	dns           DNS
	ctx           context.Context
	lookups, void int
	all           bool // go through everything, whether or not it matches
	counted       []string
}

func (s *spfRun) mend(record string) string {
	if s.lookups > spfLookups {
		return "take out what is not needed any more, or write ip4: and ip6: in place of a: and include: (each of these costs a question: " + strings.Join(s.counted, ", ") + ")"
	}
	return "mend it: " + record
}

// cost counts a question.
func (s *spfRun) cost(term string) error {
	s.lookups++
	s.counted = append(s.counted, term)
	if s.lookups > spfLookups {
		return fmt.Errorf("it costs more than %d DNS lookups", spfLookups)
	}
	return nil
}

// emptied counts an answer that had nothing: two are allowed.
func (s *spfRun) emptied(err error, term string) error {
	if errors.Is(err, errNone) {
		if s.void++; s.void > 2 {
			return fmt.Errorf("more than two of its names do not exist (%s)", term)
		}
		return nil
	}
	return err
}

// check gives the qualifier of the first term that matches; '?' where none does.
func (s *spfRun) check(record, domain string, ip netip.Addr, depth int) (byte, error) {
	if depth > spfLookups {
		return 0, errors.New("its includes go in a circle")
	}
	redirect := ""
	for _, term := range strings.Fields(record)[1:] {
		if name, value, found := strings.Cut(term, "="); found && !strings.ContainsAny(name, ":/") {
			if strings.EqualFold(name, "redirect") {
				redirect = value
			}
			continue
		}
		qualifier := byte('+')
		if strings.ContainsRune("+-~?", rune(term[0])) {
			qualifier, term = term[0], term[1:]
		}
		match, err := s.matches(term, domain, ip, depth)
		if err != nil {
			return 0, err
		}
		if match && !s.all {
			return qualifier, nil
		}
	}
	if redirect != "" {
		return s.follow("redirect="+redirect, redirect, ip, depth)
	}
	return '?', nil
}

func (s *spfRun) follow(term, domain string, ip netip.Addr, depth int) (byte, error) {
	if err := s.cost(term); err != nil {
		return 0, err
	}
	texts, err := s.dns.starting(s.ctx, domain, "v=spf1")
	if errors.Is(err, errNone) {
		return 0, fmt.Errorf("%s leads to no SPF record", term)
	}
	if err != nil {
		return 0, err
	}
	if len(texts) > 1 {
		return 0, fmt.Errorf("%s leads to %d SPF records", term, len(texts))
	}
	return s.check(texts[0], domain, ip, depth+1)
}

func (s *spfRun) matches(term, domain string, ip netip.Addr, depth int) (bool, error) {
	name, value, _ := strings.Cut(term, ":")
	name, bits, _ := strings.Cut(name, "/")
	if value == "" {
		value = domain
	} else if name != "ip4" && name != "ip6" && !strings.Contains(value, "%") {
		value, bits, _ = strings.Cut(value, "/")
	}
	switch strings.ToLower(name) {
	case "all":
		return true, nil
	case "ip4", "ip6":
		prefix, err := netip.ParsePrefix(value)
		if single, serr := netip.ParseAddr(value); serr == nil {
			prefix, err = single.Prefix(single.BitLen())
		}
		if err != nil {
			return false, fmt.Errorf("%q is no network", term)
		}
		return prefix.Contains(ip), nil
	case "include":
		result, err := s.follow(term, value, ip, depth)
		return result == '+', err
	case "a", "mx":
		return s.host(strings.ToLower(name), term, value, bits, ip)
	case "exists", "ptr":
		// What these say depends on the mail; only what they cost is counted.
		return false, s.cost(term)
	}
	return false, fmt.Errorf("%q is nothing that SPF knows", term)
}

func (s *spfRun) host(kind, term, value, bits string, ip netip.Addr) (bool, error) {
	if err := s.cost(term); err != nil {
		return false, err
	}
	hosts := []string{value}
	if kind == "mx" {
		var err error
		if hosts, err = s.dns.mx(s.ctx, value); err != nil {
			return false, s.emptied(err, term)
		}
	}
	for _, h := range hosts {
		list, err := s.dns.addresses(s.ctx, h)
		if err != nil {
			if err := s.emptied(err, term); err != nil {
				return false, err
			}
			continue
		}
		for _, a := range list {
			if a.BitLen() == ip.BitLen() && within(a, bits, ip) {
				return true, nil
			}
		}
	}
	return false, nil
}

// within reports whether two addresses share so many bits, written as 24 or 24//64.
func within(a netip.Addr, bits string, ip netip.Addr) bool {
	four, six, _ := strings.Cut(bits, "//")
	n := a.BitLen()
	if text := map[bool]string{true: four, false: six}[a.Is4()]; text != "" {
		fmt.Sscan(text, &n)
	}
	p, err := a.Prefix(n)
	return err == nil && p.Contains(ip)
}
