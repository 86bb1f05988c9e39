package week

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"apta/newsletter"
	"apta/newsletter/desk"
	"apta/templates"
)

// onInbox is how many items the inbox shows at a time.
const onInbox = 40

// inboxView is the week's items and what narrows them down.
type inboxView struct {
	Filter  filter
	Themes  []string
	Places  []string
	Sources []string
	Tongues []string
	Rows    []rowView
	Found   int
	Fresh   int    // that are new since the editor's last visit
	More    string // the address of the rest
	All     int
	Action  string
}

// rowView is one item.
type rowView struct {
	newsletter.Item
	Moment            desk.Moment
	In, Where         string // "strand", "latest" or "": where it stands
	New, Pinned, Kept bool   // Kept is kept out
	Why               string
	Op, PinOp         string
	Opening           string
}

// filter is what an editor wants to see of the inbox.
type filter struct {
	Theme, Place, Source, Language, Words, Show string
	Page                                        int
}

// kept are the parts of a form that say what the screen shows, not what it does.
func (o op) kept() url.Values {
	v := url.Values{}
	for _, key := range []string{"theme", "place", "source", "lang", "words", "show", "view", "scheme"} {
		if o.Get(key) != "" {
			v.Set(key, o.Get(key))
		}
	}
	return v
}

func readFilter(v url.Values) filter {
	f := filter{Theme: v.Get("theme"), Place: v.Get("place"), Source: v.Get("source"), Language: v.Get("lang"), Words: v.Get("words"), Show: v.Get("show")}
	f.Page, _ = strconv.Atoi(v.Get("page"))
	f.Page = max(f.Page, 0)
	return f
}

// takes reports whether an item is wanted. Every word is the beginning of one of
// the item's.
func (f filter) takes(it newsletter.Item, row rowView, words []string) bool {
	if f.Theme != "" && it.Theme != f.Theme || f.Place != "" && it.Place != f.Place || f.Source != "" && it.Source != f.Source || f.Language != "" && it.Language != f.Language {
		return false
	}
	switch f.Show {
	case "out":
		if row.In != "" {
			return false
		}
	case "in":
		if row.In == "" {
			return false
		}
	case "new":
		if !row.New {
			return false
		}
	}
	for _, w := range words {
		if !hasWord(it.Title+" "+it.Summary+" "+it.Source+" "+it.Place, w) {
			return false
		}
	}
	return true
}

func hasWord(text, beginning string) bool {
	for w := range newsletter.Words(text) {
		if strings.HasPrefix(w.Folded, beginning) {
			return true
		}
	}
	return false
}

// inbox lists the week's items, the newest first.
func (s *Screen) inbox(r *http.Request, v *view, o open) (*inboxView, error) {
	box := &inboxView{Filter: readFilter(r.Form), Action: v.At, All: len(o.mind.Items)}
	since, err := s.lastVisit(r, v)
	if err != nil {
		return nil, err
	}
	where := map[string]string{}
	for _, st := range o.issue.Strands {
		for _, p := range st.Items {
			where[p.URL] = st.Name
		}
	}
	for _, h := range o.issue.Latest {
		where[h.URL] = "\x00latest"
	}
	var words []string
	for w := range newsletter.Words(box.Filter.Words) {
		words = append(words, w.Folded)
	}
	items := slices.Clone(o.mind.Items)
	slices.SortStableFunc(items, func(a, b newsletter.Item) int { return b.Published.Compare(a.Published) })
	from := box.Filter.Page * onInbox
	for _, it := range items {
		row := rowView{Item: it, Pinned: slices.Contains(o.issue.Pins, it.URL), Kept: slices.Contains(o.issue.Excluded, it.URL), New: !since.IsZero() && it.ID.Time().After(since)}
		row.In, row.Where = "", where[it.URL]
		switch {
		case row.Where == "\x00latest":
			row.In, row.Where = "latest", ""
		case row.Where != "":
			row.In = "strand"
		}
		note(&box.Themes, it.Theme)
		note(&box.Places, it.Place)
		note(&box.Sources, it.Source)
		note(&box.Tongues, it.Language)
		if row.New {
			box.Fresh++
		}
		if !box.Filter.takes(it, row, words) {
			continue
		}
		if box.Found++; box.Found > from && box.Found <= from+onInbox {
			box.Rows = append(box.Rows, s.row(v, o, row))
		}
	}
	for _, list := range []*[]string{&box.Themes, &box.Places, &box.Sources, &box.Tongues} {
		slices.Sort(*list)
	}
	if box.Found > from+onInbox {
		q := url.Values{"page": {strconv.Itoa(box.Filter.Page + 1)}}
		for key, value := range map[string]string{"theme": box.Filter.Theme, "place": box.Filter.Place, "source": box.Filter.Source, "lang": box.Filter.Language, "words": box.Filter.Words, "show": box.Filter.Show} {
			if value != "" {
				q.Set(key, value)
			}
		}
		box.More = "?" + q.Encode()
	}
	return box, nil
}

func note(list *[]string, value string) {
	if value != "" && !slices.Contains(*list, value) {
		*list = append(*list, value)
	}
}

func (s *Screen) row(v *view, o open, row rowView) rowView {
	id := row.ID.String()
	row.Moment = v.Frame.At(row.Published)
	row.Opening = newsletter.PlainText(row.Summary)
	row.Why = o.mind.items[row.URL].Why
	row.Op = ops("take", "item", id)
	if row.In != "" {
		row.Op = ops("out", "item", id)
	}
	row.PinOp = ops("pin", "item", id, "on", toggled(row.Pinned))
	return row
}

// visitGap is how long an editor is away until their next look is another visit.
const visitGap = 30 * time.Minute

// lastVisit gives when an editor looked at the issue before this visit, and notes
// that they do now. It is zero at the first.
func (s *Screen) lastVisit(r *http.Request, v *view) (time.Time, error) {
	who := desk.From(r.Context())
	return s.Store.Visit(r.Context(), who.ID, v.Issue.ID, visitGap)
}

// rowPage is a row with what its page says around it.
type rowPage struct {
	rowView
	Words    templates.Words
	Editable bool
	frame    desk.Frame
}

// Row is for the template of one.
func (v *view) Row(r rowView) rowPage { return rowPage{r, v.Frame.Words, v.Editable, v.Frame} }

// Say gives the words for n things.
func (p rowPage) Say(key string, n int) (string, error) { return p.frame.Say(key, n) }
