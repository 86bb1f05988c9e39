package feeds_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/intake/feeds"
	"apta/newsletter/intake/fetch"
	"apta/newsletter/intake/heaptest"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

const story = `<item><title>%[1]s</title><link>https://x.example/%[1]s</link><guid>%[1]s</guid><category>%[2]s</category></item>`

func rss(stories ...string) string {
	return `<rss version="2.0"><channel><title>The Post</title><language>en-GB</language>` + strings.Join(stories, "") + `</channel></rss>`
}

// desk is a poller over a database, with a clock of its own and a site to ask.
type desk struct {
	*feeds.Poller
	items *newsletter.Store
	now   time.Time
	site  *httptest.Server
}

func each(t *testing.T, answer http.HandlerFunc, test func(t *testing.T, d *desk)) {
	databasetest.Each(t, []database.Schema{newsletter.Schema(), feeds.Schema()}, func(t *testing.T, db *database.DB) {
		d := &desk{now: time.Date(2024, 10, 20, 12, 0, 0, 0, time.UTC), site: httptest.NewServer(answer)}
		t.Cleanup(d.site.Close)
		clock, ids := func() time.Time { return d.now }, database.NewIDs(nil, nil)
		d.items = newsletter.NewStore(db, ids, clock)
		d.Poller = &feeds.Poller{
			Store: feeds.NewStore(db, ids, clock), Shelf: d.items, Reader: feeds.NewReader(time.UTC, clock), Every: 30 * time.Minute, Now: clock,
			Fetch: fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, PerHost: 8}),
		}
		test(t, d)
	})
}

func (d *desk) add(t *testing.T, f feeds.Feed) feeds.Feed {
	t.Helper()
	if f.URL = d.site.URL + f.URL; f.Role == "" {
		f.Role = feeds.Latest
	}
	if err := d.Store.Add(t.Context(), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// after lets time pass, polls what is due, and gives the feed as it is then.
func (d *desk) after(t *testing.T, wait time.Duration, f feeds.Feed) feeds.Feed {
	t.Helper()
	d.now = d.now.Add(wait)
	if left, err := d.PollDue(t.Context(), time.Minute); err != nil || left != 0 {
		t.Fatalf("%d left (%v)", left, err)
	}
	f, err := d.Store.Feed(t.Context(), f.ID)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (d *desk) stored(t *testing.T) map[string]newsletter.Item {
	t.Helper()
	list, err := d.items.Items(t.Context(), 100000)
	if err != nil {
		t.Fatal(err)
	}
	byTitle := map[string]newsletter.Item{}
	for _, it := range list {
		byTitle[it.Title] = it
	}
	return byTitle
}

func TestPolling(t *testing.T) {
	var text atomic.Value
	var full atomic.Int64
	each(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Last-Modified", "Mon, 14 Oct 2024 09:00:00 GMT")
		w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprint(len(text.Load().(string)))))
		if r.Header.Get("If-None-Match") == w.Header().Get("ETag") && r.Header.Get("If-Modified-Since") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		full.Add(1)
		fmt.Fprint(w, text.Load())
	}, func(t *testing.T, d *desk) {
		full.Store(0)
		text.Store(rss(fmt.Sprintf(story, "one", "x"), fmt.Sprintf(story, "two", "x")))
		f := d.after(t, 0, d.add(t, feeds.Feed{URL: "/", Theme: "Trade", Place: "Quay"}))
		if f.New != 2 || f.Entries != 2 || f.Title != "The Post" || f.Error != "" || !f.Due.Equal(d.now.Add(30*time.Minute)) {
			t.Fatalf("%+v", f)
		}
		if it := d.stored(t)["one"]; it.Theme != "Trade" || it.Place != "Quay" || it.Source != "The Post" || it.Language != "en" || !it.Latest {
			t.Errorf("%+v", it)
		}
		if f = d.after(t, 10*time.Minute, f); full.Load() != 1 {
			t.Error("asked before its time")
		}
		if f = d.after(t, 30*time.Minute, f); f.New != 0 || full.Load() != 1 || !f.Polled.Equal(d.now) {
			t.Errorf("not modified: %+v, sent %d times", f, full.Load())
		}
		// What an editor removed or changed stays as it is.
		one := d.stored(t)["one"]
		if err := d.items.RemoveItem(t.Context(), one.ID); err != nil {
			t.Fatal(err)
		}
		two := d.stored(t)["two"]
		two.Theme = "Elections"
		if _, err := d.items.PutItems(t.Context(), []newsletter.Item{two}); err != nil {
			t.Fatal(err)
		}
		text.Store(rss(fmt.Sprintf(story, "one", "x"), fmt.Sprintf(story, "two", "x"), fmt.Sprintf(story, "three", "x")))
		if f = d.after(t, 30*time.Minute, f); f.New != 1 {
			t.Errorf("%+v", f)
		}
		all := d.stored(t)
		if len(all) != 2 || all["two"].Theme != "Elections" || all["three"].URL == "" {
			t.Errorf("stored %+v", all)
		}
	})
}

