package render

import (
	"strings"
	"testing"
	"time"

	"apta/subscribers"
)

var letterKinds = []subscribers.Kind{subscribers.LetterConfirm, subscribers.LetterKnown, subscribers.LetterLink, subscribers.LetterChangeOld, subscribers.LetterChangeNew, subscribers.LetterLeft}

// Every letter in every language: the texts are golden, the HTML of one is.
func TestLetters(t *testing.T) {
	r := newRenderer(t)
	for _, tag := range []string{"en", "ru", "kk"} {
		var all strings.Builder
		for _, kind := range letterKinds {
			l := subscribers.Letter{Kind: kind, Language: tag, Token: "TOKEN", Expires: time.Date(2024, 10, 25, 9, 0, 0, 0, time.UTC)}
			if kind == subscribers.LetterLeft {
				l.Expires = time.Time{}
			}
			m, err := r.Letter(l, masthead(tag))
			if err != nil {
				t.Fatal(err)
			}
			all.WriteString("Subject: " + m.Subject + "\n\n" + m.Text + "\n")
			if n := strings.Count(m.HTML, `href="https://courier.example`+letterPaths[kind]+`TOKEN"`); n != 2 {
				t.Errorf("%s in %s: the link stands %d times in the HTML", kind, tag, n)
			}
			if kind == subscribers.LetterConfirm {
				golden(t, "letter."+tag+".html", breakable(m.HTML))
			}
		}
		golden(t, "letters."+tag+".txt", all.String())
	}
	if _, err := r.Letter(subscribers.Letter{Kind: "nonesuch"}, masthead("en")); err == nil {
		t.Error("a letter that says nothing was rendered")
	}
}

// The letters of one who chose no language are in the newsletter's.
func TestLanguageOfALetter(t *testing.T) {
	r := newRenderer(t)
	for chosen, want := range map[string]string{"": "kk", "ru-KZ": "ru", "de": "en"} {
		m, err := r.Letter(subscribers.Letter{Kind: subscribers.LetterLink, Language: chosen}, masthead("kk"))
		if err != nil || m.Language != want {
			t.Errorf("%q: in %s (%v)", chosen, m.Language, err)
		}
	}
}
