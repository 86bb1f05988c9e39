package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// BenchmarkMigrateTo copies readers, their consents and the ledger of one issue
// from SQLite to PostgreSQL and compares them. APTA_BENCH_READERS sets how many.
func BenchmarkMigrateTo(b *testing.B) {
	ctx := context.Background()
	readers := 100_000
	if n, err := strconv.Atoi(os.Getenv("APTA_BENCH_READERS")); err == nil {
		readers = n
	}
	pg, err := databasetest.StartPostgreSQL(b.TempDir())
	if err != nil {
		b.Skip("skipped: " + err.Error())
	}
	b.Cleanup(func() { pg.Stop("immediate") })
	file := b.TempDir() + "/apta.db"
	fillLedger(b, file, readers)
	rows := int64(0)
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		name := fmt.Sprintf("bench%d", n)
		admin, err := database.Open(ctx, pg.URL("postgres"))
		if err == nil {
			_, err = admin.Exec(ctx, "CREATE DATABASE "+name)
			err = errors.Join(err, admin.Close())
		}
		if err != nil {
			b.Fatal(err)
		}
		from, err := database.OpenAlone(ctx, file)
		if err != nil {
			b.Fatal(err)
		}
		to, err := database.Open(ctx, pg.URL(name))
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		counts, err := database.Copy(ctx, from, to, schemas(), nil)
		if err := errors.Join(err, from.Close(), to.Close()); err != nil {
			b.Fatal(err)
		}
		for _, c := range counts {
			rows += c.Rows
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/copy")
}

// fillLedger makes a database with so many readers, all enqueued for one issue.
func fillLedger(b *testing.B, file string, readers int) {
	b.Helper()
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			b.Helper()
			b.Fatal(err)
		}
	}
	db, err := database.Open(ctx, file)
	must(err)
	must(db.Migrate(ctx, schemas()...))
	ids := database.NewIDs(time.Now, nil)
	keys, err := subscribers.NewKeys([]byte(strings.Repeat("k", 32)))
	must(err)
	subs, ledger := subscribers.NewStore(db, ids, keys, time.Now), delivery.NewLedger(db, time.Now)
	for first := 0; first < readers; first += 5000 {
		batch := make([]subscribers.Subscriber, min(5000, readers-first))
		for i := range batch {
			batch[i] = subscribers.Subscriber{Email: fmt.Sprintf("reader%d@readers%d.example", first+i, i%50), Name: fmt.Sprintf("Reader %d", first+i)}
		}
		_, err := subs.AddAll(ctx, batch, "bench")
		must(err)
	}
	issue, err := newsletter.NewStore(db, ids, time.Now).SaveIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: "2024-W42", Language: "en"})
	must(err)
	must(ledger.Start(ctx, issue.ID))
	must(ledger.Enqueue(ctx, issue.ID, nil))
	must(db.Close())
}
