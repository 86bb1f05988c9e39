package database_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"testing/fstest"

	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// Those that fail, give up or panic undo their own part and nobody else's.
func TestSharedTransactions(t *testing.T) {
	schema := database.Schema{Owner: "shared", Files: fstest.MapFS{"0001_rows.sql": {Data: []byte("CREATE TABLE rows (n BIGINT PRIMARY KEY) STRICT;")}}}
	databasetest.Each(t, []database.Schema{schema}, func(t *testing.T, db *database.DB) {
		const n = 400
		broken := errors.New("broken")
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				ctx := context.Background()
				if i%4 == 1 {
					ctx = gone
				}
				defer func() {
					if p := recover(); (p != nil) != (i%4 == 2) {
						t.Errorf("%d: panic %v", i, p)
					}
				}()
				err := db.InSharedTx(ctx, func(tx *sql.Tx) error {
					if _, err := tx.ExecContext(ctx, `INSERT INTO rows (n) VALUES ($1)`, i); err != nil {
						return err
					}
					switch i % 4 {
					case 2:
						panic("in the middle")
					case 3:
						return broken
					}
					return nil
				})
				want := map[int]error{1: context.Canceled, 3: broken}[i%4]
				if !errors.Is(err, want) || want == nil && err != nil {
					t.Errorf("%d: %v, not %v", i, err, want)
				}
			})
		}
		all.Wait()
		var count, wrong int
		if err := db.QueryRow(context.Background(), `SELECT count(*), coalesce(sum(CASE WHEN n % 4 <> 0 THEN 1 ELSE 0 END), 0) FROM rows`).Scan(&count, &wrong); err != nil {
			t.Fatal(err)
		}
		if count != n/4 || wrong != 0 {
			t.Errorf("%d rows, %d of those that failed", count, wrong)
		}
	})
}
