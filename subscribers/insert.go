package subscribers

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"apta/subscribers/database"
)

// insertion is an INSERT of many rows. Its first two values are the same for all
// of them, the own ones stand as ?.
type insertion struct {
	head, row, tail string
	own             int // values of each row
}

var (
	newSubscriber = insertion{
		head: `INSERT INTO subscribers (created, updated, from_week, generation, id, newsletter, email, name, language, format, status, topics, every_weeks, paused_until) VALUES `,
		row:  `($1, $1, $2, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tail: ` ON CONFLICT (email, newsletter) DO NOTHING`,
		own:  10,
	}
	firstConsent = insertion{
		head: `INSERT INTO consents (at, source, wording, subscriber_id, id, what, agreed, link) VALUES `,
		row:  `($1, $2, '', ?, ?, ?, ?, ?)`,
		own:  5,
	}
)

// text is the statement for n rows.
func (in *insertion) text(n int) string {
	var b strings.Builder
	b.WriteString(in.head)
	next := 3
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		for _, c := range []byte(in.row) {
			if c != '?' {
				b.WriteByte(c)
				continue
			}
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(next))
			next++
		}
	}
	b.WriteString(in.tail)
	return b.String()
}

// inserts are the prepared insertions of one transaction.
type inserts struct {
	tx       *sql.Tx
	rows     int // of one statement
	prepared map[statement]*sql.Stmt
}

// statement is an insertion of so many rows.
type statement struct {
	what *insertion
	rows int
}

// newInserts chooses how many rows one statement has. PostgreSQL wants many,
// since each is a way there and back; SQLite one, since a statement that may fail
// behind its first row keeps a journal of its own, and since it looks for every
// placeholder's name among all those before it.
func newInserts(tx *sql.Tx, kind database.Kind) *inserts {
	in := &inserts{tx: tx, rows: 1, prepared: make(map[statement]*sql.Stmt)}
	if kind == database.PostgreSQL {
		in.rows = insertRows
	}
	return in
}

// insert inserts rows, whose own values follow each other in args, and gives how
// many were new.
func (in *inserts) insert(ctx context.Context, what *insertion, shared [2]any, args []any) (added int64, err error) {
	// The driver starts a goroutine for every statement that could be broken off; a
	// batch is not, its transaction is rolled back.
	ctx = context.WithoutCancel(ctx)
	all := make([]any, 0, 2+in.rows*what.own)
	for len(args) > 0 {
		n := min(in.rows, len(args)/what.own)
		stmt, err := in.prepare(ctx, statement{what, n})
		if err != nil {
			return added, err
		}
		all = append(append(all[:0], shared[0], shared[1]), args[:n*what.own]...)
		args = args[n*what.own:]
		res, err := stmt.ExecContext(ctx, all...)
		if err != nil {
			return added, err
		}
		some, err := res.RowsAffected()
		if added += some; err != nil {
			return added, err
		}
	}
	return added, nil
}

func (in *inserts) prepare(ctx context.Context, st statement) (*sql.Stmt, error) {
	if stmt := in.prepared[st]; stmt != nil {
		return stmt, nil
	}
	stmt, err := in.tx.PrepareContext(ctx, st.what.text(st.rows))
	if err == nil {
		in.prepared[st] = stmt
	}
	return stmt, err
}

func (in *inserts) close() error {
	var errs []error
	for _, stmt := range in.prepared {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(errs...)
}

// placeholders gives $1, $2 and so on.
func placeholders(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i + 1))
	}
	return b.String()
}
