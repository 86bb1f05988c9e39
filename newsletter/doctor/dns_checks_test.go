package doctor

import (
	"context"
	"crypto"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"apta/newsletter/transport"
)

// expect is one finding that must be there: its severity and words of it.
type expect struct {
	severity Severity
	words    string // in what it says
	publish  string // in the records to publish
}

func held(t *testing.T, found []Finding, want ...expect) {
	t.Helper()
	for _, w := range want {
		ok := false
		for _, f := range found {
			ok = ok || f.Severity == w.severity && strings.Contains(f.Says, w.words) && strings.Contains(strings.Join(f.Publish, "\n"), w.publish)
		}
		if !ok {
			t.Errorf("no %v with %q and the record %q in %+v", w.severity, w.words, w.publish, found)
		}
	}
	for _, f := range found {
		if f.Severity > Note && (f.Why == "" || f.Do == "") {
			t.Errorf("%+v does not say why, or what to do", f)
		}
	}
}

func looking(d DNS, from []string, keys ...transport.DKIM) *look {
	return &look{Options: Options{DNS: d, SendsFrom: from, Keys: keys}, domain: "news.example.org", bounces: "news.example.org"}
}

func TestSPF(t *testing.T) {
	const us = "203.0.113.7"
	many := []string{"news.example.org. IN TXT \"v=spf1 include:s1.example.net -all\""}
	for i := 1; i < 12; i++ {
		many = append(many, fmt.Sprintf("s%d.example.net. IN TXT \"v=spf1 include:s%d.example.net -all\"", i, i+1))
	}
	many = append(many, "s12.example.net. IN TXT \"v=spf1 ip4:203.0.113.0/24 -all\"")
	spf := func(text string) string { return "news.example.org. IN TXT \"" + text + "\"" }
	for name, test := range map[string]struct {
		records []string
		want    expect
	}{
		"none":             {nil, expect{Failure, "no SPF record", `news.example.org. IN TXT "v=spf1 ip4:203.0.113.7 ~all"`}},
		"other TXT only":   {[]string{spf("google-site-verification=x"), spf("v=spf10 x")}, expect{Failure, "no SPF record", "v=spf1 ip4"}},
		"good ip4":         {[]string{spf("v=spf1 ip4:203.0.113.0/24 -all"), spf("other")}, expect{Good, "allows 203.0.113.7, with 0 of 10", ""}},
		"good a":           {[]string{spf("v=spf1 a:out.example.org -all"), "out.example.org. IN A 203.0.113.7"}, expect{Good, "1 of 10", ""}},
		"good a range":     {[]string{spf("v=spf1 a:out.example.org/24 -all"), "out.example.org. IN A 203.0.113.99"}, expect{Good, "1 of 10", ""}},
		"good mx":          {[]string{spf("v=spf1 mx -all"), "news.example.org. IN MX 10 in.example.org.", "in.example.org. IN A 203.0.113.7"}, expect{Good, "1 of 10", ""}},
		"good redirect":    {[]string{spf("v=spf1 redirect=other.example.org"), "other.example.org. IN TXT \"v=spf1 ip4:203.0.113.7 -all\""}, expect{Good, "allows", ""}},
		"good include":     {[]string{spf("v=spf1 include:p.example.net ~all"), "p.example.net. IN TXT \"v=spf1 ip4:203.0.113.7 -all\""}, expect{Good, "1 of 10", ""}},
		"in two strings":   {[]string{"news.example.org. IN TXT \"v=spf1 ip4:203.0.\" \"113.7 -all\""}, expect{Good, "allows", ""}},
		"not allowed":      {[]string{spf("v=spf1 include:p.example.net -all"), "p.example.net. IN TXT \"v=spf1 ip4:198.51.100.1 -all\""}, expect{Failure, "does not allow 203.0.113.7", `"v=spf1 include:p.example.net ip4:203.0.113.7 -all"`}},
		"softfail":         {[]string{spf("v=spf1 ~all")}, expect{Failure, "does not allow", `"v=spf1 ip4:203.0.113.7 ~all"`}},
		"two records":      {[]string{spf("v=spf1 ip4:198.51.100.1 -all"), spf("v=spf1 include:p.example.net ~all")}, expect{Failure, "2 SPF records", "ip4:198.51.100.1"}},
		"more than 10":     {many, expect{Failure, "more than 10 DNS lookups", ""}},
		"circle":           {[]string{spf("v=spf1 include:news.example.org -all")}, expect{Failure, "more than 10", ""}},
		"include of none":  {[]string{spf("v=spf1 include:gone.example.net -all")}, expect{Failure, "leads to no SPF record", ""}},
		"void lookups":     {[]string{spf("v=spf1 a:g1.example.net a:g2.example.net a:g3.example.net ip4:203.0.113.7 -all")}, expect{Failure, "more than two of its names do not exist", ""}},
		"bad network":      {[]string{spf("v=spf1 ip4:203.0.113.700 -all")}, expect{Failure, "is no network", ""}},
		"bad word":         {[]string{spf("v=spf1 ipv4:203.0.113.7 -all")}, expect{Failure, "nothing that SPF knows", ""}},
		"whole world":      {[]string{spf("v=spf1 +all")}, expect{Warning, "whole world", `"v=spf1 ~all"`}},
		"server fails":     {[]string{"news.example.org. IN TXT SERVFAIL"}, expect{Warning, "cannot be looked up", ""}},
		"broken behind us": {[]string{spf("v=spf1 ip4:203.0.113.7 include:gone.example.net -all")}, expect{Failure, "leads to no SPF record", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			held(t, looking(nameServer(t, test.records...), []string{us}).spf(context.Background()), test.want)
		})
	}
	l := looking(nameServer(t, spf("v=spf1 include:p.example.net -all"), "p.example.net. IN TXT \"v=spf1 ip4:198.51.100.1 -all\""), nil)
	l.Relays = []transport.Relay{{Host: "127.0.0.1"}}
	held(t, l.spf(context.Background()), expect{Note, "cannot be seen here", ""})
}

