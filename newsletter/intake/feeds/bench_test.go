package feeds_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/intake/feeds"
	"apta/newsletter/intake/fetch"
	"apta/subscribers/database"
)

// Two hundred feeds of fifty items of today from a local server into a SQLite
// file: the first time, when all is new, and the second, when nothing is.
func BenchmarkPoll200Feeds(b *testing.B) {
	const many, entries = 200, 50
	var words [3000]string
	r := rand.New(rand.NewPCG(1, 2))
	for i := range words {
		words[i] = string([]rune{'а' + rune(r.IntN(32)), 'а' + rune(r.IntN(32)), 'а' + rune(r.IntN(32)), 'а' + rune(r.IntN(32)), 'а' + rune(r.IntN(32))})
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var text strings.Builder
		feed, err := strconv.Atoi(req.URL.Path[1:])
		if err != nil {
			b.Error(err)
		}
		r := rand.New(rand.NewPCG(3, uint64(feed)))
		pick := func(n int) string {
			list := make([]string, n)
			for i := range list {
				list[i] = words[r.IntN(len(words))]
			}
			return strings.Join(list, " ")
		}
		now := time.Now().Add(-time.Hour).Format(time.RFC1123Z)
		path := req.URL.Path
		fmt.Fprintf(&text, `<rss version="2.0"><channel><title>The Post %s</title>`, path)
		for n := range entries {
			fmt.Fprintf(&text, `<item><title>%s</title><link>https://x.example%s/%d</link><guid>%s-%d</guid><pubDate>%s</pubDate>`+
				`<description>&lt;p&gt;%s &lt;b&gt;%s&lt;/b&gt;&lt;/p&gt;</description></item>`, pick(8), path, n, path, n, now, pick(20), pick(5))
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
