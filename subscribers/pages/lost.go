package pages

import (
	"net/http"
	"net/url"
)

func (p *Pages) askForLink(w http.ResponseWriter, r *http.Request) {
	p.write(w, http.StatusOK, "subscribe.html", p.lostForm(p.language(r), url.Values{}))
}

// lostForm asks for no work: by it only readers can be written to.
func (p *Pages) lostForm(tag string, form url.Values) formView {
	v := p.addressForm(tag, "lost_title", "lost_text", form)
	v.Action, v.Button = p.options.Path+"/lost", v.Words["lost_button"]
	return v
}

// lost has the link to their page sent to a subscriber. Somebody else is told
// the same and sent nothing.
func (p *Pages) lost(w http.ResponseWriter, r *http.Request) {
	form, err := p.form(w, r)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	v := p.lostForm(p.language(r), form)
	var email string
	if !p.accept(w, &v, form, &email) {
		return
	}
	if p.judge(form, v.Bits) == good {
		err = p.store.LostLink(r.Context(), email, p.options.Visitor(r))
	}
	p.answer(w, r, &v, err, p.options.Path+"/lost/sent")
}

func (p *Pages) lostSent(w http.ResponseWriter, r *http.Request) {
	v := askView{frame: p.frame(p.language(r), "inbox_title", "lost_sent")}
	v.Help, v.Link, v.Label = v.Words["inbox_help"], p.options.Path+"/lost?lang="+v.Words["tag"], v.Words["ask_again"]
	p.write(w, http.StatusOK, "ask.html", v)
}
