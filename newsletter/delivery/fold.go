package delivery

import (
	"context"
	"database/sql"
	"fmt"

	"apta/subscribers/database"
)

// fold brings the journal of a chunk into the deliveries and empties it. It runs
// in the transaction that claims the chunk or gives it back.
func (l *Ledger) fold(ctx context.Context, tx *sql.Tx, issue database.ID, first, last int64) error {
	marks, err := journalOf(ctx, tx, issue, first)
	if err != nil || len(marks) == 0 {
		return err
	}
	sorted := marks.sorted()
	whole, err := coversQueue(ctx, tx, issue, first, last, sorted)
	if err != nil {
		return err
	}
	for len(sorted) > 0 {
		n := 1
		for whole && n < len(sorted) && sorted[0].alike(&sorted[n]) {
			n++
		}
		if err := foldRun(ctx, tx, issue, sorted[:n]); err != nil {
			return err
		}
		sorted = sorted[n:]
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM journal WHERE issue_id = $1 AND first_id = $2`, issue, first)
	return err
}

// queryer is a transaction or a snapshot.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func journalOf(ctx context.Context, tx queryer, issue database.ID, first int64) (latest, error) {
	rows, err := tx.QueryContext(ctx, `SELECT first_id, entries FROM journal WHERE issue_id = $1 AND first_id = $2 ORDER BY seq`, issue, first)
	if err != nil {
		return nil, err
	}
	return readJournal(rows)
}

func readJournal(rows *sql.Rows) (latest, error) {
	defer rows.Close()
	marks := latest{}
	for rows.Next() {
		var first int64
		var entries sql.RawBytes
		if err := rows.Scan(&first, &entries); err != nil {
			return nil, err
		}
		if err := readMarks(entries, first, marks.add); err != nil {
			return nil, err
		}
	}
	return marks, rows.Err()
}

// coversQueue reports whether every queued row of the chunk has a mark. Then a
// run of marks may be written with one statement over the range of its IDs.
func coversQueue(ctx context.Context, tx *sql.Tx, issue database.ID, first, last int64, marks []mark) (bool, error) {
	queued := 0
	for i := range marks {
		if marks[i].was == Queued {
			queued++
		}
	}
	var rows int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM deliveries WHERE issue_id = $1 AND subscriber_id >= $2 AND subscriber_id <= $3 AND state = 0`,
		issue, first, last).Scan(&rows)
	return rows == queued, err
}

// alike reports whether two marks differ in nothing but their delivery and less
// than a second.
func (m *mark) alike(o *mark) bool {
	return m.was == Queued && o.was == Queued && m.state == o.state && m.attempts == o.attempts && m.doubts == o.doubts &&
		m.until == o.until && m.code == o.code && m.why == o.why && m.at/1000 == o.at/1000
}

func foldRun(ctx context.Context, tx *sql.Tx, issue database.ID, run []mark) error {
	m, query := &run[0], `UPDATE deliveries SET state = $1, attempts = $2, doubts = $3, until = $4, at = $5, code = $6, why = $7
WHERE issue_id = $8 AND subscriber_id >= $9 AND subscriber_id <= $10`
	if len(run) > 1 {
		query += ` AND state = 0`
	}
	res, err := tx.ExecContext(ctx, query, int(m.state), m.attempts, m.doubts, m.until, m.at, m.code, m.why, issue, m.id, run[len(run)-1].id)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || int(n) != len(run) {
		return fmt.Errorf("delivery: fold: %d rows of %d (%w)", n, len(run), err)
	}
	return nil
}

// foldAll folds the journals of all chunks of an issue that nobody works on.
func (l *Ledger) foldAll(ctx context.Context, tx *sql.Tx, issue database.ID) error {
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT c.first_id, c.last_id FROM chunks c JOIN journal j ON j.issue_id = c.issue_id AND j.first_id = c.first_id WHERE c.issue_id = $1`, issue)
	if err != nil {
		return err
	}
	defer rows.Close()
	var chunks [][2]int64
	for rows.Next() {
		var c [2]int64
		if err := rows.Scan(&c[0], &c[1]); err != nil {
			return err
		}
		chunks = append(chunks, c)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, c := range chunks {
		if err := l.fold(ctx, tx, issue, c[0], c[1]); err != nil {
			return err
		}
	}
	return nil
}
