package week

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/desk"
	"apta/newsletter/edit"
	"apta/subscribers/database"
)

// maxOpen is how many forms of pieces a page has at most.
const maxOpen = 20

func opened(r *http.Request) []string {
	list := r.Form["open"]
	return list[:min(len(list), maxOpen)]
}

// show is the whole screen.
func (s *Screen) show(w http.ResponseWriter, r *http.Request) error {
	v, _, err := s.whole(r)
	if err != nil {
		return err
	}
	return s.desk.Write(w, r, http.StatusOK, "week.html", v)
}

// parts are the issue and the inbox as they stand, for a screen on which somebody
// else's change is to be shown.
func (s *Screen) parts(w http.ResponseWriter, r *http.Request) error {
	v, _, err := s.whole(r)
	if err != nil {
		return err
	}
	v.Swap = true
	return s.desk.Write(w, r, http.StatusOK, "week-issue", v)
}

// whole makes everything that the screen has.
func (s *Screen) whole(r *http.Request) (*view, open, error) {
	o, err := s.opened(r)
	if err != nil {
		return nil, o, err
	}
	if err := r.ParseForm(); err != nil {
		return nil, o, err
	}
	v, err := s.filled(r, o)
	return v, o, err
}

func (s *Screen) filled(r *http.Request, o open) (*view, error) {
	v, err := s.look(r, o, opened(r))
	if err != nil {
		return nil, err
	}
	if v.Inbox, err = s.inbox(r, v, o); err != nil {
		return nil, err
	}
	if v.Preview, err = s.previewOf(r, v, o); err != nil {
		return nil, err
	}
	if v.Test, err = s.testOf(r, v, o); err != nil {
		return nil, err
	}
	v.Preflight, err = s.preflight(r, v, o)
	return v, err
}

func (s *Screen) inboxPart(w http.ResponseWriter, r *http.Request) error {
	v, _, err := s.whole(r)
	if err != nil {
		return err
	}
	return s.desk.Write(w, r, http.StatusOK, "week-inbox", v)
}

// piecePart is one piece, with its form where open=1.
func (s *Screen) piecePart(w http.ResponseWriter, r *http.Request) error {
	o, err := s.opened(r)
	if err != nil {
		return err
	}
	id, err := database.ParseID(r.PathValue("piece"))
	if err != nil {
		return newsletter.ErrNotFound
	}
	v, err := s.look(r, o, nil)
	if err != nil {
		return err
	}
	f, found := v.formOf(o, id)
	if !found {
		return newsletter.ErrNotFound
	}
	one := pieceView{Piece: f.Piece, Anchored: anchored(f.Piece), At: v.At, Editable: v.Editable}
	if r.FormValue("closed") == "" && v.Editable {
		one.Open = f
	}
	return s.desk.Write(w, r, http.StatusOK, "week-piece", one)
}

// edit does what a form says. Where somebody else has changed the same, both are
// shown and nothing is stored.
func (s *Screen) edit(w http.ResponseWriter, r *http.Request) error {
	form, err := s.desk.Form(w, r)
	if err != nil {
		return err
	}
	o, err := s.opened(r)
	if err != nil {
		return err
	}
	asked, err := readOp(form)
	if err != nil {
		return err
	}
	if asked.Get("do") == "piece" { // whose form closes
		r.Form["open"] = slices.DeleteFunc(r.Form["open"], func(id string) bool { return id == asked.Get("piece") })
	}
	who := desk.From(r.Context())
	next, err := s.revise(r.Context(), o, asked, who.Name)
	var conflict *edit.Conflict
	switch {
	case errors.As(err, &conflict):
		return s.showConflict(w, r, asked, conflict)
	case errors.Is(err, edit.ErrWords), errors.Is(err, edit.ErrGone), errors.Is(err, assemble.ErrEmpty):
		return s.showProblem(w, r, o, asked, err)
	case err != nil:
		return err
	}
	if next.Revision != o.issue.Revision {
		if err := s.desk.Audit(r, "issue.edit", fmt.Sprintf("%s r%d", next.ID, next.Revision)); err != nil {
			return err
		}
		s.hub.tell(next.ID)
	}
	if r.Header.Get("HX-Request") == "" {
		http.Redirect(w, r, s.after(o.issue.ID, asked), http.StatusSeeOther)
		return nil
	}
	if o, err = s.of(r.Context(), next); err != nil {
		return err
	}
	v, err := s.filled(r, o)
	if err != nil {
		return err
	}
	v.Swap = true
	return s.desk.Write(w, r, http.StatusOK, "week-issue", v)
}

// after is where a browser without scripts goes: back to what was edited.
func (s *Screen) after(id database.ID, o op) string {
	path := "/desk/issues/" + id.String()
	if q := o.kept().Encode(); q != "" {
		path += "?" + q
	}
	switch o.Get("do") {
	case "piece", "move", "split", "lockpiece":
		return path + "#p-" + o.id("piece").String()
	case "take", "out", "headline", "letin", "pin":
		if o.Has("strand") {
			return path + "#issue"
		}
		return path + "#inbox"
	}
	return path + "#issue"
}

