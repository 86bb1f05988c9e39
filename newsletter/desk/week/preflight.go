package week

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"apta/newsletter"
	"apta/newsletter/render"
	"apta/templates"
)

// clipped is where Gmail cuts a mail's HTML off, in bytes.
const clipped = 102 << 10

// longSubject is how many characters of a subject a mailbox shows as a rule.
const longSubject = 60

// preflightView is what an editor should look at before readers do.
type preflightView struct {
	Bytes    int
	Percent  int // of what Gmail shows
	Shares   []shareView
	Rest     int // bytes around the strands
	Findings []finding
	Checking int // links that are being looked at
	Lacks    []lackView
}

// lackView is something in the mail that some mail programs do not do, and what
// their readers see instead, in the words of the check, which are English.
type lackView struct{ What, Programs, Instead, URL string }

type shareView struct {
	Name, Place string
	Bytes       int
	Percent     int // of the mail
}

// finding is one thing to look at, and the place where it can be mended.
type finding struct {
	Grave bool
	Text  string
	Place string // a fragment of the screen
	About string
}

func (s *Screen) preflightPart(w http.ResponseWriter, r *http.Request) error {
	o, err := s.opened(r)
	if err != nil {
		return err
	}
	v, err := s.look(r, o, nil)
	if err != nil {
		return err
	}
	if v.Preflight, err = s.preflight(r, v, o); err != nil {
		return err
	}
	return s.desk.Write(w, r, http.StatusOK, "week-preflight", v.Preflight.In(v))
}

// preflightPage is a preflight with the words of its page.
type preflightPage struct {
	*view
	*preflightView
}

// In gives it with the words of its page.
func (p *preflightView) In(v *view) preflightPage { return preflightPage{v, p} }

// Kilobytes is the mail's size as people say it.
func (p *preflightView) Kilobytes() string { return kilobytes(p.Bytes) }

// RestSize is that of what stands around the strands.
func (p *preflightView) RestSize() string { return size(p.Rest) }

// Grave reports whether something should not go out as it is.
func (p *preflightView) Grave() bool {
	return slices.ContainsFunc(p.Findings, func(f finding) bool { return f.Grave })
}

// Size is a strand's as people say it.
func (s shareView) Size() string { return size(s.Bytes) }

func size(n int) string { return fmt.Sprintf("%.1f KB", float64(n)/1024) }

func (s *Screen) preflight(r *http.Request, v *view, o open) (*preflightView, error) {
	i := o.issue
	all, strands, err := o.mind.sizes(s, o)
	if err != nil {
		return nil, err
	}
	p := &preflightView{Bytes: all, Percent: all * 100 / clipped, Rest: all}
	for n, bytes := range strands {
		share := shareView{Name: i.Strands[n].Name, Place: fmt.Sprintf("#s-%d", n+1), Bytes: bytes}
		share.Percent = share.Bytes * 100 / max(p.Bytes, 1)
		p.Rest -= share.Bytes
		p.Shares = append(p.Shares, share)
	}
	slices.SortStableFunc(p.Shares, func(a, b shareView) int { return cmp.Compare(b.Bytes, a.Bytes) })
	c := preflight{view: v, open: o, found: p, spam: templates.In(s.words, i.Language)["week_spam"]}
	c.size()
	c.words()
	c.links()
	if err := c.themes(r); err != nil {
		return nil, err
	}
	c.answers(s)
	c.lacks()
	slices.SortStableFunc(p.Findings, func(a, b finding) int { return grave(b) - grave(a) })
	return p, nil
}

func grave(f finding) int {
	if f.Grave {
		return 1
	}
	return 0
}

// preflight is one under way.
type preflight struct {
	*view
	open  open
	found *preflightView
	spam  string // words that filters take for advertising
}

func (c preflight) find(grave bool, place, about, key string, pairs ...string) {
	c.found.Findings = append(c.found.Findings, finding{grave, c.Frame.Words.Fill("week_find_"+key, pairs...), place, about})
}

func (c preflight) size() {
	switch {
	case c.found.Bytes > clipped:
		c.find(true, "#shares", "", "clipped", "kb", kilobytes(c.found.Bytes))
	case c.found.Percent >= 85:
		c.find(false, "#shares", "", "large", "kb", kilobytes(c.found.Bytes))
	}
}

// lacks names what mail programs do not do with this mail. What has nothing in its
// place is grave: the shipped templates have none such, an operator's may.
func (c preflight) lacks() {
	for _, f := range c.open.mind.lacking() {
		var names []string
		for _, program := range f.Clients {
			if program.Support == f.Support {
				names = append(names, program.Name)
			}
		}
		c.found.Lacks = append(c.found.Lacks, lackView{f.What, strings.Join(names, ", "), f.Fallback, f.URL})
		if f.Fallback == "" {
			c.find(true, "#lacks", f.What, "lack", "programs", strings.Join(names, ", "))
		}
	}
}

