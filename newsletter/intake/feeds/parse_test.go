package feeds

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

var noon = time.Date(2024, 10, 20, 12, 0, 0, 0, time.UTC)

func reader() *Reader { return NewReader(time.UTC, func() time.Time { return noon }) }

const rss2 = `<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>The Quay Post</title><language>en-GB</language>
<item><title>Harbour &amp; quay</title><link>/one?utm_source=rss&amp;id=1</link><guid isPermaLink="false">g1</guid><pubDate>Mon, 14 Oct 2024 09:00:00 +0500</pubDate>
<category>Trade</category><description><![CDATA[<p>The <b>harbour</b> reopened.<img src="https://t.example/p.gif"></p>]]></description><enclosure type="image/jpeg" url="https://x.example/p.jpg" length="1"/></item>
<item><title>Two</title><link>https://x.example/two</link><pubDate>14 октября 2024 г., 12:30 МСК</pubDate><description>Second.</description></item>
</channel></rss>`

func TestEveryKindOfFeed(t *testing.T) {
	for kind, text := range map[string]string{
		"RSS 0.91": `<rss version="0.91"><channel><title>F</title><link>https://x.example/</link><item><title>A</title><link>https://x.example/a</link><description>Text.</description></item></channel></rss>`,
		"RSS 0.92": `<rss version="0.92"><channel><title>F</title><item><title>A</title><link>https://x.example/a</link><description>Text.</description></item></channel></rss>`,
		"RSS 1.0":  `<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://x.example/"><title>F</title></channel><item rdf:about="https://x.example/a"><title>A</title><link>https://x.example/a</link><description>Text.</description><dc:date>2024-10-14T09:00:00Z</dc:date></item></rdf:RDF>`,
		"RSS 0.90": `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://channel.netscape.com/rdf/simple/0.9/"><channel><title>F</title></channel><item><title>A</title><link>https://x.example/a</link><description>Text.</description></item></rdf:RDF>`,
		"Atom":     `<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title><entry><id>urn:1</id><title type="html">&lt;b&gt;A&lt;/b&gt;</title><link href="https://x.example/a"/><updated>2024-10-14T09:00:00Z</updated><summary type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Text.</p></div></summary></entry></feed>`,
		"JSON":     `{"version":"https://jsonfeed.org/version/1.1","title":"F","items":[{"id":"1","url":"https://x.example/a","title":"A","content_html":"<p>Text.</p>","date_published":"2024-10-14T09:00:00Z"}]}`,
	} {
		p, err := reader().Read([]byte(text), "", "https://x.example/feed")
		if err != nil || p.Title != "F" || len(p.Entries) != 1 {
			t.Errorf("%s: %+v (%v)", kind, p, err)
			continue
		}
		if it := p.Entries[0].Item; it.URL != "https://x.example/a" || it.Title != "A" || it.Summary != "Text." {
			t.Errorf("%s: %+v", kind, it)
		}
	}
}

func TestAnEntryInFull(t *testing.T) {
	p, err := reader().Read([]byte(rss2), "", "https://x.example/feed")
	if err != nil || len(p.Entries) != 2 || p.Language != "en-gb" || p.Note != "" {
		t.Fatalf("%+v (%v)", p, err)
	}
	one, two := p.Entries[0], p.Entries[1]
	if it := one.Item; it.URL != "https://x.example/one?id=1" || it.Title != "Harbour & quay" || it.Summary != "The **harbour** reopened." || it.Image != "https://x.example/p.jpg" ||
		it.Published.Format(time.RFC3339) != "2024-10-14T04:00:00Z" || len(one.Categories) != 1 {
		t.Errorf("%+v", one)
	}
	if two.Item.Published.Format(time.RFC3339) != "2024-10-14T09:30:00Z" || one.Mark == two.Mark {
		t.Errorf("%+v", two)
	}
}

func TestWhatHasNoDateOrOneToComeIsOfNow(t *testing.T) {
	p, err := reader().Read([]byte(`<rss version="2.0"><channel><item><title>A</title><link>https://x.example/a</link></item>
		<item><title>B</title><link>https://x.example/b</link><pubDate>Mon, 14 Oct 2099 09:00:00 GMT</pubDate></item>
		<item><title>C</title><link>javascript:alert(1)</link></item><item><link>https://x.example/d</link></item></channel></rss>`), "", "https://x.example/feed")
	if err != nil || len(p.Entries) != 2 || !p.Entries[0].Item.Published.Equal(noon) || !p.Entries[1].Item.Published.Equal(noon) || !strings.Contains(p.Note, "2 entries were passed over") {
		t.Errorf("%+v (%v)", p, err)
	}
}

