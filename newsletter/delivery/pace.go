package delivery

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"apta/newsletter/transport"
)

// pace keeps the rate to each domain of recipients. It lives as long as its
// sender; what waits for its slot is in the park of the round.
type pace struct {
	limits Limits
	now    func() time.Time
	log    *slog.Logger
	period time.Duration // of its storms
	ahead  time.Duration // what waits in memory goes out within this time

	active atomic.Bool // false while no domain has a limit: then nobody need ask
	mu     sync.Mutex
	live   int // processes that share the limits
	full   int // domains known after the last clearing
	pacers map[string]*pacer
}

func newPace(opt Options, now func() time.Time) *pace {
	p := &pace{limits: opt.Limits, now: now, log: opt.Log, period: opt.Storm, ahead: parkFor, live: 1, pacers: map[string]*pacer{}}
	p.active.Store(p.limits.any())
	return p
}

// domainOf is the domain of an address as subscribers keeps it: in lower case.
func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// of gives a domain's pacer, under mu; nil where the domain has no limit.
func (p *pace) of(domain string) *pacer {
	if pc := p.pacers[domain]; pc != nil {
		return pc
	}
	if limit := p.limits.of(domain); limit > 0 {
		return p.add(domain, limit)
	}
	return nil
}

func (p *pace) add(domain string, limit float64) *pacer {
	if len(p.pacers) > 2*p.full+1000 {
		p.clear()
	}
	pc := &pacer{limit: limit, storm: storm{period: p.period}}
	p.pacers[domain] = pc
	return pc
}

// clear forgets the pacers that have nothing to say.
func (p *pace) clear() {
	now := p.now()
	for domain, pc := range p.pacers {
		if pc.quiet(now) {
			delete(p.pacers, domain)
		}
	}
	p.full = len(p.pacers)
	p.active.Store(p.limits.any() || p.full > 0)
}

// answered hears how a domain took a message.
func (p *pace) answered(d *due, out transport.Outcome) {
	bad := out.Kind == transport.Deferred
	if !bad && (out.Kind != transport.Accepted || !p.active.Load()) {
		return
	}
	domain := domainOf(d.email)
	p.mu.Lock()
	defer p.mu.Unlock()
	pc := p.pacers[domain]
	if pc == nil {
		if !bad {
			return
		}
		pc = p.add(domain, p.limits.of(domain))
		p.active.Store(true)
	}
	now := p.now()
	before := pc.storm.rate(now)
	if pc.storm.answered(now, bad) && before == 0 {
		p.log.Warn("a domain puts us off and is slowed down", "domain", domain, "rate", pc.storm.own, "code", out.Code, "said", out.Text)
	}
}

// share says how many processes divide the limits. It is called every now and then.
func (p *pace) share(live int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live = max(live, 1)
	p.clear()
}
