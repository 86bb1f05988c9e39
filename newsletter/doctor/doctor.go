// Package doctor looks whether mails can arrive and whether the machine is well,
// and says of each thing that is not what to do: for DNS the exact record to
// publish.
package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"apta/newsletter/schedule"
	"apta/newsletter/transport"
)

// Severity says how bad a finding is.
type Severity int

// A note is something that cannot be seen from here, or could be better. Warnings
// lose some mail or will do so; failures lose mail now, or could lose everything.
const (
	Good Severity = iota
	Note
	Warning
	Failure
)

var severities = [...]string{"good", "note", "warning", "failure"}

func (s Severity) String() string { return severities[s] }

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is one thing that was looked at.
type Finding struct {
	Check    string   `json:"check"`             // such as spf, dkim, backup
	About    string   `json:"about"`             // which name, relay or file
	Severity Severity `json:"severity"`          //
	Says     string   `json:"says"`              // what was found
	Why      string   `json:"why,omitempty"`     // what it is good for, and what follows where it is wrong
	Do       string   `json:"do,omitempty"`      // what to do
	Publish  []string `json:"publish,omitempty"` // records as a zone file has them
}

// Report is what one look found.
type Report struct {
	At       time.Time `json:"at"`
	Findings []Finding `json:"findings"`
	Worst    Severity  `json:"worst"`
}

// Options are what is looked at. What is left out is not.
type Options struct {
	From       string // the address that mails are from
	ReturnPath string // the address that bounces go to
	BaseURL    string // of the public pages
	Keys       []transport.DKIM
	Relays     []transport.Relay
	SendsFrom  []string // addresses that the world sees mails come from; those of public relays where empty
	DNS        DNS
	SiteTLS    *tls.Config // with which the site is asked; nil is the system's
	TimeServer string      // host:port of an NTP server; empty is none

	Probe     string // a path of the unsubscribe page that is nobody's
	Sample    func() ([]byte, error)
	Postal    string
	Complains func(context.Context) (complaints, readers int, err error)

	Schedule  schedule.Schedule
	Folder    string                      // of the database, for the room on its disk; empty on PostgreSQL
	Size      func(context.Context) int64 // of the database in bytes
	Integrity func(context.Context) error
	Backup    func() (time.Time, bool) // the newest; nil where others make them
	Now       func() time.Time
}

// patience is how long one check may take.
const patience = 30 * time.Second

// Run looks at everything, at once. It always gives a report: what could not be
// found out is a finding too.
func Run(ctx context.Context, o Options) Report {
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &look{Options: o, domain: domainOf(o.From), bounces: domainOf(o.ReturnPath)}
	checks := []func(context.Context) []Finding{
		l.spf, l.dkim, l.dmarc, l.mx, l.reverse, l.relays, l.site, l.unsubscribe, l.message,
		l.clock, l.zone, l.cron, l.disk, l.integrity, l.backup,
	}
	found := make([][]Finding, len(checks))
	var all sync.WaitGroup
	for i, check := range checks {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			found[i] = check(ctx)
		})
	}
	all.Wait()
	r := Report{At: o.Now()}
	for _, list := range found {
		r.Findings = append(r.Findings, list...)
	}
	r.Findings = append(r.Findings, l.rules(ctx, r.Findings)...)
	for _, f := range r.Findings {
		r.Worst = max(r.Worst, f.Severity)
	}
	return r
}

// look is one run.
type look struct {
	Options
	domain, bounces string
}

func domainOf(address string) string {
	_, domain, _ := strings.Cut(address, "@")
	return strings.ToLower(strings.TrimSuffix(domain, "."))
}

// about begins the findings of a check that have a reason in common.
func about(check, why string) func(about string, s Severity, format string, args ...any) Finding {
	return func(about string, s Severity, format string, args ...any) Finding {
		f := Finding{Check: check, About: about, Severity: s, Says: fmt.Sprintf(format, args...)}
		if s > Good {
			f.Why = why
		}
		return f
	}
}

func (f Finding) do(what string) Finding {
	f.Do = what
	return f
}

func (f Finding) publish(records ...string) Finding {
	f.Publish = records
	return f
}

// txt is a TXT record as a zone file has it, in strings of at most 255 octets.
func txt(name, text string) string {
	var parts []string
	for len(text) > 0 {
		n := min(len(text), 255)
		parts = append(parts, strconv.Quote(text[:n]))
		text = text[n:]
	}
	return fmt.Sprintf("%s. IN TXT %s", name, strings.Join(parts, " "))
}
