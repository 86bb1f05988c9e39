package intake

import "testing"

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"HTTPS://News.Example:443/A?utm_source=x&id=7&UTM_Campaign=y#top": "https://news.example/A?id=7",
		"http://news.example:80":                            "http://news.example/",
		"http://news.example:8080/?":                        "http://news.example:8080/",
		"https://news.example./a":                           "https://news.example/a",
		"https://news.example/a?yclid=1":                    "https://news.example/a",
		"https://news.example/a?b=2&a=1&fbclid=z&&c":        "https://news.example/a?b=2&a=1&c",
		"https://news.example/a?utm%5Fsource=x&q=%D2%9B":    "https://news.example/a?q=%D2%9B",
		"https://news.example/a?gclid=1&ref=home&spm=a.b.c": "https://news.example/a?ref=home",
		"http://[2001:db8::1]:80/a":                         "http://[2001:db8::1]/a",
		"https://news.example/a/../b?page=2":                "https://news.example/a/../b?page=2",
	} {
		got, err := Canonical(in)
		if err != nil || got != want {
			t.Errorf("%q gives %q (%v), not %q", in, got, err, want)
		}
		if again, err := Canonical(got); err != nil || again != got {
			t.Errorf("%q becomes %q (%v)", got, again, err)
		}
	}
	for _, in := range []string{"", "javascript:alert(1)", "https://./", "https://u:p@x.example/"} {
		if got, err := Canonical(in); err == nil {
			t.Errorf("%q was taken as %q", in, got)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add("https://news.example:443/a?utm_source=x&b=%2f#c")
	f.Fuzz(func(t *testing.T, in string) {
		got, err := Canonical(in)
		if err != nil {
			return
		}
		if again, err := Canonical(got); err != nil || again != got {
			t.Fatalf("%q gives %q, which becomes %q (%v)", in, got, again, err)
		}
	})
}
