package doctor

import (
	"context"
	"fmt"
	"strings"
)

// rule is one thing that large receivers ask of who sends them more than 5,000
// mails a day, with the checks that it is made of.
type rule struct {
	who    string
	what   string
	checks []string
}

// senderRules are those of Gmail (support.google.com/a/answer/81126), Yahoo
// (senders.yahooinc.com/best-practices) and Outlook (since May 2025).
var senderRules = []rule{
	{"Gmail, Yahoo, Outlook", "SPF for the return path", []string{"spf"}},
	{"Gmail, Yahoo, Outlook", "a DKIM signature that can be checked", []string{"dkim"}},
	{"Gmail, Yahoo, Outlook", "a DMARC record, p=none at least", []string{"dmarc"}},
	{"Gmail, Yahoo, Outlook", "From aligned with SPF or DKIM", []string{"alignment"}},
	{"Gmail, Yahoo, Outlook", "a name for the sending address that leads back to it", []string{"ptr"}},
	{"Gmail", "TLS on the way", []string{"relay"}},
	{"Gmail, Yahoo, Outlook", "one-click unsubscription (RFC 8058), by https", []string{"unsubscribe", "site"}},
	{"Gmail, Yahoo, Outlook", "mails in the form of RFC 5322, one From, a Message-ID", []string{"message"}},
	{"Yahoo, Outlook", "a return path and a From that take mail", []string{"mx"}},
}

// unseen begins what is said of a name that the DNS server gave no answer for.
const unseen = "cannot be looked up"

// complaint rates that Gmail and Yahoo name.
const (
	wanted  = 0.001
	trouble = 0.003
)

// rules holds what was found against what receivers ask, one by one.
func (l *look) rules(ctx context.Context, found []Finding) (list []Finding) {
	if l.domain == "" {
		return nil
	}
	for _, r := range senderRules {
		f := Finding{Check: "rule", About: r.who, Severity: Good, Says: r.what + ": met"}
		seen, blind, because := false, false, []string{}
		for _, one := range found {
			for _, check := range r.checks {
				if one.Check != check {
					continue
				}
				if one.Severity == Warning && strings.HasPrefix(one.Says, unseen) {
					blind = true
					continue
				}
				seen = true
				if one.Severity == Failure {
					because = append(because, check)
				}
			}
		}
		switch {
		case len(because) > 0:
			f.Severity, f.Says = Failure, r.what+": not met"
			f.Why = "They ask it of whoever sends them more than 5,000 mails a day, and count it for everybody."
			f.Do = "see " + strings.Join(compact(because), " and ") + " above"
		case blind || !seen:
			f.Severity, f.Says = Note, r.what+": could not be seen from here"
		}
		list = append(list, f)
	}
	return append(list, l.complaints(ctx))
}

func compact(list []string) (out []string) {
	seen := map[string]bool{}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

func (l *look) complaints(ctx context.Context) Finding {
	find := about("rule", "Gmail and Yahoo want fewer than 0.1 % of readers to press \"spam\", and put all mail into the spam folder from 0.3 %.")
	const who = "Gmail, Yahoo"
	if l.Complains == nil {
		return find(who, Note, "few complaints: not counted here").do("look at postmaster.google.com and senders.yahooinc.com")
	}
	complaints, readers, err := l.Complains(ctx)
	if err != nil {
		return find(who, Warning, "few complaints: cannot be counted: %v", err)
	}
	if readers == 0 {
		return find(who, Note, "few complaints: there are no readers yet")
	}
	rate := float64(complaints) / float64(readers)
	says := fmt.Sprintf("few complaints: %d of %d readers complained so far (%.2f %%); Gmail reports none, look at postmaster.google.com too", complaints, readers, 100*rate)
	switch {
	case rate >= trouble:
		return find(who, Failure, "%s", says).do("stop mailing who did not ask for it, and those who opened nothing for long")
	case rate >= wanted:
		return find(who, Warning, "%s", says).do("see where those readers came from")
	}
	return find(who, Good, "%s", says)
}
