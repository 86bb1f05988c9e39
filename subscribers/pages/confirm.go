package pages

import (
	"cmp"
	"net/http"

	"apta/subscribers"
	"apta/templates"
)

// askToConfirm changes nothing. The page posts by itself when a person first
// touches it, so that scanners, which look but do not touch, confirm nothing.
func (p *Pages) askToConfirm(w http.ResponseWriter, r *http.Request) {
	sub, err := p.store.OpenApplication(r.Context(), r.PathValue("token"))
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	if sub.Status == subscribers.Active || sub.Status == subscribers.Paused {
		p.welcome(w, sub)
		return
	}
	m := message{frame: p.frame(p.languageOf(sub), "confirm_title", "confirm_text")}
	m.Script = "confirm.js"
	m.Button, m.Action = m.Words["confirm_button"], r.URL.Path+"?lang="+m.Words["tag"]
	p.write(w, http.StatusOK, "confirm.html", m)
}

func (p *Pages) confirm(w http.ResponseWriter, r *http.Request) {
	words := templates.In(p.words, p.language(r)) // in which the button was shown
	sub, err := p.store.Confirm(r.Context(), r.PathValue("token"), subscribers.Consent{Source: "confirm page", Network: p.network(r), Wording: words["confirm_button"]})
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	p.welcome(w, sub)
}

func (p *Pages) welcome(w http.ResponseWriter, sub subscribers.Subscriber) {
	v := askView{frame: p.frame(p.languageOf(sub), "confirmed_title", "confirmed_text")}
	v.Link, v.Label = "/p/"+p.keys.Token(subscribers.PurposePreferences, sub.ID, sub.Generation), v.Words["preferences"]
	p.write(w, http.StatusOK, "ask.html", v)
}

// askToMove shows one of the two confirmations of a change of address. Unlike a
// subscription it wants the button: who has found a reader's link may have asked.
func (p *Pages) askToMove(w http.ResponseWriter, r *http.Request, purpose subscribers.Purpose) {
	c, err := p.store.OpenChange(r.Context(), purpose, r.PathValue("token"))
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	text, confirmed := "change_old_text", c.OldConfirmed
	if purpose == subscribers.PurposeChangeNew {
		text, confirmed = "change_new_text", c.NewConfirmed
	}
	m := message{frame: p.frame(cmp.Or(c.Language, p.options.Language), "change_title", text)}
	if confirmed {
		p.moved(w, c)
		return
	}
	m.Button, m.Action, m.Field = m.Words["change_button"], r.URL.Path, "move"
	p.write(w, http.StatusOK, "message.html", m)
}

func (p *Pages) move(w http.ResponseWriter, r *http.Request, purpose subscribers.Purpose) {
	c, err := p.store.ConfirmChange(r.Context(), purpose, r.PathValue("token"))
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	p.moved(w, c)
}

func (p *Pages) moved(w http.ResponseWriter, c subscribers.PendingChange) {
	key := "changed_half"
	if c.Done {
		key = "changed"
	}
	p.write(w, http.StatusOK, "message.html", message{frame: p.frame(cmp.Or(c.Language, p.options.Language), key+"_title", key+"_text")})
}