func key(t *testing.T, kind, selector string) (transport.DKIM, string) {
	t.Helper()
	signer, err := transport.GenerateKey(kind)
	if err != nil {
		t.Fatal(err)
	}
	k := transport.DKIM{Domain: "news.example.org", Selector: selector, Key: signer}
	line, err := transport.ZoneLine(k)
	if err != nil {
		t.Fatal(err)
	}
	return k, line
}

func TestDKIM(t *testing.T) {
	ours, line := key(t, "rsa", "r1")
	_, others := key(t, "rsa", "r1")
	ed, edLine := key(t, "ed25519", "r1")
	record := func(k crypto.Signer) string {
		text, err := transport.DNSRecord(k)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const name = "r1._domainkey.news.example.org. IN TXT "
	elsewhere := strings.Replace(line, "r1._domainkey.news.example.org.", "k1.provider.example.", 1)
	alias := "r1._domainkey.news.example.org. IN CNAME k1.provider.example."
	for test, c := range map[string]struct {
		key     transport.DKIM
		records []string
		want    expect
	}{
		"ours":          {ours, []string{line}, expect{Good, "the key that signs", ""}},
		"ed25519":       {ed, []string{edLine}, expect{Good, "the key that signs", ""}},
		"by an alias":   {ours, []string{alias, elsewhere}, expect{Good, "by way of k1.provider.example", ""}},
		"dead alias":    {ours, []string{alias}, expect{Failure, "alias leads to k1.provider.example", "r1._domainkey.news.example.org. IN TXT ( \"v=DKIM1; k=rsa"}},
		"none":          {ours, nil, expect{Failure, "not published", "r1._domainkey.news.example.org. IN TXT"}},
		"another's":     {ours, []string{others}, expect{Failure, "not the one that signs", "IN TXT"}},
		"another kind":  {ours, []string{edLine}, expect{Failure, "not the one that signs", "k=rsa"}},
		"two":           {ours, []string{line, others}, expect{Failure, "2 records", "IN TXT"}},
		"withdrawn":     {ours, []string{name + `"v=DKIM1; k=rsa; p="`}, expect{Failure, "withdrawn", "IN TXT"}},
		"no key":        {ours, []string{name + `"hello"`}, expect{Failure, "no p=", "IN TXT"}},
		"rubbish":       {ours, []string{name + `"v=DKIM1; p=%%%"`}, expect{Failure, "cannot be read", "IN TXT"}},
		"test":          {ed, []string{name + `"` + record(ed.Key) + `; t=s:y"`}, expect{Warning, "as a test", "IN TXT"}},
		"server failed": {ours, []string{name + "SERVFAIL"}, expect{Warning, "cannot be looked up", ""}},
	} {
		t.Run(test, func(t *testing.T) {
			held(t, looking(nameServer(t, c.records...), nil, c.key).dkim(context.Background()), c.want)
		})
	}
	held(t, looking(nameServer(t), nil).dkim(context.Background()), expect{Failure, "not signed", ""})
}

func TestDMARC(t *testing.T) {
	ours, _ := key(t, "ed25519", "e1")
	foreign := ours
	foreign.Domain = "provider.example"
	own := func(text string) string { return "_dmarc.news.example.org. IN TXT \"" + text + "\"" }
	org := func(text string) string { return "_dmarc.example.org. IN TXT \"" + text + "\"" }
	for test, c := range map[string]struct {
		records []string
		bounces string
		keys    []transport.DKIM
		want    []expect
	}{
		"own":              {[]string{own("v=DMARC1; p=reject; rua=mailto:x@example.org")}, "news.example.org", []transport.DKIM{ours}, []expect{{Good, "p=reject", ""}, {Good, "SPF speaks", ""}, {Good, "DKIM speaks", ""}}},
		"inherited":        {[]string{org("v=DMARC1; p=reject; rua=mailto:x@example.org")}, "news.example.org", []transport.DKIM{ours}, []expect{{Good, "inherited from example.org", ""}}},
		"inherited sp":     {[]string{org("v=DMARC1; p=reject; sp=none; rua=mailto:x@example.org")}, "news.example.org", []transport.DKIM{ours}, []expect{{Note, "p=none", ""}}},
		"own before org":   {[]string{own("v=DMARC1; p=quarantine; rua=mailto:x@e.org"), org("v=DMARC1; p=reject")}, "news.example.org", []transport.DKIM{ours}, []expect{{Good, "p=quarantine", ""}}},
		"none":             {nil, "news.example.org", []transport.DKIM{ours}, []expect{{Failure, "no DMARC record", `_dmarc.example.org. IN TXT "v=DMARC1; p=none; rua=mailto:dmarc@example.org"`}}},
		"two":              {[]string{own("v=DMARC1; p=none"), own("v=DMARC1; p=reject")}, "news.example.org", []transport.DKIM{ours}, []expect{{Failure, "2 DMARC records", "p="}}},
		"bad policy":       {[]string{own("v=DMARC1; p=monitor; rua=mailto:x@e.org")}, "news.example.org", []transport.DKIM{ours}, []expect{{Failure, "none of none, quarantine, reject", "p=none"}}},
		"no reports":       {[]string{own("v=DMARC1; p=none")}, "news.example.org", []transport.DKIM{ours}, []expect{{Note, "no rua", "rua=mailto:dmarc@example.org"}, {Note, "p=none", "p=quarantine"}}},
		"subdomain return": {[]string{org("v=DMARC1; p=none")}, "bounce.example.org", []transport.DKIM{ours}, []expect{{Good, "SPF speaks", ""}}},
		"strict spf":       {[]string{org("v=DMARC1; p=none; aspf=s")}, "bounce.example.org", []transport.DKIM{ours}, []expect{{Warning, "only DKIM counts", ""}}},
		"foreign return":   {[]string{org("v=DMARC1; p=none")}, "provider.example", []transport.DKIM{ours}, []expect{{Warning, "only DKIM counts", ""}}},
		"foreign both":     {[]string{org("v=DMARC1; p=none")}, "provider.example", []transport.DKIM{foreign}, []expect{{Failure, "every mail fails DMARC", ""}}},
		"unsigned":         {[]string{org("v=DMARC1; p=none")}, "example.org", nil, []expect{{Warning, "only SPF speaks", ""}}},
		"server failed":    {[]string{"_dmarc.news.example.org. IN TXT SERVFAIL"}, "example.org", []transport.DKIM{ours}, []expect{{Warning, "cannot be looked up", ""}}},
	} {
		t.Run(test, func(t *testing.T) {
			l := looking(nameServer(t, c.records...), nil, c.keys...)
			l.bounces = c.bounces
			held(t, l.dmarc(context.Background()), c.want...)
		})
	}
	for domain, want := range map[string]string{"news.example.co.uk": "example.co.uk", "a.b.example.kz": "example.kz", "weekly.city.kawasaki.jp": "city.kawasaki.jp", "example.org": "example.org"} {
		if got := organisation(domain); got != want {
			t.Errorf("the organisation of %s is %s, not %s", domain, got, want)
		}
	}
}

func TestMXAndNames(t *testing.T) {
	for test, c := range map[string]struct {
		records []string
		want    expect
	}{
		"good":         {[]string{"news.example.org. IN MX 10 in.example.org.", "in.example.org. IN A 203.0.113.1"}, expect{Good, "goes to in.example.org", ""}},
		"none":         {nil, expect{Failure, "takes no mail", "news.example.org. IN MX 10 mail.example.org."}},
		"address only": {[]string{"news.example.org. IN A 203.0.113.1"}, expect{Note, "no MX", "IN MX"}},
		"null":         {[]string{"news.example.org. IN MX 0 ."}, expect{Failure, "takes no mail (RFC 7505)", "IN MX"}},
		"dead":         {[]string{"news.example.org. IN MX 10 in.example.org."}, expect{Failure, "has no address", ""}},
		"alias":        {[]string{"news.example.org. IN MX 10 in.example.org.", "in.example.org. IN CNAME x.example.org.", "x.example.org. IN A 203.0.113.1"}, expect{Warning, "alias", ""}},
		"number":       {[]string{"news.example.org. IN MX 10 203.0.113.1."}, expect{Failure, "only names are allowed", ""}},
	} {
		t.Run(test, func(t *testing.T) {
			held(t, looking(nameServer(t, c.records...), nil).mx(context.Background()), c.want)
		})
	}
	for test, c := range map[string]struct {
		records []string
		want    expect
	}{
		"good":      {[]string{"7.113.0.203.in-addr.arpa. IN PTR out.example.org.", "out.example.org. IN A 203.0.113.7", "weekly.example.org. IN A 203.0.113.9"}, expect{Good, "is called out.example.org", ""}},
		"none":      {nil, expect{Failure, "has no name", "7.113.0.203.in-addr.arpa. IN PTR weekly.example.org."}},
		"elsewhere": {[]string{"7.113.0.203.in-addr.arpa. IN PTR out.example.org.", "out.example.org. IN A 203.0.113.8"}, expect{Failure, "leads elsewhere", "out.example.org. IN A 203.0.113.7"}},
		"no helo":   {nil, expect{Warning, "it has no address", ""}},
		"helo":      {[]string{"weekly.example.org. IN A 203.0.113.9"}, expect{Good, "greet relays with exists", ""}},
	} {
		t.Run("reverse "+test, func(t *testing.T) {
			l := looking(nameServer(t, c.records...), []string{"203.0.113.7"})
			l.BaseURL = "https://weekly.example.org"
			held(t, l.reverse(context.Background()), c.want)
		})
	}
}

// A record is others' text: whatever stands in it, the walk ends.
func FuzzSPF(f *testing.F) {
	f.Add("ip4:203.0.113.0/24 a mx/24//64 include:x.example ~all")
	f.Add("redirect=x.example exp=y exists:%{i}.x.example ptr")
	f.Add("- + ip6:: a:/ all=")
	nowhere := DNS{Server: "127.0.0.1:1"}
	f.Fuzz(func(t *testing.T, record string) {
		record = "v=spf1 " + record // nothing else is looked at
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s := &spfRun{dns: nowhere, ctx: ctx}
		s.check(record, "news.example.org", netip.MustParseAddr("203.0.113.7"), 0)
		if s.lookups > spfLookups+1 {
			t.Errorf("%d lookups", s.lookups)
		}
		l := &look{}
		if fixed := l.spfFor(record, nil, nil); len(strings.Fields(fixed)) == 0 {
			t.Errorf("%q became nothing", record)
		}
		merge([]string{record, record})
		tagsOf(record)
	})
}