func TestRules(t *testing.T) {
	each(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, rss(fmt.Sprintf(story, "Football", "Sport"), fmt.Sprintf(story, "Выборы", "Politics"), fmt.Sprintf(story, "Rest", "Other")))
	}, func(t *testing.T, d *desk) {
		f := feeds.Feed{URL: "/", Theme: "News", Role: feeds.Review, Source: "Ours", Language: "kk"}
		for _, text := range []string{"category=sport; skip", "word=выбор; theme=Elections; role=latest"} {
			r, err := feeds.ParseRule(text)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := feeds.ParseRule(r.String()); err != nil || again != r {
				t.Errorf("%q reads back as %+v (%v)", r, again, err)
			}
			f.Rules = append(f.Rules, r)
		}
		d.after(t, 0, d.add(t, f))
		all := d.stored(t)
		if _, there := all["Football"]; there || len(all) != 2 {
			t.Errorf("stored %+v", all)
		}
		if it := all["Выборы"]; it.Theme != "Elections" || !it.Latest || it.Source != "Ours" || it.Language != "kk" {
			t.Errorf("%+v", it)
		}
		if it := all["Rest"]; it.Theme != "News" || it.Latest {
			t.Errorf("%+v", it)
		}
	})
	for _, bad := range []string{"", "skip", "word=", "word=x", "colour=red; skip", "word=x; role=lead", "category=x; skip=1"} {
		if r, err := feeds.ParseRule(bad); err == nil {
			t.Errorf("%q was taken as %+v", bad, r)
		}
	}
}

func TestAFailingFeedIsAskedEverLater(t *testing.T) {
	var code atomic.Int64
	each(t, func(w http.ResponseWriter, r *http.Request) {
		if code.Load() == 200 {
			fmt.Fprint(w, rss())
			return
		}
		if r.URL.Path == "/busy" {
			w.Header().Set("Retry-After", "7200")
		}
		w.WriteHeader(int(code.Load()))
	}, func(t *testing.T, d *desk) {
		code.Store(503)
		f, busy := d.add(t, feeds.Feed{URL: "/"}), d.add(t, feeds.Feed{URL: "/busy"})
		var gaps []time.Duration
		wait := time.Duration(0)
		for range 10 {
			f = d.after(t, wait, f)
			wait = f.Due.Sub(d.now)
			gaps = append(gaps, wait)
		}
		if gaps[0] != 10*time.Minute || gaps[1] != 20*time.Minute || gaps[3] != 80*time.Minute || gaps[9] != 24*time.Hour || f.Failures != 10 || !strings.Contains(f.Error, "503 Service Unavailable") {
			t.Errorf("waits %v, then %+v", gaps, f)
		}
		if busy, _ = d.Store.Feed(t.Context(), busy.ID); busy.Due.Sub(busy.Polled) < 2*time.Hour {
			t.Errorf("Retry-After was not heeded: %+v", busy)
		}
		code.Store(200)
		if f = d.after(t, wait, f); f.Failures != 0 || f.Error != "" || f.Due.Sub(d.now) != 30*time.Minute {
			t.Errorf("recovered: %+v", f)
		}
	})
}