// showProblem shows the screen with a sentence of what could not be done, and
// with what was typed.
func (s *Screen) showProblem(w http.ResponseWriter, r *http.Request, o open, asked op, why error) error {
	v, err := s.filled(r, o)
	if err != nil {
		return err
	}
	v.Swap = r.Header.Get("HX-Request") != ""
	v.Problem = v.Frame.Words["week_gone"]
	switch {
	case errors.Is(why, edit.ErrWords):
		v.Problem = v.Frame.Words.Fill("week_words", "why", strings.TrimSuffix(plainReason(why), ": "+edit.ErrWords.Error()))
	case errors.Is(why, assemble.ErrEmpty):
		v.Problem = plainReason(why)
	}
	for n := range v.Lines { // what was typed stays
		if list := asked.Values[v.Lines[n].Part]; asked.Get("do") == "words" && len(list) > 0 {
			v.Lines[n].Text = list[0]
		}
	}
	if f, found := v.formOf(o, asked.id("piece")); found && asked.Get("do") == "piece" {
		f.Text, f.Problem = asked.Get("text"), v.Problem
		for i := range v.Strands {
			for k := range v.Strands[i].Pieces {
				if v.Strands[i].Pieces[k].ID == f.Piece.ID {
					v.Strands[i].Pieces[k].Open = f
				}
			}
		}
	}
	return s.desk.Write(w, r, http.StatusUnprocessableEntity, name(r), v)
}

// plainReason is an error without the names of rooms.
func plainReason(err error) string {
	text := err.Error()
	if at := strings.LastIndex(text, "edit: "); at >= 0 {
		text = text[at+len("edit: "):]
	}
	return strings.TrimPrefix(text, "assemble: ")
}

// name is the template: the whole page, or the part that htmx swaps.
func name(r *http.Request) string {
	if r.Header.Get("HX-Request") != "" {
		return "week-issue"
	}
	return "week.html"
}

// conflictView shows what two editors have made of one thing.
type conflictView struct {
	Author   string // who was quicker
	At       desk.Moment
	Changes  []assemble.Change // that were made meanwhile
	Fields   []fieldView       // where both wrote words
	Hidden   []hiddenView
	Revision int    // the one that stands
	Keep     string // under which the browser keeps the words
}

type fieldView struct {
	Name, Label, Theirs, Mine string
}

type hiddenView struct{ Name, Value string }

// showConflict shows both. Keeping one's own sends the form again, of the
// revision that stands now.
func (s *Screen) showConflict(w http.ResponseWriter, r *http.Request, asked op, c *edit.Conflict) error {
	o, err := s.of(r.Context(), c.Now)
	if err != nil {
		return err
	}
	v, err := s.filled(r, o)
	if err != nil {
		return err
	}
	v.Swap = r.Header.Get("HX-Request") != ""
	last, err := s.Store.LastRevision(r.Context(), c.Now.ID)
	if err != nil {
		return err
	}
	v.Conflict = &conflictView{Author: last.Author, At: v.Frame.At(last.At), Changes: assemble.Diff(c.Base, c.Now), Revision: c.Now.Revision}
	v.Conflict.fields(v, asked, c)
	return s.desk.Write(w, r, http.StatusConflict, name(r), v)
}

// fields are those of the form that hold words which stand otherwise by now; the
// others go along unseen, but for those that the editor left as they were: sent
// of the newer revision they would undo what was done to them meanwhile.
func (c *conflictView) fields(v *view, asked op, from *edit.Conflict) {
	was, stands := asked.worded(from.Base), asked.worded(from.Now)
	for _, key := range slices.Sorted(maps.Keys(asked.Values)) {
		for _, value := range asked.Values[key] {
			before, worded := was[key]
			theirs := stands[key]
			switch {
			case key == "revision", worded && value == before, key == "own" && value == "":
			case worded && theirs != value:
				c.Fields = append(c.Fields, fieldView{key, v.Frame.Words["week_part_"+key], theirs, value})
			default:
				c.Hidden = append(c.Hidden, hiddenView{key, value})
			}
		}
	}
	if c.Keep = asked.Get("do"); c.Keep == "piece" {
		c.Keep += "-" + asked.Get("piece")
	}
	c.Hidden = append(c.Hidden, hiddenView{"revision", strconv.Itoa(c.Revision)})
}

// worded gives the words that the fields of a form have in a revision.
func (o op) worded(i newsletter.Issue) map[string]string {
	words := map[string]string{}
	switch o.Get("do") {
	case "words":
		for _, part := range edit.Worded {
			words[string(part)] = edit.Text(i, part)
		}
	case "piece":
		if p, _, found := edit.Find(i, o.id("piece")); found {
			words["text"], words["bridge"], words["own"], words["anchor"] = assemble.Bare(p), p.Bridge, p.Bridge, p.Anchor
		}
	}
	return words
}

// history lists an issue's revisions, the latest first.
func (s *Screen) history(w http.ResponseWriter, r *http.Request) error {
	o, err := s.opened(r)
	if err != nil {
		return err
	}
	v, err := s.look(r, o, nil)
	if err != nil {
		return err
	}
	list, err := s.Store.Revisions(r.Context(), o.issue.ID)
	if err != nil {
		return err
	}
	h := historyView{view: v}
	slices.Reverse(list)
	for _, rev := range list[:min(len(list), maxHistory)] {
		h.Revisions = append(h.Revisions, revisionView{rev, v.Frame.At(rev.At), ops("restore", "to", strconv.Itoa(rev.Number)), rev.Number == o.issue.Revision})
	}
	return s.desk.Write(w, r, http.StatusOK, "history.html", h)
}

// maxHistory is how many revisions a page lists.
const maxHistory = 200

type historyView struct {
	*view
	Revisions []revisionView
}

type revisionView struct {
	newsletter.Revision
	Moment desk.Moment
	Op     string
	Now    bool
}
