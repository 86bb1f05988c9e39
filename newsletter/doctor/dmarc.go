package doctor

import (
	"context"
	"errors"
	"strings"
)

const dmarcWhy = "DMARC (RFC 7489) says that mail from your domain must pass SPF or DKIM in its name. Bulk senders must publish it; without it anybody may write as you."

// policy is a DMARC record and where it was found.
type policy struct {
	at      string // the name that has it
	text    string
	tags    map[string]string
	several int
}

// policyOf finds the record that holds for a domain: its own, else that of its
// organisation.
func (l *look) policyOf(ctx context.Context, domain string) (p policy, err error) {
	for _, d := range []string{domain, organisation(domain)} {
		texts, err := l.DNS.starting(ctx, "_dmarc."+d, "v=dmarc1")
		if errors.Is(err, errNone) {
			continue
		}
		if err != nil {
			return p, err
		}
		return policy{at: "_dmarc." + d, text: texts[0], tags: tagsOf(texts[0]), several: len(texts)}, nil
	}
	return p, errNone
}

func (l *look) dmarc(ctx context.Context) []Finding {
	find := about("dmarc", dmarcWhy)
	if l.domain == "" {
		return nil
	}
	p, err := l.policyOf(ctx, l.domain)
	own := "_dmarc." + organisation(l.domain)
	switch {
	case errors.Is(err, errNone):
		return []Finding{find(own, Failure, "no DMARC record").do("publish one; p=none only watches, and is where to begin").
			publish(txt(own, "v=DMARC1; p=none; rua=mailto:dmarc@"+organisation(l.domain)))}
	case err != nil:
		return []Finding{find(own, Warning, "cannot be looked up: %v", err).do("ask again later")}
	case p.several > 1:
		return []Finding{find(p.at, Failure, "%d DMARC records: receivers take none of them", p.several).do("leave one of them").publish(txt(p.at, p.text))}
	}
	action := p.tags["p"]
	if sub := p.tags["sp"]; sub != "" && p.at != "_dmarc."+l.domain {
		action = sub
	}
	var list []Finding
	switch strings.ToLower(action) {
	case "none":
		f := find(p.at, Note, "it asks receivers to do nothing (p=none)").do("once the reports are clean for some weeks")
		list = append(list, f.publish(txt(p.at, strings.Replace(p.text, "p=none", "p=quarantine", 1))))
	case "quarantine", "reject":
		from := ""
		if p.at != "_dmarc."+l.domain {
			from = ", inherited from " + strings.TrimPrefix(p.at, "_dmarc.")
		}
		list = append(list, find(p.at, Good, "p=%s%s", strings.ToLower(action), from))
	default:
		list = append(list, find(p.at, Failure, "p=%s is none of none, quarantine, reject: receivers ignore the record", action).
			do("publish a sound one").publish(txt(p.at, "v=DMARC1; p=none; rua=mailto:dmarc@"+organisation(l.domain))))
	}
	if p.tags["rua"] == "" {
		list = append(list, find(p.at, Note, "nobody gets its reports (no rua=)").do("add an address of yours").
			publish(txt(p.at, strings.TrimRight(p.text, "; ")+"; rua=mailto:dmarc@"+organisation(l.domain))))
	}
	return append(list, l.alignment(p)...)
}

// alignment is whether SPF and DKIM speak in the name of From.
func (l *look) alignment(p policy) []Finding {
	find := about("alignment", "DMARC counts SPF only for the return path's domain and DKIM only for the signature's, and only where these are From's.")
	var list []Finding
	strict := strings.EqualFold(p.tags["aspf"], "s")
	spf := aligned(l.bounces, l.domain, strict)
	if spf {
		list = append(list, find(l.bounces, Good, "SPF speaks for %s", l.domain))
	}
	strict = strings.EqualFold(p.tags["adkim"], "s")
	dkim := false
	for _, k := range l.Keys {
		dkim = dkim || aligned(k.Domain, l.domain, strict)
	}
	if dkim {
		list = append(list, find(l.domain, Good, "DKIM speaks for it"))
	}
	switch {
	case !spf && !dkim:
		list = append(list, find(l.domain, Failure, "neither SPF (%s) nor DKIM speaks for %s: every mail fails DMARC", l.bounces, l.domain).
			do("set mail.return_path to an address at "+l.domain+", and sign with dkim.domain = \""+l.domain+"\""))
	case !dkim:
		list = append(list, find(l.domain, Warning, "only SPF speaks for it: a forwarded mail fails DMARC").do("sign with dkim.domain = \""+l.domain+"\""))
	case !spf:
		list = append(list, find(l.bounces, Warning, "the return path is not at %s: only DKIM counts", l.domain).do("set mail.return_path to an address at "+l.domain))
	}
	return list
}
