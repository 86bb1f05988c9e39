package archive

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/render"
	"apta/subscribers/database"
)

// tenYears is the pages of ten years of issues, each of a dozen paragraphs and
// twenty headlines, in SQLite.
func tenYears(b *testing.B) http.Handler {
	b.Helper()
	db, err := database.Open(b.Context(), filepath.Join(b.TempDir(), "apta.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	if err := db.Migrate(b.Context(), newsletter.Schema()); err != nil {
		b.Fatal(err)
	}
	now := func() time.Time { return time.Date(2024, 11, 5, 9, 0, 0, 0, time.UTC) }
	store := newsletter.NewStore(db, database.NewIDs(now, nil), now)
	vocabulary := []string{"Жайық", "көтерілді", "railways", "harbour", "школа", "музей", "теміржол", "council", "voted", "bridge", "ferry", "ұлы", "көпір", "жаңа", "winter"}
	for week := range 520 {
		monday := time.Date(2014, 11, 10, 0, 0, 0, 0, almaty).AddDate(0, 0, 7*week)
		i := issue(newsletter.Week(monday).Name, monday, "en", fmt.Sprintf("Number %d of the review", week), newsletter.Sent)
		i.Strands, i.Latest = nil, nil
		for p := range 12 {
			text := ""
			for n := range 60 {
				text += vocabulary[(week*7+p*3+n*n)%len(vocabulary)] + fmt.Sprintf("%d ", (week+n)%40)
			}
			text += "ends here."
			i.Strands = append(i.Strands, newsletter.Strand{Text: text, Items: []newsletter.Piece{{URL: "https://news.example/a", Text: text, Anchor: "ends"}}})
		}
		for n := range 20 {
			i.Latest = append(i.Latest, newsletter.Headline{Title: fmt.Sprintf("Headline %d of week %d", n, week), URL: "https://news.example/b"})
		}
		if _, err := store.SaveIssue(b.Context(), i); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := store.IndexPublic(b.Context(), "weekly"); err != nil {
		b.Fatal(err)
	}
	r, err := render.New()
	if err != nil {
		b.Fatal(err)
	}
	m := newsletter.Masthead{Slug: "weekly", Name: "The Week", Newsroom: "Steppe Courier", BaseURL: "https://courier.example", Language: "en", Zone: almaty}
	s, err := New(store, r, m, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	if err := s.Register(mux); err != nil {
		b.Fatal(err)
	}
	return mux
}

// cpu is the processor time that this program has had, which other programs on
// the machine do not lengthen.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPages asks for pages on all cores, over no network.
func BenchmarkPages(b *testing.B) {
	pages := tenYears(b)
	for _, c := range []struct{ name, path, coding string }{
		{"issue", "/weekly/2020-W20", "identity"},
		{"issue-gzip", "/weekly/2020-W20", "gzip"},
		{"front", "/", "identity"},
		{"year", "/weekly/2020", "identity"},
		{"search-one-word", "/weekly/search?q=harbour17", "identity"},
		{"search-two-beginnings", "/weekly/search?q=%D0%96%D0%90%D0%99%D0%AB%D2%9A3+harb", "identity"},
		{"search-nothing", "/weekly/search?q=nonesuch", "identity"},
		{"atom", "/weekly/atom.xml", "identity"},
		{"card", "/weekly/2020-W20/card.png", "identity"},
	} {
		b.Run(c.name, func(b *testing.B) {
			before := cpu(b)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r := httptest.NewRequest("GET", c.path, nil)
					r.Header.Set("Accept-Encoding", c.coding)
					w := httptest.NewRecorder()
					pages.ServeHTTP(w, r)
					if w.Code != 200 {
						b.Errorf("%s: status %d", c.path, w.Code)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pages/s")
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/page")
		})
	}
}

// BenchmarkCard draws one picture.
func BenchmarkCard(b *testing.B) {
	c, err := newCards()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		clear(c.kept)
		if _, err := c.picture(newsletter.Issue{}, titles["kk"]); err != nil {
			b.Fatal(err)
		}
	}
}
