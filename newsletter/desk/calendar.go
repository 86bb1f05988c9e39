package desk

import (
	"errors"
	"net/http"
	"strings"

	"apta/newsletter"
	"apta/newsletter/schedule"
)

// coming is how many slots the calendar shows: a quarter and a little.
const coming = 14

type calendarView struct {
	Frame
	Choosing
	Days []calendarDay
	Zone string
}

type calendarDay struct {
	schedule.Day
	Week string
	Slot Moment
	From Moment
}

func (d *Desk) calendarRoutes() {
	d.mux.Handle("GET /desk/calendar", d.Require(Writer, d.calendar))
	d.mux.Handle("POST /desk/calendar/skip", d.Require(Publisher, d.skip))
	d.mux.Handle("POST /desk/calendar/unskip", d.Require(Publisher, d.unskip))
}

func (d *Desk) calendar(w http.ResponseWriter, r *http.Request) error {
	n := d.chosen(r)
	v := calendarView{Frame: d.Frame(r, "calendar", "place_calendar").In(n.Masthead), Choosing: d.choosing(r, n), Zone: n.Zone.String()}
	days, err := n.Flow.Calendar(r.Context(), d.Now(), coming)
	if err != nil {
		return err
	}
	for _, day := range days {
		v.Days = append(v.Days, calendarDay{Day: day, Week: day.Window.Name, Slot: v.At(day.Slot), From: v.At(day.Window.From)})
	}
	return d.Write(w, r, http.StatusOK, "calendar.html", v)
}

func (d *Desk) skip(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	n := d.chosen(r)
	s := newsletter.Skip{Span: strings.TrimSpace(form.Get("week")), Why: strings.TrimSpace(short(form.Get("why"), 200))}
	if _, err := schedule.ParseSkip(s); err != nil {
		return errForm
	}
	if err := d.Store.AddSkip(r.Context(), n.Slug, s); err != nil {
		return err
	}
	if err := d.Audit(r, "week.skip", n.Slug+" "+s.Span); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/calendar?in="+n.Slug, "skipped")
}

func (d *Desk) unskip(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	n := d.chosen(r)
	if err := d.Store.RemoveSkip(r.Context(), n.Slug, form.Get("span")); err != nil && !errors.Is(err, newsletter.ErrNotFound) {
		return err
	}
	if err := d.Audit(r, "week.unskip", n.Slug+" "+form.Get("span")); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/calendar?in="+n.Slug, "unskipped")
}
