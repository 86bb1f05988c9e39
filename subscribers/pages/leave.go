package pages

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"apta/subscribers"
)

// pauses are the weeks that one who wants to leave is offered instead.
var pauses = []int{2, 4, 8, 12}

// leaveView is the page of one button, and the offer of a pause.
type leaveView struct {
	message
	Pauses []choice
}

func (p *Pages) askToLeave(w http.ResponseWriter, r *http.Request) {
	sub, err := p.store.Reader(r.Context(), subscribers.PurposeUnsubscribe, r.PathValue("token"))
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	switch sub.Status {
	case subscribers.Unsubscribed, subscribers.Complained, subscribers.Suppressed, subscribers.Erased:
		p.showLeft(w, r, sub)
		return
	}
	v := leaveView{message: message{frame: p.frame(p.languageOf(sub), "leave_title", "leave_text"), Action: r.URL.Path, Field: "leave"}}
	v.Button = v.Words["leave_button"]
	if sub.Status == subscribers.Active {
		for _, n := range pauses {
			label, err := p.plurals.Say(v.Words["tag"], "weeks", n)
			if err != nil {
				p.refuse(w, r, err)
				return
			}
			v.Pauses = append(v.Pauses, choice{strconv.Itoa(n), label, n == 4})
		}
	}
	p.write(w, http.StatusOK, "leave.html", v)
}

// leave is both the one-click request of RFC 8058, which a mail provider posts
// without cookie or login, and the buttons of the page. Only the former may come
// from another site: who has the link could have posted it themselves.
func (p *Pages) leave(w http.ResponseWriter, r *http.Request) {
	sub, err := p.store.Reader(r.Context(), subscribers.PurposeUnsubscribe, r.PathValue("token"))
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	pressed := r.PostFormValue("page") // what cannot be read is a request to leave all the same
	if pressed != "" && p.cross.Check(r) != nil {
		p.refuse(w, r, errForeign)
		return
	}
	if sub.Status == subscribers.Erased || sub.Status == subscribers.Suppressed {
		p.showLeft(w, r, sub)
		return
	}
	words := p.frame(p.languageOf(sub), "", "").Words
	consent := subscribers.Consent{Source: "unsubscribe page", Network: p.network(r)}
	switch pressed {
	case "stay":
		consent.Wording = words["stay_button"]
		_, err = p.store.SetStatus(r.Context(), sub.ID, subscribers.Active, consent)
	case "pause":
		consent.Wording = words["pause_button"]
		sub, err = p.pauseInstead(r, sub, consent)
	case "leave":
		consent.Wording = words["leave_button"]
		_, err = p.store.Leave(r.Context(), sub.ID, consent)
	default:
		consent.Source = "one-click"
		if r.PostFormValue("List-Unsubscribe") == "One-Click" {
			consent.Wording = "List-Unsubscribe=One-Click" // RFC 8058, 3.1
		}
		_, err = p.store.Leave(r.Context(), sub.ID, consent)
	}
	switch {
	case err != nil:
		p.refuse(w, r, err)
	case pressed == "stay":
		p.write(w, http.StatusOK, "message.html", message{frame: p.frame(p.languageOf(sub), "back_title", "back_text"), Home: true})
	case pressed == "pause":
		p.showPaused(w, sub)
	default:
		p.showLeft(w, r, sub)
	}
}

// pauseInstead ends the pause at the beginning of a day.
func (p *Pages) pauseInstead(r *http.Request, sub subscribers.Subscriber, c subscribers.Consent) (subscribers.Subscriber, error) {
	weeks, err := strconv.Atoi(r.PostFormValue("weeks"))
	if err != nil || !slices.Contains(pauses, weeks) {
		weeks = 4
	}
	y, m, d := p.options.Now().In(p.options.Zone).Date()
	sub.PausedUntil = time.Date(y, m, d+7*weeks, 0, 0, 0, 0, p.options.Zone)
	return sub, p.store.Pause(r.Context(), sub.ID, sub.PausedUntil, c)
}

func (p *Pages) showPaused(w http.ResponseWriter, sub subscribers.Subscriber) {
	v := askView{frame: p.frame(p.languageOf(sub), "paused_title", "")}
	v.Text = v.Words.Fill("paused_text", "date", p.date(v.Words, sub.PausedUntil))
	v.Link, v.Label = "/p/"+p.keys.Token(subscribers.PurposePreferences, sub.ID, sub.Generation), v.Words["preferences"]
	p.write(w, http.StatusOK, "ask.html", v)
}

func (p *Pages) showLeft(w http.ResponseWriter, r *http.Request, sub subscribers.Subscriber) {
	m := message{frame: p.frame(p.languageOf(sub), "left_title", "left_text")}
	if sub.Status != subscribers.Erased && sub.Status != subscribers.Suppressed { // those cannot be brought back
		m.Button, m.Action, m.Field, m.Quiet = m.Words["stay_button"], r.URL.Path, "stay", true
	}
	p.write(w, http.StatusOK, "message.html", m)
}
