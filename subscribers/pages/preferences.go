package pages

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"apta/subscribers"
)

// rhythms are every how many weeks a reader may want an issue.
var rhythms = []int{1, 2, 3, 4, 8, 12}

// preferencesView is all that a reader can change. It does not show the address:
// who has found a forwarded mail is not to learn it.
type preferencesView struct {
	frame
	Path, Leave                     string
	Left, Paused                    bool
	PauseText                       string
	Topics, Choices, Formats, Every []choice
	First, Last, Until              string // days of the calendar, as HTML writes them
	Done                            string // what was just done
	NewAddress                      string
	Errors                          map[string]string
}

func (p *Pages) reader(r *http.Request) (subscribers.Subscriber, error) {
	sub, err := p.store.Reader(r.Context(), subscribers.PurposePreferences, r.PathValue("token"))
	if err == nil && sub.Status == subscribers.Erased {
		err = subscribers.ErrExpired
	}
	return sub, err
}

// done are the words for what a form has done, by what the address says of it.
var done = map[string]string{"saved": "saved", "asked": "address_asked"}

func (p *Pages) preferences(w http.ResponseWriter, r *http.Request) {
	sub, err := p.reader(r)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	p.showPreferences(w, r, sub, http.StatusOK, func(v *preferencesView) {
		if key := done[r.URL.Query().Get("done")]; key != "" {
			v.Done = v.Words[key]
		}
	})
}

// showPreferences shows what is stored, and what else there is to say.
func (p *Pages) showPreferences(w http.ResponseWriter, r *http.Request, sub subscribers.Subscriber, status int, more func(*preferencesView)) {
	now := p.options.Now().In(p.options.Zone)
	v := preferencesView{frame: p.frame(p.languageOf(sub), "prefs_title", ""), Path: "/p/" + r.PathValue("token"), Errors: map[string]string{}}
	v.Leave = "/u/" + p.keys.Token(subscribers.PurposeUnsubscribe, sub.ID, sub.Generation)
	v.Left, v.Paused = sub.Status != subscribers.Active && sub.Status != subscribers.Paused, sub.Status == subscribers.Paused
	if v.PauseText = v.Words["pause_text"]; v.Paused {
		v.PauseText = v.Words["paused_open"]
		if !sub.PausedUntil.IsZero() {
			v.PauseText = v.Words.Fill("paused_text", "date", p.date(v.Words, sub.PausedUntil))
		}
	}
	v.First, v.Last = now.AddDate(0, 0, 1).Format(time.DateOnly), now.AddDate(maxPause, 0, 0).Format(time.DateOnly)
	v.Choices = p.languageChoices(p.languageOf(sub))
	v.Formats = []choice{{"html", v.Words["prefs_html"], sub.Format != "text"}, {"text", v.Words["prefs_text"], sub.Format == "text"}}
	topics, err := p.topics(r.Context())
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	for _, t := range withOwn(topics, sub.Topics) {
		v.Topics = append(v.Topics, choice{t, t, len(sub.Topics) == 0 || slices.Contains(sub.Topics, t)})
	}
	if v.Every, err = p.rhythms(v.Words["tag"], v.Words["weekly"], max(sub.Every, 1)); err != nil {
		p.refuse(w, r, err)
		return
	}
	more(&v)
	p.write(w, status, "preferences.html", v)
}

