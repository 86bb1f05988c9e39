package pages

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"apta/subscribers"
)

// formView is a form in which an address is asked for.
type formView struct {
	frame
	Action, Button string
	Lost           string // where a lost link is asked for
	Email          string
	Sure           string // the address that the reader is sure of
	Stamp          string
	Trap           string
	Bits           int
	Agree          string // what pressing the button says; empty where it says nothing
	Topics         []choice
	Choices        []choice // languages
	Errors         map[string]string
}

func (p *Pages) askToSubscribe(w http.ResponseWriter, r *http.Request) {
	v, err := p.subscribeForm(r.Context(), p.language(r), url.Values{})
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	p.write(w, http.StatusOK, "subscribe.html", v)
}

// subscribeForm is the form as somebody has filled it in so far.
func (p *Pages) subscribeForm(ctx context.Context, tag string, form url.Values) (formView, error) {
	v := p.addressForm(tag, "subscribe_title", "subscribe_text", form)
	v.Action, v.Button, v.Agree = p.options.Path+"/subscribe", v.Words["subscribe"], v.Words.Fill("agree", "name", p.options.Name)
	if v.Bits = p.options.ProofBits; v.Bits > 0 {
		v.Script = "proof.js"
	}
	topics, err := p.topics(ctx)
	if err != nil {
		return v, err
	}
	for _, t := range topics {
		v.Topics = append(v.Topics, choice{t, t, len(form["topic"]) == 0 || slices.Contains(form["topic"], t)})
	}
	return v, nil
}

// addressForm is what the forms that ask for an address have in common.
func (p *Pages) addressForm(tag, heading, text string, form url.Values) formView {
	v := formView{frame: p.frame(tag, heading, text), Email: form.Get("email"), Trap: trapField, Lost: p.options.Path + "/lost", Errors: map[string]string{}}
	v.Choices = p.languageChoices(tag)
	// The form's own stamp stays good: who was too quick need not begin anew.
	if v.Stamp = form.Get("stamp"); p.judge(form, 0) == unseen {
		v.Stamp = p.keys.Stamp(p.options.Now())
	}
	return v
}

func (p *Pages) topics(ctx context.Context) ([]string, error) {
	if p.options.Topics == nil {
		return nil, nil
	}
	return p.options.Topics(ctx)
}

// subscribe takes the form. It may come from another site, which is how a form
// in a newsroom's own pages works: that is no cross-site request forgery, since
// nothing is known of the visitor that another site could not send itself. And
// because no stamp counts in a form from elsewhere, it subscribes nobody: it opens
// our own page with the fields filled in and one button.
func (p *Pages) subscribe(w http.ResponseWriter, r *http.Request) {
	form, err := p.form(w, r)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	if p.cross.Check(r) != nil {
		form.Del("stamp") // whoever made that page may have fetched it from us
	}
	tag := p.language(r)
	if chosen := form.Get("language"); p.words[chosen] != nil {
		tag = chosen
	}
	v, err := p.subscribeForm(r.Context(), tag, form)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	a := subscribers.Application{From: p.options.Visitor(r), Source: "subscribe page", Wording: v.Agree, Wishes: subscribers.Wishes{Language: tag, Topics: wanted(v.Topics)}}
	if !p.accept(w, &v, form, &a.Email) {
		return
	}
	if p.judge(form, v.Bits) == good {
		err = p.store.Subscribe(r.Context(), a)
	}
	p.answer(w, r, &v, err, p.options.Path+"/subscribe/sent")
}

// wanted are the topics chosen; all of them is no choice.
func wanted(topics []choice) (list []string) {
	for _, t := range topics {
		if t.Chosen {
			list = append(list, t.Value)
		}
	}
	if len(list) == len(topics) {
		return nil
	}
	return list
}

// accept reads the address and looks at how the form was filled in. Where that
// is not enough it shows the form again, with what is wrong beside its field. A
// machine that was trapped is not told so.
func (p *Pages) accept(w http.ResponseWriter, v *formView, form url.Values, email *string) bool {
	text := form.Get("email")
	read, key, meant := address(text, form.Get("sure") == text)
	*email = read
	judged, status := p.judge(form, v.Bits), http.StatusUnprocessableEntity
	switch {
	case key == "error_email_meant":
		v.Errors["email"], v.Sure = v.Words.Fill(key, "address", meant), text
	case key != "" && (judged != unseen || text != ""):
		v.Errors["email"] = v.Words[key]
	case judged == unseen:
		v.Heading, v.Text = v.Words["again_title"], v.Words["again_text"]
		status = http.StatusOK
	case judged == quick:
		v.Errors["form"] = v.Words["error_wait"]
	case judged == unproved:
		v.Errors["form"] = v.Words["without_script"]
	default:
		return true
	}
	p.write(w, status, "subscribe.html", *v)
	return false
}

// answer says the same to everybody whose address is one, known to us or not.
func (p *Pages) answer(w http.ResponseWriter, r *http.Request, v *formView, err error, next string) {
	var limit *subscribers.LimitError
	switch {
	case errors.As(err, &limit):
		v.Errors["form"] = v.Words[limitWords(limit)]
		p.write(w, http.StatusTooManyRequests, "subscribe.html", *v)
	case err != nil:
		p.refuse(w, r, err)
	default:
		http.Redirect(w, r, next+"?lang="+v.Words["tag"], http.StatusSeeOther)
	}
}

// limitWords is the key of what is said about a limit.
func limitWords(limit *subscribers.LimitError) string {
	if limit.Scope == "address" {
		return "error_limit_address"
	}
	return "error_limit"
}

// askView is a page of words and one link.
type askView struct {
	frame
	Help, Link, Label string
}

func (p *Pages) sent(w http.ResponseWriter, r *http.Request) {
	v := askView{frame: p.frame(p.language(r), "inbox_title", "inbox_text")}
	v.Help, v.Link, v.Label = v.Words["inbox_help"], p.options.Path+"/subscribe?lang="+v.Words["tag"], v.Words["ask_again"]
	p.write(w, http.StatusOK, "ask.html", v)
}
