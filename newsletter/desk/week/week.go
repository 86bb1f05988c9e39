// Package week is the screen on which an issue is made: the inbox of its items,
// the issue itself, and what readers will see of it. Everything is a form that
// works by itself; scripts only swap parts of the page.
package week

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/desk"
	"apta/newsletter/render"
	"apta/subscribers"
	"apta/templates"
)

// Newsroom is what the screen of an issue asks of the newsletter that it belongs to.
type Newsroom interface {
	Masthead() newsletter.Masthead
	From() string                                 // who readers see the mails come from
	Topics(ctx context.Context) ([]string, error) // what readers can choose from
	// Material gives what an issue is assembled from.
	Material(ctx context.Context, issue newsletter.Issue) (Material, error)
	// Page makes the issue's public page.
	Page(ctx context.Context, issue newsletter.Issue) ([]byte, error)
	// SendTest sends an issue to one address, marked as a test and in no statistics,
	// as the readers of a variant will have it.
	SendTest(ctx context.Context, issue newsletter.Issue, address string, as subscribers.Variant) error
}

// Material is what an issue is assembled from.
type Material struct {
	Items  []newsletter.Item // those of its window, and what else may come into it
	Window newsletter.Window
	Style  assemble.Style
	Past   assemble.Past
}

// Options are what the screen works on.
type Options struct {
	Store    *newsletter.Store
	Renderer *render.Renderer
	Links    Links // nil looks at no link
	// Newsroom gives the newsletter of an issue, in its language.
	Newsroom func(issue newsletter.Issue) (Newsroom, error)
	Now      func() time.Time
	Log      *slog.Logger
}

// Screen is the room. It is safe for concurrent use.
type Screen struct {
	Options
	desk    *desk.Desk
	minds   minds
	hub     hub
	links   linkBook
	tests   testLimit
	scrub   scrubber
	words   map[string]templates.Words
	schemes map[string][]byte // the public pages' style sheet, for light and for dark
}

// New makes the screen. Close ends the streams to its browsers.
func New(o Options) *Screen {
	s := &Screen{Options: o, scrub: newScrubber()}
	s.hub.done = make(chan struct{})
	return s
}

// Close ends the streams of all browsers, which would keep a server from ending.
func (s *Screen) Close() { s.hub.close() }

// Register implements desk.Room.
func (s *Screen) Register(mux *http.ServeMux, d *desk.Desk) (err error) {
	s.desk = d
	if s.words, _, err = templates.DeskLocales(); err != nil {
		return fmt.Errorf("week: %w", err)
	}
	if s.schemes, err = schemeSheets(); err != nil {
		return fmt.Errorf("week: %w", err)
	}
	const at = "/desk/issues/{id}"
	for path, page := range map[string]desk.Handler{
		"GET " + at:                      s.show,
		"GET " + at + "/parts":           s.parts,
		"GET " + at + "/inbox":           s.inboxPart,
		"GET " + at + "/pieces/{piece}":  s.piecePart,
		"GET " + at + "/preflight":       s.preflightPart,
		"GET " + at + "/history":         s.history,
		"GET " + at + "/events":          s.events,
		"GET " + at + "/preview/{kind}":  s.preview,
		"POST " + at + "/preview/{kind}": s.preview,
		"GET " + at + "/look/{scheme}":   s.sheet,
		"POST " + at + "/edit":           s.edit,
		"POST " + at + "/test":           s.test,
		"POST /desk/paste":               s.paste,
	} {
		mux.Handle(path, d.Require(desk.Writer, page))
	}
	return nil
}

// open is an issue that is being looked at, with all that the screen says of it.
type open struct {
	issue newsletter.Issue
	room  Newsroom
	mind  *mind
}

// opened gives the issue that a path names.
func (s *Screen) opened(r *http.Request) (o open, err error) {
	if o.issue, err = s.desk.Issue(r); err != nil {
		return o, err
	}
	return s.of(r.Context(), o.issue)
}

func (s *Screen) of(ctx context.Context, issue newsletter.Issue) (o open, err error) {
	o.issue = issue
	if o.room, err = s.Newsroom(issue); err != nil {
		return o, err
	}
	o.mind, err = s.minds.of(ctx, o.room, issue)
	return o, err
}