// withOwn adds the topics that a reader chose and that are no longer offered.
func withOwn(topics, own []string) []string {
	list := slices.Clone(topics)
	for _, t := range own {
		if !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	return list
}

func (p *Pages) rhythms(tag, weekly string, chosen int) (list []choice, err error) {
	for _, n := range withOwnRhythm(chosen) {
		label := weekly
		if n > 1 {
			if label, err = p.plurals.Say(tag, "every_weeks", n); err != nil {
				return nil, err
			}
		}
		list = append(list, choice{strconv.Itoa(n), label, n == chosen})
	}
	return list, nil
}

func withOwnRhythm(n int) []int {
	if slices.Contains(rhythms, n) {
		return rhythms
	}
	list := append(slices.Clone(rhythms), n)
	slices.Sort(list)
	return list
}

// posted is what every form of the page begins with: whose it is and what it says.
func (p *Pages) posted(w http.ResponseWriter, r *http.Request) (sub subscribers.Subscriber, form url.Values, ok bool) {
	sub, err := p.reader(r)
	if err == nil {
		form, err = p.form(w, r)
	}
	if err != nil {
		p.refuse(w, r, err)
	}
	return sub, form, err == nil
}

func (p *Pages) consent(r *http.Request) subscribers.Consent {
	return subscribers.Consent{Source: "preferences page", Network: p.network(r)}
}

// back shows the page anew, so that a reload posts nothing.
func back(w http.ResponseWriter, r *http.Request, done string) {
	personal(w.Header())
	http.Redirect(w, r, "/p/"+r.PathValue("token")+"?done="+done, http.StatusSeeOther)
}

func (p *Pages) choose(w http.ResponseWriter, r *http.Request) {
	sub, form, ok := p.posted(w, r)
	if !ok {
		return
	}
	topics, err := p.topics(r.Context())
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	wrong := map[string]string{} // the key of what to say, by the field
	every, err := strconv.Atoi(form.Get("every"))
	if err != nil {
		wrong["every_weeks"] = "error_choice"
	}
	if p.words[form.Get("language")] == nil {
		wrong["language"] = "error_choice"
	}
	wishes := subscribers.Wishes{Name: sub.Name, Language: form.Get("language"), Format: form.Get("format"), Every: every, Topics: form["topic"]}
	all := withOwn(topics, sub.Topics)
	switch {
	case len(all) > 0 && len(wishes.Topics) == 0:
		wrong["topics"] = "error_topics"
	case len(withOwn(all, wishes.Topics)) > len(all):
		wrong["topics"] = "error_choice"
	case len(withOwn(wishes.Topics, topics)) == len(wishes.Topics):
		wishes.Topics = nil // all of them: new ones too
	}
	if len(wrong) == 0 {
		err = p.store.Choose(r.Context(), sub.ID, wishes, p.consent(r))
		var wish *subscribers.WishError
		if errors.As(err, &wish) {
			wrong[wish.Field], err = "error_choice", nil
		}
		if err != nil {
			p.refuse(w, r, err)
			return
		}
	}
	if len(wrong) == 0 {
		back(w, r, "saved")
		return
	}
	p.showPreferences(w, r, sub, http.StatusUnprocessableEntity, func(v *preferencesView) {
		for field, key := range wrong {
			v.Errors[field] = v.Words[key]
		}
		if wrong["topics"] != "" {
			for i := range v.Topics {
				v.Topics[i].Chosen = false
			}
		}
	})
}

// maxPause is how long a pause may be, in years.
const maxPause = 2

func (p *Pages) pause(w http.ResponseWriter, r *http.Request) {
	sub, form, ok := p.posted(w, r)
	if !ok {
		return
	}
	var err error
	if form.Get("resume") != "" {
		err = p.store.Resume(r.Context(), sub.ID, p.consent(r))
	} else {
		until, parseErr := time.ParseInLocation(time.DateOnly, form.Get("until"), p.options.Zone)
		now := p.options.Now()
		if parseErr != nil || !until.After(now) || until.After(now.AddDate(maxPause, 0, 1)) {
			p.showPreferences(w, r, sub, http.StatusUnprocessableEntity, func(v *preferencesView) {
				v.Errors["until"], v.Until = v.Words["error_date"], form.Get("until")
			})
			return
		}
		err = p.store.Pause(r.Context(), sub.ID, until, p.consent(r))
	}
	if err != nil && !errors.Is(err, subscribers.ErrNotActive) { // who has left is shown that they have
		p.refuse(w, r, err)
		return
	}
	back(w, r, "saved")
}

func (p *Pages) changeAddress(w http.ResponseWriter, r *http.Request) {
	sub, form, ok := p.posted(w, r)
	if !ok {
		return
	}
	text := form.Get("email")
	email, key, meant := address(text, form.Get("sure") == text)
	var limit *subscribers.LimitError
	if key == "" {
		err := p.store.ChangeAddress(r.Context(), sub.ID, email, p.options.Visitor(r), "preferences page")
		if err == nil {
			back(w, r, "asked")
			return
		}
		if !errors.As(err, &limit) {
			p.refuse(w, r, err)
			return
		}
	}
	p.showPreferences(w, r, sub, http.StatusUnprocessableEntity, func(v *preferencesView) {
		v.NewAddress = text
		if v.Errors["email"] = v.Words.Fill(key, "address", meant); limit != nil {
			v.Errors["email"] = v.Words[limitWords(limit)]
		}
	})
}

func (p *Pages) download(w http.ResponseWriter, r *http.Request) {
	sub, _, ok := p.posted(w, r)
	if !ok {
		return
	}
	var all struct {
		subscribers.Dossier
		Received any `json:"received,omitempty"`
	}
	var err error
	if all.Dossier, err = p.store.Export(r.Context(), sub.ID); err == nil && p.options.Received != nil {
		all.Received, err = p.options.Received(r.Context(), sub.ID)
	}
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	body, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	personal(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="subscription.json"`)
	w.Write(append(body, '\n'))
}

func (p *Pages) erase(w http.ResponseWriter, r *http.Request) {
	sub, form, ok := p.posted(w, r)
	if !ok {
		return
	}
	if form.Get("sure") != "yes" {
		p.showPreferences(w, r, sub, http.StatusUnprocessableEntity, func(v *preferencesView) { v.Errors["sure"] = v.Words["erase_unsure"] })
		return
	}
	if err := p.store.Erase(r.Context(), sub.ID, "preferences page"); err != nil {
		p.refuse(w, r, err)
		return
	}
	p.write(w, http.StatusOK, "message.html", message{frame: p.frame(p.languageOf(sub), "erased_title", "erased_text")})
}
