package render

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"apta/newsletter"
	"apta/newsletter/notice"
	"apta/templates"
)

// Notice renders a mail to an editor, in the editor's language. It looks like a
// letter to a reader and has no slots either.
func (r *Renderer) Notice(n notice.Notice, m newsletter.Masthead) (newsletter.Mail, error) {
	words := templates.In(r.words, cmp.Or(n.Language, m.Language))
	key := "notice_" + string(n.Kind)
	if words[key+"_subject"] == "" {
		return newsletter.Mail{}, fmt.Errorf("render: notice: there is none that says %q", n.Kind)
	}
	places := []string{"name", OneLine(m.Name)}
	for place, text := range n.Data {
		places = append(places, place, OneLine(text))
	}
	var facts []Fact
	for _, f := range n.Facts {
		text := OneLine(f.Text)
		switch {
		case f.Word != "":
			text = words["notice_word_"+f.Word]
		case !f.At.IsZero():
			text = moment(words, f.At.In(zoneOf(m)))
		}
		if text == "" {
			continue
		}
		label := words["notice_fact_"+f.Name]
		if label == "" {
			return newsletter.Mail{}, fmt.Errorf("render: notice: no language has a label for the fact %q", f.Name)
		}
		places, facts = append(places, f.Name, text), append(facts, Fact{label, text})
	}
	say := func(key string) string { return words.Fill(key, append([]string(nil), places...)...) }
	letter := Note{Frame: frame(words, words["tag"], m), Paragraphs: strings.Split(say(key+"_text"), "\n"), Facts: facts, Button: say(key + "_button"), Link: n.Link}
	letter.Title, letter.Reason = say(key+"_subject"), say("notice_why")
	if !n.Expires.IsZero() {
		letter.Expires = words.Fill("mail_expires", "date", moment(words, n.Expires.In(zoneOf(m))))
	}
	return r.note(letter, m)
}

// moment writes a time with its day and the name of its zone.
func moment(words templates.Words, t time.Time) string {
	return words.Fill("notice_moment", "date", words.Date(t), "time", t.Format("15:04"), "zone", t.Location().String())
}
