package week

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/edit"
	"apta/subscribers/database"
)

// errOp marks a form that no page of ours has.
var errOp = fmt.Errorf("week: the form says nothing that can be done: %w", newsletter.ErrNotFound)

// op is what a form asks for. A button of a form that has several says it in one
// value, "op", written like a query.
type op struct {
	url.Values
	revision int
}

func readOp(form url.Values) (o op, err error) {
	o.Values = url.Values{}
	for key, list := range form {
		o.Values[key] = list
	}
	if query, err := url.ParseQuery(form.Get("op")); err == nil {
		for key, list := range query {
			o.Values[key] = list
		}
	}
	o.Del("op")
	if o.revision, err = strconv.Atoi(o.Get("revision")); err != nil || o.revision < 1 {
		return o, errOp
	}
	return o, nil
}

func (o op) id(key string) database.ID {
	id, err := database.ParseID(o.Get(key))
	if err != nil {
		return 0
	}
	return id
}

// items are those that the form names and that are among the week's or in the issue.
func (o op) items(base newsletter.Issue, m *mind) (list []newsletter.Item) {
	for _, text := range o.Values["item"] {
		id, err := database.ParseID(text)
		if err != nil {
			continue
		}
		if it, known := m.wording.Item(id); known {
			list = append(list, it)
			continue
		}
		if p, _, found := edit.Find(base, id); found {
			list = append(list, newsletter.Item{ID: p.ID, URL: p.URL, Title: p.Title, Source: p.Source})
			continue
		}
		for _, h := range base.Latest {
			if h.ID == id {
				list = append(list, newsletter.Item{ID: h.ID, URL: h.URL, Title: h.Title, Source: h.Source, Theme: h.Theme, Latest: true})
			}
		}
	}
	return list
}

// edit gives the edit that a form asks for, of the revision that its editor saw.
func (o op) edit(base newsletter.Issue, m *mind) (edit.Edit, error) {
	on := o.Get("on") != "0"
	items := o.items(base, m)
	switch o.Get("do") {
	case "words":
		return o.words(base)
	case "piece":
		return o.piece(base)
	case "lock":
		return edit.Lock{Part: newsletter.Lock(o.Get("part")), On: on}, nil
	case "lockstrand":
		return edit.LockStrand{Strand: o.Get("strand"), On: on}, nil
	case "lockpiece":
		return edit.LockPiece{Piece: o.id("piece"), On: on}, nil
	case "move":
		return edit.Move{Piece: o.id("piece"), Strand: o.Get("strand"), Before: o.id("before")}, nil
	case "movestrand":
		return edit.MoveStrand{Strand: o.Get("strand"), Before: o.Get("before")}, nil
	case "split":
		return edit.Split{Piece: o.id("piece")}, nil
	case "merge":
		return edit.Merge{Strand: o.Get("strand"), Into: o.Get("into")}, nil
	}
	if len(items) == 0 {
		return nil, errOp
	}
	switch o.Get("do") {
	case "take":
		return edit.Take{Items: items, Strand: o.Get("strand"), Before: o.id("before")}, nil
	case "out":
		return edit.Out{Items: items}, nil
	case "letin":
		return edit.LetIn{Items: items}, nil
	case "headline":
		return edit.Headlines{Items: items, Before: o.id("before")}, nil
	case "pin":
		return edit.Pin{Item: items[0], On: on}, nil
	}
	return nil, errOp
}

// words gives an edit of the parts whose words the form has changed.
func (o op) words(base newsletter.Issue) (edit.Edit, error) {
	var all edit.All
	for _, part := range edit.Worded {
		if list := o.Values[string(part)]; len(list) > 0 && list[0] != edit.Text(base, part) {
			all = append(all, edit.Words{Part: part, Text: list[0]})
		}
	}
	return all, nil
}

