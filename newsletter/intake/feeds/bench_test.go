package feeds_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/intake/feeds"
	"apta/newsletter/intake/fetch"
	"apta/subscribers/database"
)

// Two hundred feeds of fifty items from a local server into a SQLite file: the
// first time, when all is new, and the second, when nothing is.
func BenchmarkPoll200Feeds(b *testing.B) {
	const many, entries = 200, 50
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var text strings.Builder
		text.WriteString(`<rss version="2.0"><channel><title>The Post</title>`)
		for n := range entries {
			fmt.Fprintf(&text, `<item><title>Council agrees to bridge %d of %s</title><link>https://x.example%s/%d</link><guid>%s-%d</guid><pubDate>Mon, 14 Oct 2024 09:00:00 +0500</pubDate>`+
				`<description>&lt;p&gt;The regional council agreed on Tuesday to open the &lt;b&gt;second&lt;/b&gt; bridge over the river, which had been closed to lorries since the floods of last spring.&lt;/p&gt;</description></item>`,
				n, r.URL.Path, r.URL.Path, n, r.URL.Path, n)
		}
		text.WriteString(`</channel></rss>`)
		fmt.Fprint(w, text.String())
	}))
	defer site.Close()
	var first, second time.Duration
	ctx := context.Background()
	for b.Loop() {
		b.StopTimer()
		db, err := database.Open(ctx, filepath.Join(b.TempDir(), "apta.db"))
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Migrate(ctx, newsletter.Schema(), feeds.Schema()); err != nil {
			b.Fatal(err)
		}
		ids := database.NewIDs(nil, nil)
		p := &feeds.Poller{
			Store: feeds.NewStore(db, ids, time.Now), Shelf: newsletter.NewStore(db, ids, time.Now), Reader: feeds.NewReader(time.UTC, time.Now), Every: time.Hour, Now: time.Now,
			Fetch: fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
		}
		for n := range many {
			if err := p.Store.Add(ctx, &feeds.Feed{URL: fmt.Sprintf("%s/%d", site.URL, n), Role: feeds.Latest}); err != nil {
				b.Fatal(err)
			}
		}
		list, err := p.Store.All(ctx)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for round, want := range []int{many * entries, 0} {
			brought, begin := 0, time.Now()
			if err := p.Poll(ctx, list, func(f feeds.Feed) { brought += f.New }); err != nil || brought != want {
				b.Fatalf("%d items in round %d (%v)", brought, round, err)
			}
			if round == 0 {
				first += time.Since(begin)
			} else {
				second += time.Since(begin)
			}
		}
		b.StopTimer()
		db.Close()
		b.StartTimer()
	}
	b.ReportMetric(first.Seconds()/float64(b.N), "s/first")
	b.ReportMetric(second.Seconds()/float64(b.N), "s/second")
}