func TestRedirectsAreLearnt(t *testing.T) {
	each(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/old", "/older":
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
		case "/now":
			http.Redirect(w, r, "/new", http.StatusFound)
		default:
			fmt.Fprint(w, rss(fmt.Sprintf(story, "one", "x")))
		}
	}, func(t *testing.T, d *desk) {
		old, now := d.add(t, feeds.Feed{URL: "/old"}), d.add(t, feeds.Feed{URL: "/now"})
		if old = d.after(t, 0, old); old.URL != d.site.URL+"/new" {
			t.Errorf("%+v", old)
		}
		if now, _ = d.Store.Feed(t.Context(), now.ID); now.URL != d.site.URL+"/now" {
			t.Errorf("a redirect for now was learnt: %+v", now)
		}
		if older := d.after(t, 0, d.add(t, feeds.Feed{URL: "/older"})); older.URL != d.site.URL+"/older" || older.Error != "" {
			t.Errorf("two feeds with one address: %+v", older)
		}
	})
}

func TestFind(t *testing.T) {
	each(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/feed.xml":
			fmt.Fprint(w, rss())
		case "/empty":
			fmt.Fprint(w, "<!DOCTYPE html><title>x</title>")
		default:
			fmt.Fprint(w, `<!DOCTYPE html><head><base href="/"><link rel="stylesheet" href="x.css"><LINK REL="alternate" type="application/rss+xml" href="feed.xml"></head>`)
		}
	}, func(t *testing.T, d *desk) {
		for _, path := range []string{"/feed.xml", "/news/page"} {
			found, parsed, err := d.Find(t.Context(), d.site.URL+path)
			if err != nil || found != d.site.URL+"/feed.xml" || parsed.Title != "The Post" {
				t.Errorf("%s: %s, %+v (%v)", path, found, parsed, err)
			}
		}
		if _, _, err := d.Find(t.Context(), d.site.URL+"/empty"); err == nil || !strings.Contains(err.Error(), "names none") {
			t.Errorf("a page without a feed: %v", err)
		}
	})
}

func TestAStoryIsKeptOnceWithItsSources(t *testing.T) {
	each(t, func(w http.ResponseWriter, r *http.Request) {
		entry := func(path, title, text string) string {
			return fmt.Sprintf(`<item><title>%s</title><link>https://%s.example/%s</link><pubDate>Sat, 19 Oct 2024 09:00:00 GMT</pubDate><description>%s</description></item>`, title, r.URL.Path[1:], path, text)
		}
		stories := entry("m", "В Алматы открыли новую станцию метро", "Новая станция метро открылась в Алматы в субботу, сообщил акимат.")
		if r.URL.Path == "/b" {
			stories = entry("m", "Новую станцию метро открыли в Алматы", "В субботу в Алматы открылась новая станция метро.") + entry("n", "В Актау подорожал проезд в автобусах", "Билет стоит больше.")
		}
		fmt.Fprintf(w, `<rss version="2.0"><channel><title>Paper %s</title><language>ru</language>%s</channel></rss>`, r.URL.Path[1:], stories)
	}, func(t *testing.T, d *desk) {
		a := d.after(t, 0, d.add(t, feeds.Feed{URL: "/a"}))
		b := d.after(t, time.Minute, d.add(t, feeds.Feed{URL: "/b"}))
		again := d.after(t, time.Hour, b)
		all := d.stored(t)
		it := all["В Алматы открыли новую станцию метро"]
		if a.New != 1 || b.New != 1 || again.New != 0 || len(all) != 2 || it.Others != 1 {
			t.Fatalf("%d, %d and %d new; stored %+v", a.New, b.New, again.New, all)
		}
		told, err := d.items.Tellings(t.Context(), it.ID)
		if err != nil || len(told) != 1 || told[0].Source != "Paper b" || told[0].URL != "https://b.example/m" {
			t.Errorf("told by %+v (%v)", told, err)
		}
		if err := d.items.RemoveItem(t.Context(), it.ID); err != nil {
			t.Fatal(err)
		}
		if told, err := d.items.Tellings(t.Context(), it.ID); err != nil || len(told) != 0 {
			t.Errorf("removed, and still told by %+v (%v)", told, err)
		}
	})
}

