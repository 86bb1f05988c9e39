package render

import (
	"strings"
	"testing"
	"time"

	"apta/newsletter/notice"
)

// Every notice in every language: the texts are golden, the HTML of one is.
func TestNotices(t *testing.T) {
	r := newRenderer(t)
	at := time.Date(2026, 10, 16, 8, 0, 0, 0, time.UTC)
	facts := map[notice.Kind][]notice.Fact{
		notice.Assembled: {{Name: "items", Text: "12"}, {Name: "cut_off", At: at}, {Name: "at_cut_off", Word: "hold"}, {Name: "command", Text: "apta issue approve 2026-W42"}, {Name: "by"}},
		notice.Approved:  {{Name: "by", Text: "Aigul"}, {Name: "sends_at", At: at}},
		notice.Skipped:   {{Name: "reason", Text: "fewer items than min_items"}, {Name: "rolls", Word: "roll"}},
		notice.Sent:      {{Name: "accepted", Text: "98"}, {Name: "refused", Text: "2"}, {Name: "total", Text: "100"}},
		notice.Invite:    {{Name: "by", Text: "Aigul"}},
	}
	for _, tag := range []string{"en", "ru", "kk"} {
		var all strings.Builder
		for _, kind := range notice.Kinds {
			n := notice.Notice{Kind: kind, Language: tag, Link: "https://courier.example/desk/issues/1", Facts: facts[kind],
				Data: map[string]string{"week": "2026-W42", "title": "Floods <and> \nMore {name}"}}
			if kind == notice.SignIn {
				n.Expires = at
			}
			m, err := r.Notice(n, masthead(tag))
			if err != nil {
				t.Fatal(err)
			}
			all.WriteString("Subject: " + m.Subject + "\n\n" + m.Text + "\n")
			if n := strings.Count(m.HTML, `href="https://courier.example/desk/issues/1"`); n != 2 {
				t.Errorf("%s in %s: the link stands %d times in the HTML", kind, tag, n)
			}
			if strings.Contains(m.HTML, "<and>") {
				t.Errorf("%s in %s: a title became HTML", kind, tag)
			}
			if kind == notice.Assembled && tag == "en" {
				golden(t, "notice.en.html", breakable(m.HTML))
			}
		}
		golden(t, "notices."+tag+".txt", all.String())
	}
	if _, err := r.Notice(notice.Notice{Kind: "nonesuch"}, masthead("en")); err == nil {
		t.Error("a notice that says nothing was rendered")
	}
	if _, err := r.Notice(notice.Notice{Kind: notice.Held, Facts: []notice.Fact{{Name: "nonesuch", Text: "x"}}}, masthead("en")); err == nil {
		t.Error("a fact without a label was rendered")
	}
}
