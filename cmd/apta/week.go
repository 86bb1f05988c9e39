package main

import (
	"context"
	"fmt"
	"sync"

	"apta/newsletter"
	"apta/newsletter/archive"
	"apta/newsletter/desk/week"
	"apta/newsletter/intake/fetch"
	"apta/subscribers"
)

// week is the screen on which an issue is made.
func (a *app) week(r *rooms) *week.Screen {
	known := &newsroomsOf{app: a, all: map[[2]string]*newsroomOf{}}
	o := week.Options{Store: r.newsletter, Renderer: r.renderer, Newsroom: known.of, Now: a.now, Log: r.log}
	if a.cfg.Intake.poll > 0 { // who asks nobody for feeds asks nobody whether a link answers
		o.Links = a.fetcher(fetch.DefaultTimeout)
	}
	return week.New(o)
}

// newsroomsOf are the newsletters, each in each of its languages, made once.
type newsroomsOf struct {
	app *app
	mu  sync.Mutex
	all map[[2]string]*newsroomOf
}

func (k *newsroomsOf) of(issue newsletter.Issue) (week.Newsroom, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := [2]string{issue.Newsletter, issue.Language}
	if n := k.all[key]; n != nil {
		return n, nil
	}
	a, found := k.app.bySlug(issue.Newsletter)
	if !found {
		return nil, fmt.Errorf("newsletter %q: %w", issue.Newsletter, newsletter.ErrNotFound)
	}
	a = a.in(issue.Language)
	site, err := archive.New(a.rooms.newsletter, a.rooms.renderer, a.cfg.masthead(), a.rooms.log)
	if err != nil {
		return nil, err
	}
	n := &newsroomOf{app: a, topics: &themes{app: a, rooms: a.rooms}, site: site}
	k.all[key] = n
	return n, nil
}

// newsroomOf is what the screen asks of a newsletter.
type newsroomOf struct {
	app    *app
	topics *themes
	site   *archive.Site
}

// Masthead implements week.Newsroom.
func (n *newsroomOf) Masthead() newsletter.Masthead { return n.app.cfg.masthead() }

// From implements week.Newsroom.
func (n *newsroomOf) From() string {
	if n.app.cfg.from.Name != "" {
		return n.app.cfg.from.Name
	}
	return n.app.cfg.Newsletter.Name
}

// Topics implements week.Newsroom.
func (n *newsroomOf) Topics(ctx context.Context) ([]string, error) { return n.topics.list(ctx) }

// Material implements week.Newsroom.
func (n *newsroomOf) Material(ctx context.Context, issue newsletter.Issue) (m week.Material, err error) {
	m.Window = newsletter.Window{Name: issue.Week, From: issue.From, To: issue.To}
	m.Items, m.Past, err = n.app.material(ctx, n.app.rooms, m.Window)
	m.Style = n.app.cfg.style()
	m.Past.Draft = &issue
	return m, err
}

// Page implements week.Newsroom.
func (n *newsroomOf) Page(ctx context.Context, issue newsletter.Issue) ([]byte, error) {
	return n.site.Preview(ctx, issue)
}

// SendTest implements week.Newsroom.
func (n *newsroomOf) SendTest(ctx context.Context, issue newsletter.Issue, address string, as subscribers.Variant) error {
	about, _ := issue.About(as.Topics)
	return n.app.sendTestAs(ctx, n.app.rooms, about, address, as.Text)
}
