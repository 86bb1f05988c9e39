package delivery

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// BenchmarkEnqueue gives every reader a queued delivery and measures what each
// costs: in seconds for all of them, and in bytes on disk for the subscriber
// with the consent, and for the delivery, and how long it
// takes to count them for a status. APTA_BENCH_READERS sets how many.
func BenchmarkEnqueue(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		file := filepath.Join(b.TempDir(), "apta.db")
		enqueueAll(b, file, func(db *database.DB) int64 {
			if _, err := db.Exec(context.Background(), `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
				b.Fatal(err)
			}
			info, err := os.Stat(file)
			if err != nil {
				b.Fatal(err)
			}
			return info.Size()
		})
	})
	b.Run("postgres", func(b *testing.B) {
		pg, err := databasetest.StartPostgreSQL(b.TempDir())
		if err != nil {
			b.Skip("skipped: " + err.Error())
		}
		b.Cleanup(func() { pg.Stop("immediate") })
		enqueueAll(b, pg.URL("postgres"), func(db *database.DB) (bytes int64) {
			if err := db.QueryRow(context.Background(), `SELECT pg_database_size(current_database())`).Scan(&bytes); err != nil {
				b.Fatal(err)
			}
			return bytes
		})
	})
}

func enqueueAll(b *testing.B, url string, size func(*database.DB) int64) {
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			b.Helper()
			b.Fatal(err)
		}
	}
	db, err := database.Open(ctx, url)
	must(err)
	defer db.Close()
	must(db.Migrate(ctx, schemas...))
	keys, err := subscribers.NewKeys([]byte(strings.Repeat("k", 32)))
	must(err)
	ids, readers := database.NewIDs(nil, nil), benchReaders()
	store, subs, ledger := newsletter.NewStore(db, ids, time.Now), subscribers.NewStore(db, ids, keys, time.Now).For("weekly"), NewLedger(db, time.Now)
	empty := size(db)
	for first := 0; first < readers; first += 5000 {
		var batch []subscribers.Subscriber
		for n := first; n < min(first+5000, readers); n++ {
			batch = append(batch, subscribers.Subscriber{Email: fmt.Sprintf("reader%d@readers%d.example", n, n%50), Name: fmt.Sprintf("Reader %d", n)})
		}
		_, err := subs.AddAll(ctx, batch, "bench")
		must(err)
	}
	stored := size(db)
	week, status := 0, time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		week++
		issue, err := store.SaveIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: fmt.Sprintf("2024-W%02d", week), Language: "en"})
		must(err)
		b.StartTimer()
		must(ledger.Start(ctx, issue.ID))
		must(ledger.Enqueue(ctx, issue.ID, nil))
		b.StopTimer()
		began := time.Now()
		if c, err := ledger.Counts(ctx, issue.ID); err != nil || c.Queued != readers {
			b.Fatalf("counts %+v (%v)", c, err)
		}
		status = time.Since(began)
		b.StartTimer()
	}
	b.ReportMetric(float64(stored-empty)/float64(readers), "B/reader")
	b.ReportMetric(float64(size(db)-stored)/float64(readers*week), "B/delivery")
	b.ReportMetric(b.Elapsed().Seconds()/float64(week), "s/issue")
	b.ReportMetric(status.Seconds(), "s/status")
	b.ReportMetric(float64(readers*week)/b.Elapsed().Seconds(), "readers/s")
}
