package subscribers_test

import (
	"strings"
	"testing"

	"apta/subscribers"
)

func TestMeant(t *testing.T) {
	for typed, want := range map[string]string{
		"gmial.com": "gmail.com", "gmal.com": "gmail.com", "gmaill.com": "gmail.com", "gmail.co": "gmail.com", "gmail.con": "gmail.com", "gnail.com": "gmail.com",
		"gamil.con": "gmail.com", "gmail.comm": "gmail.com", "g.mail.com": "gmail.com", "hotmial.com": "hotmail.com", "hotmaill.con": "hotmail.com", "yaho.com": "yahoo.com",
		"outlok.com": "outlook.com", "mail.tu": "mail.ru", "mali.ru": "mail.ru", "yandex.tu": "yandex.ru", "yadnex.ru": "yandex.ru", "iclould.com": "icloud.com", "gmail": "gmail.com",
		// These are what they are.
		"gmail.com": "", "mail.ru": "", "mail.com": "", "ymail.com": "", "ya.ru": "", "gmx.at": "", "yandex.kz": "", "yandex.com": "",
		"example.org": "", "news.example": "", "orda.kz": "", "почта.рф": "", "x.y": "", "": "",
	} {
		if want != "" {
			want = "reader@" + want
		}
		if got := subscribers.Meant("reader@" + typed); got != want {
			t.Errorf("%s suggests %q, not %q", typed, got, want)
		}
	}
	if got := subscribers.Meant("reader@" + strings.Repeat("gmail.", 1000) + "com"); got != "" {
		t.Errorf("a long domain suggests %q", got)
	}
}
