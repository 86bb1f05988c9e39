package desk

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"apta/newsletter"
	"apta/newsletter/delivery"
)

// Line is where an issue stands on its way from its draft to its readers, and what
// can be done there: the template "line", for every page that shows an issue.
type Line struct {
	Frame
	Issue  newsletter.Issue
	Steps  []Step
	Report delivery.Report
	Acts   []Act
	Bar    []Bar   // of the send, a thousand units wide
	Rate   float64 // deliveries settled a second; 0 where nobody has counted
}

// Step is one of the line's stations.
type Step struct {
	Name   string // key of its word: step_<Name>
	Stands string // done, now or to come
	Detail string
	At     *Moment
	Until  string // RFC 3339, of a count-down
}

// Act is something that a publisher can do to an issue where it stands.
type Act struct {
	Name string // part of the address, and key of its words: act_<Name>, act_<Name>_sure
	Main bool
	Sure bool // the browser asks once more
}

// Line gives an issue's. Its send is counted where there is one.
func (d *Desk) Line(r *http.Request, i newsletter.Issue) (Line, error) {
	l := Line{Frame: d.Frame(r, "", "").In(d.newsletter(i.Newsletter).Masthead), Issue: i}
	var err error
	if i.Status == newsletter.Sending || i.Status == newsletter.Sent {
		if l.Report, err = d.Steering.Report(r.Context(), i.ID); err != nil {
			return l, err
		}
		l.Issue.Status, l.Issue.Note = l.Report.Status, l.Report.Note
		l.Bar = sendBar(l.Report.Counts)
	}
	l.steps()
	if l.May("publisher") {
		l.Acts = l.acts()
	}
	return l, nil
}

// order is that of the statuses on the line.
var order = map[newsletter.Status]int{newsletter.Draft: 1, newsletter.Held: 1, newsletter.Approved: 3, newsletter.Sending: 4, newsletter.Sent: 5}

func (l *Line) steps() {
	i := l.Issue
	at := order[i.Status]
	add := func(s Step, place int) {
		s.Stands = "next"
		if place < at {
			s.Stands = "past"
		} else if place == at {
			s.Stands = "now"
		}
		l.Steps = append(l.Steps, s)
	}
	moment := func(t time.Time) *Moment {
		if t.IsZero() {
			return nil
		}
		m := l.At(t)
		return &m
	}
	add(Step{Name: "assembled", At: moment(i.Created)}, 0)
	review := Step{Name: "review"}
	if i.Status == newsletter.Held {
		review.Name, review.Detail = "held", i.Note
	}
	add(review, 1)
	if !i.CutOff.IsZero() && i.Status == newsletter.Draft {
		s := Step{Name: "cut_off", At: moment(i.CutOff)}
		if i.CutOff.After(l.now) {
			s.Until = i.CutOff.UTC().Format(time.RFC3339)
		}
		add(s, 2)
	}
	approved := Step{Name: "approved", Detail: i.ApprovedBy}
	if i.Status == newsletter.Approved {
		approved.Stands = "past"
	}
	add(approved, 3)
	if i.Status == newsletter.Approved {
		l.Steps[len(l.Steps)-1].Stands = "past"
		cool := Step{Name: "cool_off", At: moment(i.SendsAt)}
		if i.SendsAt.After(l.now) {
			cool.Until = i.SendsAt.UTC().Format(time.RFC3339)
		} else if i.SendsAt.IsZero() {
			cool.Name = "by_hand"
		}
		add(cool, 3)
	}
	sending := Step{Name: "sending"}
	if s := l.Report.Send; s != nil {
		sending.At = moment(s.Started)
		if s.State == delivery.Paused || s.State == delivery.Cancelled && i.Status == newsletter.Sending {
			sending.Name, sending.Detail = string(s.State), s.Why
		}
	}
	add(sending, 4)
	sent := Step{Name: "sent"}
	if s := l.Report.Send; s != nil && i.Status == newsletter.Sent {
		sent.At, sent.Detail = moment(s.Ended), i.Note
	}
	add(sent, 5)
}

func (l *Line) acts() []Act {
	send := delivery.SendState("")
	if l.Report.Send != nil {
		send = l.Report.Send.State
	}
	switch l.Issue.Status {
	case newsletter.Draft:
		return []Act{{Name: "approve", Main: true}, {Name: "hold"}}
	case newsletter.Held:
		return []Act{{Name: "approve", Main: true}}
	case newsletter.Approved:
		if l.Issue.SendsAt.IsZero() {
			return []Act{{Name: "send", Main: true, Sure: true}, {Name: "pull-back"}}
		}
		return []Act{{Name: "pull-back", Main: true}}
	case newsletter.Sending:
		switch send {
		case delivery.Running:
			return []Act{{Name: "pause", Main: true}, {Name: "cancel", Sure: true}}
		case delivery.Paused:
			return []Act{{Name: "resume", Main: true}, {Name: "cancel", Sure: true}}
		}
	case newsletter.Sent:
		if c := l.Report.Counts; send == delivery.Done && c.Refused+c.Doubtful > 0 {
			return []Act{{Name: "retry", Sure: true}}
		}
	}
	return nil
}

// sendBar draws what became of the deliveries, in the order of the table below it.
func sendBar(c delivery.Counts) (bars []Bar) {
	x := 0
	for _, part := range []struct {
		n     int
		class string
	}{{c.Accepted, "good"}, {c.Deferred, "soft"}, {c.Refused, "bad"}, {c.Doubtful, "doubt"}, {c.Skipped, "none"}} {
		w := part.n * 1000 / max(c.Total, 1)
		if part.n > 0 && w < 4 {
			w = 4 // something is not nothing
		}
		w = min(w, 1000-x)
		bars = append(bars, Bar{X: x, W: w, H: 10, Class: part.class})
		x += w
	}
	return bars
}

