package desk

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/newsletter/render"
	"apta/subscribers"
	"apta/subscribers/database"
)

// What the page of numbers goes back to: a quarter.
const (
	numbersIssues = 13
	numbersWeeks  = 13
	numbersWhys   = 12
)

// numbersView is what can be counted without looking at anybody: deliveries, those
// who left after an issue, how the list grows, why mails were refused.
type numbersView struct {
	Frame
	Choosing
	Issues    []issueNumbers
	Delivered Chart
	Weeks     []subscribers.Movement
	Growth    Chart
	Active    int
	Reasons   []delivery.Reason
	Refusals  Chart
	Latest    string // the week whose reasons they are
}

type issueNumbers struct {
	newsletter.Issue
	Counts delivery.Counts
	Left   int // within a week of its send
}

func (d *Desk) numbers(w http.ResponseWriter, r *http.Request) error {
	n := d.chosen(r)
	v := numbersView{Frame: d.Frame(r, "numbers", "place_numbers").In(n.Masthead), Choosing: d.choosing(r, n)}
	for _, step := range []func(context.Context, Newsletter, *numbersView) error{d.countIssues, d.countReaders} {
		if err := step(r.Context(), n, &v); err != nil {
			return err
		}
	}
	return d.Write(w, r, http.StatusOK, "numbers.html", v)
}

func (d *Desk) countIssues(ctx context.Context, n Newsletter, v *numbersView) error {
	issues, err := d.Store.Issues(ctx, n.Slug, 2*numbersIssues) // drafts among them
	if err != nil {
		return err
	}
	var columns []Column
	for _, i := range issues {
		send, err := d.Ledger.Send(ctx, i.ID)
		if errors.Is(err, delivery.ErrNoSend) {
			continue
		}
		if err != nil {
			return err
		}
		one := issueNumbers{Issue: i}
		one.Title = render.OneLine(i.Title)
		if one.Counts, err = d.counted.of(ctx, d.Ledger, send); err != nil {
			return err
		}
		if one.Left, err = n.Readers.LeftBetween(ctx, send.Started, send.Started.AddDate(0, 0, 7)); err != nil {
			return err
		}
		if v.Issues = append(v.Issues, one); len(v.Issues) == numbersIssues {
			break
		}
	}
	for _, i := range slices.Backward(v.Issues) {
		c := i.Counts
		hint := func(word string, n int) string { return i.Week + ": " + v.Words[word] + " " + strconv.Itoa(n) }
		columns = append(columns, Column{Label: i.Week, Up: []Part{
			{c.Accepted, "good", hint("count_accepted", c.Accepted)}, {c.Waiting(), "soft", hint("count_waiting", c.Waiting())},
			{c.Refused + c.Doubtful, "bad", hint("count_refused", c.Refused+c.Doubtful)}, {c.Skipped, "none", hint("count_skipped", c.Skipped)}}})
	}
	v.Delivered = draw(v.Words["numbers_issues"], columns, []Key{{"good", v.Words["count_accepted"]}, {"soft", v.Words["count_waiting"]}, {"bad", v.Words["count_refused_doubtful"]}, {"none", v.Words["count_skipped"]}})
	if len(v.Issues) == 0 {
		return nil
	}
	return d.countReasons(ctx, v.Issues[0].Issue, v)
}

// countReasons says why mails of the latest issue were refused or are in doubt.
func (d *Desk) countReasons(ctx context.Context, i newsletter.Issue, v *numbersView) error {
	all, err := d.Ledger.Reasons(ctx, i.ID, 10*numbersWhys)
	if err != nil {
		return err
	}
	v.Latest = i.Week
	for _, r := range all {
		if (r.State == delivery.Refused.String() || r.State == delivery.Doubtful.String()) && len(v.Reasons) < numbersWhys {
			v.Reasons = append(v.Reasons, r)
		}
	}
	var columns []Column
	for _, r := range v.Reasons {
		label := strconv.Itoa(r.Code)
		if r.Code == 0 {
			label = "?"
		}
		columns = append(columns, Column{Label: label, Up: []Part{{r.Count, "bad", r.Why}}})
	}
	v.Refusals = draw(v.Words["numbers_reasons"], columns, nil)
	return nil
}

func (d *Desk) countReaders(ctx context.Context, n Newsletter, v *numbersView) error {
	counts, err := n.Readers.Count(ctx)
	if err != nil {
		return err
	}
	v.Active = counts[subscribers.Active]
	week := newsletter.Week(d.Now().In(v.zone))
	from := week.From.AddDate(0, 0, -7*(numbersWeeks-1))
	// Spans are weeks of 168 hours: where the clocks change one is an hour off, which
	// no count of a week shows.
	if v.Weeks, err = n.Readers.Movements(ctx, from, 7*24*time.Hour, numbersWeeks); err != nil {
		return err
	}
	var columns []Column
	for _, m := range v.Weeks {
		name := newsletter.Week(m.From.In(v.zone).Add(12 * time.Hour)).Name
		columns = append(columns, Column{Label: name[5:], Up: []Part{{m.Joined, "good", name + ": +" + strconv.Itoa(m.Joined)}},
			Down: []Part{{m.Unsubscribed, "none", name + ": −" + strconv.Itoa(m.Unsubscribed)}, {m.Bounced + m.Complained, "bad", name + ": −" + strconv.Itoa(m.Bounced+m.Complained)}}})
	}
	v.Growth = draw(v.Words["numbers_growth"], columns, []Key{{"good", v.Words["moved_joined"]}, {"none", v.Words["moved_unsubscribed"]}, {"bad", v.Words["moved_lost"]}})
	return nil
}

// Week is the name of the week that a movement covers, for templates.
func (v numbersView) Week(m subscribers.Movement) string {
	return newsletter.Week(m.From.In(v.zone).Add(12 * time.Hour)).Name
}

// counted keeps the counts of sends that have ended: each is a walk over a ledger.
type counted struct {
	mu   sync.Mutex
	ends map[database.ID]time.Time
	have map[database.ID]delivery.Counts
}

func (c *counted) of(ctx context.Context, l *delivery.Ledger, s delivery.Send) (delivery.Counts, error) {
	c.mu.Lock()
	counts, known := c.have[s.Issue]
	known = known && c.ends[s.Issue].Equal(s.Ended) && !s.Ended.IsZero()
	c.mu.Unlock()
	if known {
		return counts, nil
	}
	counts, err := l.Counts(ctx, s.Issue)
	if err != nil || s.Ended.IsZero() {
		return counts, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.have == nil {
		c.have, c.ends = map[database.ID]delivery.Counts{}, map[database.ID]time.Time{}
	}
	c.have[s.Issue], c.ends[s.Issue] = counts, s.Ended
	return counts, nil
}