// piece gives an edit of what the form of a piece has changed. An editor's own
// bridge counts more than the one that is chosen beside it.
func (o op) piece(base newsletter.Issue) (edit.Edit, error) {
	id := o.id("piece")
	p, _, found := edit.Find(base, id)
	if !found {
		return nil, edit.ErrGone
	}
	var all edit.All
	bridge := o.Get("own")
	if bridge == "" {
		bridge = o.Get("bridge")
	}
	if list := o.Values["text"]; len(list) > 0 && list[0] != assemble.Bare(p) {
		all = append(all, edit.Summary{Piece: id, Text: list[0]})
	}
	if (o.Has("own") || o.Has("bridge")) && bridge != p.Bridge {
		all = append(all, edit.Bridge{Piece: id, Bridge: bridge})
	}
	if list := o.Values["anchor"]; len(list) > 0 && list[0] != p.Anchor && list[0] != "" {
		all = append(all, edit.Anchor{Piece: id, Words: list[0]})
	}
	return all, nil
}

// revise does what a form asks for and stores it as an editor's revision.
func (s *Screen) revise(ctx context.Context, now open, o op, author string) (newsletter.Issue, error) {
	switch o.Get("do") {
	case "undo", "redo", "restore":
		return s.bringBack(ctx, now, o, author)
	case "assemble":
		return s.again(ctx, now, o, author)
	}
	return s.Store.Revise(ctx, now.issue.ID, edit.Same, func(is newsletter.Issue, at func(int) (newsletter.Issue, error)) (newsletter.Issue, newsletter.Revision, error) {
		base, err := at(o.revision)
		if err != nil {
			return is, newsletter.Revision{}, err
		}
		e, err := o.edit(base, now.mind)
		if err != nil {
			return is, newsletter.Revision{}, err
		}
		next, err := edit.Rebase(base, is, e, now.mind.wording)
		return next, newsletter.Revision{Author: author, What: e.What(), About: edit.About(e, is, next)}, err
	})
}

// bringBack makes a revision of an older one's words.
func (s *Screen) bringBack(ctx context.Context, now open, o op, author string) (newsletter.Issue, error) {
	to, err := strconv.Atoi(o.Get("to"))
	if err != nil {
		return newsletter.Issue{}, errOp
	}
	return s.Store.Revise(ctx, now.issue.ID, edit.Same, func(is newsletter.Issue, at func(int) (newsletter.Issue, error)) (newsletter.Issue, newsletter.Revision, error) {
		base, err := at(o.revision)
		if err != nil {
			return is, newsletter.Revision{}, err
		}
		was, err := at(to)
		if err != nil {
			return is, newsletter.Revision{}, err
		}
		e := edit.Replace{Issue: was, Why: o.Get("do")}
		next, err := edit.Rebase(base, is, e, now.mind.wording)
		return next, newsletter.Revision{Author: author, What: e.Why, Restores: to}, err
	})
}

// again assembles the issue anew around what editors have locked.
func (s *Screen) again(ctx context.Context, now open, o op, author string) (newsletter.Issue, error) {
	past := now.mind.Past
	past.Draft = &now.issue // the mind may be of an older one with the same locks and other words
	made, _, err := assemble.Compose(now.mind.Items, now.mind.Window, now.mind.Style, past)
	if err != nil {
		return newsletter.Issue{}, err
	}
	return s.Store.Revise(ctx, now.issue.ID, edit.Same, func(is newsletter.Issue, at func(int) (newsletter.Issue, error)) (newsletter.Issue, newsletter.Revision, error) {
		base, err := at(o.revision)
		if err != nil {
			return is, newsletter.Revision{}, err
		}
		if is.Revision != now.issue.Revision { // of which made knows nothing
			return is, newsletter.Revision{}, &edit.Conflict{Base: base, Mine: made, Now: is, Part: edit.Part{Kind: edit.PartAll}}
		}
		made.ID, made.Newsletter, made.Week, made.From, made.To, made.Language = is.ID, is.Newsletter, is.Week, is.From, is.To, is.Language
		next, err := edit.Rebase(base, is, edit.Replace{Issue: made, Why: "assemble"}, now.mind.wording)
		return next, newsletter.Revision{Author: author, What: "assemble"}, err
	})
}