func TestATruncatedFeedKeepsWhatIsWhole(t *testing.T) {
	json := `{"version":"https://jsonfeed.org/version/1","title":"F","items":[{"id":"1","url":"https://x.example/a","title":"A"},{"id":"2","url":"https://x.example/b","title":"B"}]}`
	atom := `<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title><entry><id>1</id><title>A</title><link href="https://x.example/a"/></entry><entry><id>2</id><title>B</title><link href="https://x.example/b"/></entry></feed>`
	for kind, text := range map[string]string{"rss": rss2, "json": json, "atom": atom} {
		second := strings.Index(text, "two")
		if second < 0 {
			second = strings.Index(text, "example/b")
		}
		for _, at := range []int{second, second + 5} {
			p, err := reader().Read([]byte(text[:at]), "", "https://x.example/feed")
			if err != nil || len(p.Entries) != 1 || !strings.Contains(p.Note, "breaks off") {
				t.Errorf("%s cut at %d: %+v (%v)", kind, at, p, err)
			}
		}
		if p, err := reader().Read([]byte(text[:len(text)-2]), "", "https://x.example/feed"); err != nil || len(p.Entries) != 2 {
			t.Errorf("%s without its end: %+v (%v)", kind, p, err)
		}
		if p, err := reader().Read([]byte(text[:60]), "", "https://x.example/feed"); err == nil {
			t.Errorf("%s with no item: %+v", kind, p)
		}
	}
}

func TestWrongEncodings(t *testing.T) {
	body := `<rss version="2.0"><channel><title>Новости</title><item><title>Мост открыт</title><link>https://x.example/a</link></item></channel></rss>`
	cp1251, _ := charmap.Windows1251.NewEncoder().String(body)
	koi8, _ := charmap.KOI8R.NewEncoder().String(body)
	utf16, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(`<?xml version="1.0" encoding="utf-16"?>` + body)
	for what, c := range map[string][2]string{
		"said rightly in the feed":     {`<?xml version="1.0" encoding="windows-1251"?>` + cp1251, ""},
		"said rightly by the server":   {koi8, "text/xml; charset=koi8-r"},
		"said to be UTF-8 and is not":  {`<?xml version="1.0" encoding="utf-8"?>` + cp1251, "application/xml; charset=utf-8"},
		"said by nobody":               {cp1251, ""},
		"said to be 1251 and is UTF-8": {`<?xml version="1.0" encoding="windows-1251"?>` + body, "text/xml; charset=windows-1251"},
		"with a mark before it":        {"\ufeff" + `<?xml version="1.0" encoding="utf-8"?>` + body, ""},
		"of sixteen bits":              {utf16, ""},
		"with controls in it":          {strings.Replace(body, "Мост ", "Мост\x0b\x00 ", 1), ""},
	} {
		p, err := reader().Read([]byte(c[0]), c[1], "https://x.example/feed")
		if err != nil || p.Title != "Новости" || len(p.Entries) != 1 || p.Entries[0].Item.Title != "Мост открыт" {
			t.Errorf("%s: %+v (%v)", what, p, err)
		}
	}
}

func TestWhatIsNoFeed(t *testing.T) {
	for _, text := range []string{"", "hello", "<!DOCTYPE html><html><body>x</body></html>", "<opml/>", "{}", `{"a":1}`, "\x00\x01\x02", "[1]"} {
		if p, err := reader().Read([]byte(text), "", "https://x.example/feed"); err == nil {
			t.Errorf("%q was read as %+v", text, p)
		}
	}
	if _, err := reader().Read([]byte("<!DOCTYPE html><html><body>x</body></html>"), "text/html", "https://x.example/"); !errors.Is(err, ErrNoFeed) {
		t.Errorf("a page: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(rss2))
	f.Add([]byte(`{"version":"https://jsonfeed.org/version/1","items":[{"id":"1","url":"https://x.example/a","title":"A"},{"id`))
	r := reader()
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := r.Read(body, "", "https://x.example/feed")
		if err != nil {
			return
		}
		for _, e := range p.Entries {
			if e.Item.Title == "" || strings.ContainsAny(e.Item.Title+e.Item.URL+e.Item.Summary, "\x00\r\n") || e.Item.Published.After(noon) {
				t.Fatalf("%+v", e)
			}
		}
	})
}
