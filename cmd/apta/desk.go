package main

import (
	"context"
	"fmt"

	"apta/newsletter/desk"
)

// editors keeps those who work at the desk.
func (r *rooms) editors(a *app) *desk.Editors { return desk.NewEditors(r.db, r.ids, a.now, nil) }

// desk is the handler of /desk/.
func (a *app) desk(r *rooms) (*desk.Desk, error) {
	m := a.cfg.masthead()
	var all []desk.Newsletter
	for _, n := range a.newsletters() {
		all = append(all, desk.Newsletter{Masthead: n.cfg.masthead()})
	}
	return desk.New(desk.Options{
		Newsroom: m.Newsroom, BaseURL: m.BaseURL, Language: m.Language, Newsletters: all,
		Store: r.newsletter, Editors: r.editors(a), Steering: a.steering(r), Renderer: r.renderer, Notices: r.notices,
		Visitor: a.cfg.visitor, Now: a.now, Log: r.log,
	})
}

// printFirstLink says how the first owner gets in, where there is no editor yet.
func (a *app) printFirstLink(ctx context.Context, r *rooms) error {
	secret, err := r.editors(a).FirstLink(ctx)
	if err != nil || secret == "" {
		return err
	}
	fmt.Fprintf(a.stdout, "nobody can sign in to the desk yet; whoever opens this first, within a day, owns it:\n  %s/desk/first/%s\n", a.cfg.BaseURL, secret)
	return nil
}