// Live reports whether the line changes by itself, so that a page listens.
func (l Line) Live() bool {
	return l.Issue.Status == newsletter.Approved && !l.Issue.SendsAt.IsZero() || l.Issue.Status == newsletter.Sending
}

// Settled is how many deliveries of a hundred are done with.
func (l Line) Settled() int {
	c := l.Report.Counts
	if c.Total == 0 {
		return 0
	}
	return (c.Total - c.Waiting()) * 100 / c.Total
}

// Counts are the numbers of a send; they add up to its total.
func (l Line) Counts() []Count {
	c := l.Report.Counts
	list := []Count{{"accepted", "good", c.Accepted}, {"deferred", "soft", c.Deferred}, {"refused", "bad", c.Refused}, {"doubtful", "doubt", c.Doubtful}, {"skipped", "none", c.Skipped}}
	if rest := c.Queued + c.Offered; rest > 0 {
		list = append(list, Count{"queued", "rest", rest})
	}
	return list
}

// Count is one of them.
type Count struct {
	Name, Class string
	N           int
}

// RateText is the rate as people say it.
func (l Line) RateText() string {
	if l.Rate <= 0 {
		return ""
	}
	return l.Fill("per_second", "n", strconv.FormatFloat(l.Rate, 'f', 1, 64))
}

func (d *Desk) lineRoutes() {
	d.mux.Handle("GET /desk/issues/{id}/line", d.Require(Writer, d.showLine))
	d.mux.Handle("GET /desk/issues/{id}/live", d.Require(Writer, d.live))
	d.mux.Handle("POST /desk/issues/{id}/line/{act}", d.Require(Publisher, d.act))
}

func (d *Desk) showLine(w http.ResponseWriter, r *http.Request) error {
	i, err := d.Issue(r)
	if err != nil {
		return err
	}
	l, err := d.Line(r, i)
	if err != nil {
		return err
	}
	return d.Write(w, r, http.StatusOK, "line", l)
}

// act does something to an issue as the publisher saw it. What has been done
// already is done: a second click is no second send, and no error either.
func (d *Desk) act(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	i, err := d.Issue(r)
	if err != nil {
		return err
	}
	seen := i
	if seen.Revision, err = strconv.Atoi(form.Get("revision")); err != nil {
		return errForm
	}
	why := strings.TrimSpace(short(form.Get("why"), 500))
	name := r.PathValue("act")
	do, known := d.actions(From(r.Context()), d.newsletter(i.Newsletter), why)[name]
	if !known {
		return d.nothing(w, r)
	}
	if err := do.do(r.Context(), seen); err != nil {
		now, again := d.Store.Issue(r.Context(), "", i.ID.String())
		same := (errors.Is(err, newsletter.ErrStatus) || errors.Is(err, delivery.ErrState)) && again == nil && now.Revision == seen.Revision && do.done(r.Context(), now)
		if !same {
			return err
		}
		return d.Back(w, r, "/desk/issues/"+i.ID.String(), "")
	}
	if err := d.Audit(r, "issue."+name, i.ID.String()); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/issues/"+i.ID.String(), "act_"+name)
}

// action is what an act does, and how an issue stands where it was done.
type action struct {
	do   func(context.Context, newsletter.Issue) error
	done func(context.Context, newsletter.Issue) bool
}

func (d *Desk) actions(by Editor, n Newsletter, why string) map[string]action {
	is := func(wanted ...newsletter.Status) func(context.Context, newsletter.Issue) bool {
		return func(_ context.Context, i newsletter.Issue) bool { return slices.Contains(wanted, i.Status) }
	}
	send := func(wanted delivery.SendState) func(context.Context, newsletter.Issue) bool {
		return func(ctx context.Context, i newsletter.Issue) bool {
			s, err := d.Ledger.Send(ctx, i.ID)
			return err == nil && s.State == wanted
		}
	}
	return map[string]action{
		"approve": {func(ctx context.Context, i newsletter.Issue) error {
			_, err := n.Flow.Approve(ctx, i, by.Name)
			return err
		}, is(newsletter.Approved)},
		"pull-back": {func(ctx context.Context, i newsletter.Issue) error { return n.Flow.PullBack(ctx, i, by.Name, why) }, is(newsletter.Draft)},
		"hold":      {func(ctx context.Context, i newsletter.Issue) error { return n.Flow.Hold(ctx, i, by.Name, why) }, is(newsletter.Held)},
		"send":      {n.Start, is(newsletter.Sending, newsletter.Sent)},
		"pause":     {func(ctx context.Context, i newsletter.Issue) error { return d.Steering.Pause(ctx, i.ID, why) }, send(delivery.Paused)},
		"resume":    {func(ctx context.Context, i newsletter.Issue) error { return d.Steering.Resume(ctx, i.ID) }, send(delivery.Running)},
		"cancel":    {func(ctx context.Context, i newsletter.Issue) error { return d.Steering.Cancel(ctx, i.ID) }, send(delivery.Cancelled)},
		"retry": {func(ctx context.Context, i newsletter.Issue) error {
			_, err := d.Steering.Retry(ctx, i.ID)
			return err
		}, send(delivery.Running)},
	}
}