func kilobytes(n int) string { return fmt.Sprint((n + 1023) / 1024) }

// words looks at the subject, the preheader and what filters take for advertising.
func (c preflight) words() {
	i := c.open.issue
	subject := render.OneLine(cmp.Or(i.Subject, i.Title))
	switch n := utf8.RuneCountInString(subject); {
	case n == 0:
		c.find(true, "#w-subject", "", "no_subject")
	case n > longSubject:
		c.find(false, "#w-subject", "", "long_subject", "n", fmt.Sprint(n), "most", fmt.Sprint(longSubject))
	}
	if strings.TrimSpace(i.Preheader) == "" && strings.TrimSpace(i.Standfirst) == "" {
		c.find(false, "#w-preheader", "", "no_preheader")
	}
	if len(i.Strands) == 0 {
		c.find(true, "#issue", "", "empty")
	}
	suspects := strings.Fields(c.spam) // in the words of the issue's language, not of the desk's
	if letters := strings.Map(lettersOnly, subject); utf8.RuneCountInString(letters) > 6 && letters == strings.ToUpper(letters) && letters != strings.ToLower(letters) {
		c.find(false, "#w-subject", "", "capitals")
	}
	for _, w := range spamIn(subject, suspects) {
		c.find(false, "#w-subject", "", "spam", "word", w)
	}
	for n, s := range i.Strands {
		for _, w := range spamIn(s.Text, suspects) {
			c.find(false, fmt.Sprintf("#s-%d", n+1), s.Name, "spam", "word", w)
		}
	}
}

func lettersOnly(r rune) rune {
	if strings.ContainsRune(" .,:;!?-–—'\"“”«»0123456789", r) {
		return -1
	}
	return r
}

func spamIn(text string, suspects []string) (found []string) {
	for w := range newsletter.Words(text) {
		if slices.Contains(suspects, w.Folded) && !slices.Contains(found, text[w.From:w.To]) {
			found = append(found, text[w.From:w.To])
		}
	}
	return found
}

// links looks for pieces that lead nowhere, and for what an earlier issue had.
func (c preflight) links() {
	for _, s := range c.open.issue.Strands {
		for _, p := range s.Items {
			place := "#p-" + p.ID.String()
			if render.WebURL(p.URL) == "" {
				c.find(true, place, p.Title, "no_link")
			}
			if p.Anchor == "" {
				c.find(false, place, p.Title, "no_anchor")
			}
			if week := c.open.mind.Past.Earlier[p.URL]; week != "" {
				c.find(false, place, p.Title, "earlier", "week", week)
			}
			if strings.Contains(p.Text, "![](") {
				c.find(false, place, p.Title, "no_alt")
			}
		}
	}
	for _, h := range c.open.issue.Latest {
		place := "#h-" + h.ID.String()
		if render.WebURL(h.URL) == "" {
			c.find(true, place, h.Title, "no_link")
		}
		if week := c.open.mind.Past.Earlier[h.URL]; week != "" {
			c.find(false, place, h.Title, "earlier", "week", week)
		}
	}
}

// themes looks for themes that readers chose and that the issue has nothing of.
func (c preflight) themes(r *http.Request) error {
	topics, err := c.open.room.Topics(r.Context())
	if err != nil {
		return err
	}
	var missing []string
	for _, topic := range topics {
		has := slices.ContainsFunc(c.open.issue.Strands, func(s newsletter.Strand) bool { return s.Theme == topic }) ||
			slices.ContainsFunc(c.open.issue.Latest, func(h newsletter.Headline) bool { return h.Theme == topic })
		if !has {
			missing = append(missing, topic)
		}
	}
	if len(missing) > 0 && len(missing) < len(topics) {
		c.find(false, "#inbox", "", "themes", "themes", strings.Join(missing, ", "))
	}
	for n, s := range c.open.issue.Strands {
		if s.Theme == "" {
			c.find(false, fmt.Sprintf("#s-%d", n+1), s.Name, "no_theme")
		}
	}
	return nil
}

// answers tells what the links' servers said, as far as they were asked.
func (c preflight) answers(s *Screen) {
	if s.Links == nil {
		return
	}
	urls := map[string][2]string{}
	for _, st := range c.open.issue.Strands {
		for _, p := range st.Items {
			urls[p.URL] = [2]string{"#p-" + p.ID.String(), p.Title}
		}
	}
	for _, h := range c.open.issue.Latest {
		urls[h.URL] = [2]string{"#h-" + h.ID.String(), h.Title}
	}
	dead, waiting := s.links.look(s, urls)
	for _, d := range dead {
		c.find(true, urls[d.url][0], urls[d.url][1], "dead", "why", d.why)
	}
	c.found.Checking = waiting
}
