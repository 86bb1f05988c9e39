package main

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"apta/subscribers/database"
	"apta/subscribers/pages"
)

// pageOptions is the configuration as the subscribers' pages know it.
func (a *app) pageOptions(r *rooms) pages.Options {
	m := a.cfg.masthead()
	topics := &themes{app: a, rooms: r}
	return pages.Options{
		Masthead:  pages.Masthead{Newsletter: m.Slug, Path: m.ReadersPath(), Front: m.FrontURL(), Name: m.Name, Newsroom: m.Newsroom, Postal: m.Postal, BaseURL: m.BaseURL, Language: m.Language, Zone: m.Zone},
		Topics:    topics.list,
		Received:  func(ctx context.Context, id database.ID) (any, error) { return r.ledger.History(ctx, id) },
		ProofBits: a.cfg.Subscribe.ProofOfWork,
		Visitor:   a.cfg.visitor,
		Now:       a.now,
	}
}

// themes gives what readers can choose from: what the configuration says, else
// the themes of the items of half a year, asked for anew every minute.
type themes struct {
	app   *app
	rooms *rooms

	mu    sync.Mutex
	known []string
	asked time.Time
}

const (
	themesFrom  = 26 * 7 * 24 * time.Hour
	themesFresh = time.Minute
)

func (t *themes) list(ctx context.Context) ([]string, error) {
	n, now := t.app.cfg.Newsletter, t.app.now()
	if len(n.Topics) > 0 {
		return n.Topics, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.asked).Abs() < themesFresh {
		return t.known, nil
	}
	list, err := t.rooms.newsletter.Themes(ctx, n.Language, now.Add(-themesFrom))
	if err != nil {
		return nil, err
	}
	t.known, t.asked = list, now
	return list, nil
}

// visitor is the address of who asks for a page. What X-Forwarded-For says counts
// only where one of our own proxies has written it: of its list the last entry
// that is none of them.
func (c *Config) visitor(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	at := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !c.isProxy(at) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		at = next.Unmap()
	}
	return at
}

func (c *Config) isProxy(a netip.Addr) bool {
	return slices.ContainsFunc(c.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}
