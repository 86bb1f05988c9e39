package feeds

import (
	"bytes"
	"strings"
	"testing"
)

const opmlText = `<?xml version="1.0"?><opml version="2.0"><head><title>x</title></head><body>
<outline text="Trade"><outline text="Quay Post" type="rss" xmlUrl="https://x.example/feed" htmlUrl="https://x.example/"/>
<outline title="Bad" text="b" xmlUrl="javascript:alert(1)"/></outline>
<outline text="Alone &amp; free" xmlUrl="HTTPS://Y.example/feed"></outline></body></opml>`

func TestOPML(t *testing.T) {
	var bad []string
	list, err := ReadOPML(strings.NewReader(opmlText), func(e error) { bad = append(bad, e.Error()) })
	if err != nil || len(list) != 2 || len(bad) != 1 || !strings.HasPrefix(bad[0], "line 3: ") {
		t.Fatalf("%+v, complaints %q (%v)", list, bad, err)
	}
	if list[0] != (Outline{"Quay Post", "https://x.example/feed", "Trade"}) || list[1] != (Outline{"Alone & free", "https://y.example/feed", ""}) {
		t.Errorf("%+v", list)
	}
	var all []Feed
	for _, o := range list {
		all = append(all, Feed{URL: o.URL, Title: o.Title, Theme: o.Theme})
	}
	var out bytes.Buffer
	if err := WriteOPML(&out, "Week in Review", all); err != nil {
		t.Fatal(err)
	}
	again, err := ReadOPML(&out, func(e error) { t.Error(e) })
	if err != nil || len(again) != 2 || again[0] != list[0] || again[1] != list[1] {
		t.Errorf("read back as %+v (%v)", again, err)
	}
}

func TestFault_F1_HostileOPML(t *testing.T) {
	for what, text := range map[string]string{
		"no OPML":    "<html></html>",
		"nothing":    "",
		"entities":   `<!DOCTYPE x [<!ENTITY a "b">]><opml><body><outline text="&a;"/></body></opml>`,
		"deep":       "<opml><body>" + strings.Repeat("<outline text='a'>", 100_000),
		"eleven MB":  "<opml><body>" + strings.Repeat("<!-- x -->", 1_100_000),
		"broken off": opmlText[:300],
	} {
		if list, err := ReadOPML(strings.NewReader(text), func(error) {}); err == nil {
			t.Errorf("%s: %+v", what, list)
		}
	}
}

func FuzzReadOPML(f *testing.F) {
	f.Add(opmlText)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ReadOPML(strings.NewReader(text), func(error) {})
		if err != nil {
			return
		}
		var all []Feed
		for _, o := range list {
			all = append(all, Feed{URL: o.URL, Title: o.Title, Theme: o.Theme})
		}
		var out bytes.Buffer
		if err := WriteOPML(&out, "x", all); err != nil {
			t.Fatal(err)
		}
		again, err := ReadOPML(&out, func(e error) { t.Fatal(e) })
		if err != nil || len(again) != len(list) {
			t.Fatalf("%q gives %d feeds, and written anew %d (%v)", text, len(list), len(again), err)
		}
	})
}
