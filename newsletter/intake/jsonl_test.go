package intake

import (
	"errors"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
)

const good = `{"url":"https://X.example/a#top","title":" A  title ","summary":"S","published":"2024-10-14T09:00:00+05:00","order":3,"latest":true}`

func read(text string) (items []newsletter.Item, bad []string, err error) {
	err = ReadJSONL(strings.NewReader(text), "week.jsonl", func(it newsletter.Item) error {
		items = append(items, it)
		return nil
	}, func(e *LineError) { bad = append(bad, e.Error()) })
	return items, bad, err
}

func TestReadJSONL(t *testing.T) {
	items, bad, err := read("\ufeff" + good + "\r\n\n  \nnull\n[]\n" + strings.Replace(good, "/a", "/b", 1))
	if err != nil || len(items) != 2 || len(bad) != 2 {
		t.Fatalf("%d items, complaints %q, error %v", len(items), bad, err)
	}
	it := items[0]
	if it.URL != "https://x.example/a" || it.Title != "A title" || it.Order != 3 || !it.Latest || !it.Published.Equal(time.Date(2024, 10, 14, 4, 0, 0, 0, time.UTC)) {
		t.Errorf("read %+v", it)
	}
	if !strings.HasPrefix(bad[0], "week.jsonl:4: ") || !strings.HasPrefix(bad[1], "week.jsonl:5: the line is a JSON array, not an object") {
		t.Errorf("complaints %q", bad)
	}
}

func TestALineTooLongIsPassedOver(t *testing.T) {
	items, bad, err := read(good + "\n" + `{"title":"` + strings.Repeat("x", 3<<20) + "\"}\n" + strings.Replace(good, "/a", "/b", 1) + "\n")
	if err != nil || len(items) != 2 || len(bad) != 1 || !strings.Contains(bad[0], "week.jsonl:2: the line is longer") {
		t.Errorf("%d items, complaints %q, error %v", len(items), bad, err)
	}
}

func TestWhatTheCallerReturnsEndsIt(t *testing.T) {
	stop := errors.New("stop")
	err := ReadJSONL(strings.NewReader(good+"\n"+good), "f", func(newsletter.Item) error { return stop }, func(*LineError) {})
	if !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
}

func TestCheckURL(t *testing.T) {
	for in, want := range map[string]string{
		" https://News.Example/Path?q=1 ": "https://news.example/Path?q=1", "HTTP://x.example": "http://x.example", "https://новости.қаз/ә": "https://%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8.%D2%9B%D0%B0%D0%B7/%D3%99",
	} {
		if got, err := CheckURL(in); err != nil || got != want {
			t.Errorf("%q gives %q (%v), not %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "x", "//x.example/", "https://", "https:///p", "https://:80/", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://u:p@x.example/", "https://x.example/a b", "https://x.example/\x00", "mailto:a@b.example", "https://x.example/%zz"} {
		if got, err := CheckURL(in); err == nil {
			t.Errorf("%q was taken as %q", in, got)
		}
	}
}

func FuzzParseItem(f *testing.F) {
	f.Add(good)
	f.Add(`{"url":"https://x.example/","title":"t","published":"2024-10-14T09:00:00Z","strand":"\r\n"}`)
	f.Fuzz(func(t *testing.T, line string) {
		it, _, err := ParseItem([]byte(line))
		if err != nil {
			return
		}
		for _, s := range []string{it.URL, it.Title, it.Source, it.Theme, it.Place, it.Strand, it.Bridge, it.Author} {
			if strings.ContainsAny(s, "\r\n\x00") {
				t.Fatalf("%q let a line break through: %q", line, s)
			}
		}
		if again, err := CheckURL(it.URL); err != nil || again != it.URL {
			t.Fatalf("%q becomes %q (%v)", it.URL, again, err)
		}
	})
}