// One bad feed, whatever it does, is a line of its own: the others are polled.
func TestFault_F1_AHostileFeedStopsNoOther(t *testing.T) {
	zeros := make([]byte, 1<<20)
	each(t, func(w http.ResponseWriter, r *http.Request) {
		switch strings.TrimRight(r.URL.Path, "123456789") {
		case "/entities":
			fmt.Fprint(w, `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><rss version="2.0"><channel><title>&b;</title></channel></rss>`)
		case "/deep":
			fmt.Fprint(w, "<rss version='2.0'><channel>"+strings.Repeat("<a>", 1_000_000))
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			for range 1024 {
				if _, err := z.Write(zeros); err != nil {
					return
				}
			}
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(zeros); err != nil {
					return
				}
			}
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusMovedPermanently)
		default:
			fmt.Fprint(w, rss(fmt.Sprintf(story, r.URL.Path[1:], "x")))
		}
	}, func(t *testing.T, d *desk) {
		hostile := []string{"/endless", "/endless1", "/endless2", "/endless3", "/endless4", "/endless5", "/endless6", "/endless7", "/entities", "/deep", "/gzip", "/loop"}
		for i, path := range hostile {
			d.add(t, feeds.Feed{URL: path})
			d.add(t, feeds.Feed{URL: fmt.Sprintf("/good%d", i)})
		}
		grown := heaptest.While(func() {
			if _, err := d.PollDue(t.Context(), time.Minute); err != nil {
				t.Fatal(err)
			}
		})
		if grown > 64<<20 {
			t.Errorf("the heap grew by %d MB", grown>>20)
		}
		t.Logf("the heap grew by %d MB", grown>>20)
		list, err := d.Store.All(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			bad := !strings.Contains(f.URL, "/good")
			if bad && !strings.Contains(f.Error, f.URL) || !bad && (f.Error != "" || f.New != 1) {
				t.Errorf("%s: new %d, error %q", f.URL, f.New, f.Error)
			}
		}
		if n := len(d.stored(t)); n != len(hostile) {
			t.Errorf("%d items", n)
		}
	})
}

func TestFeedsAreKept(t *testing.T) {
	each(t, func(http.ResponseWriter, *http.Request) {}, func(t *testing.T, d *desk) {
		ctx := context.Background()
		f := d.add(t, feeds.Feed{URL: "/"})
		if err := d.Store.Add(ctx, &feeds.Feed{URL: f.URL, Role: feeds.Latest}); !errors.Is(err, feeds.ErrTaken) {
			t.Errorf("twice: %v", err)
		}
		f.Theme, f.Role, f.Rules = "Trade", feeds.Review, []feeds.Rule{{Word: "x", Skip: true}}
		if err := d.Store.Set(ctx, f); err != nil {
			t.Fatal(err)
		}
		if again, err := d.Store.Feed(ctx, f.ID); err != nil || again.Theme != "Trade" || again.Role != feeds.Review || len(again.Rules) != 1 || again.Rules[0] != f.Rules[0] {
			t.Errorf("%+v (%v)", again, err)
		}
		if err := d.Store.Remove(ctx, f.ID); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{d.Store.Remove(ctx, f.ID), d.Store.Set(ctx, f)} {
			if !errors.Is(err, feeds.ErrNotFound) {
				t.Errorf("gone: %v", err)
			}
		}
	})
}
