package database

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// rowStream gives the rows of a table one by one and sums them up. It is a
// pgx.CopyFromSource.
type rowStream struct {
	of     *copying
	table  *table
	rows   *sql.Rows
	check  bool // refuse text that PostgreSQL cannot keep
	values []any
	into   []any // pointers to values
	count  int64
	sum    uint64 // of the rows' hashes, in whatever order they come
	err    error
}

func (c *copying) read(ctx context.Context, tx *sql.Tx, t *table) (*rowStream, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+strings.Join(t.columns, ", ")+` FROM `+t.name+t.order())
	if err != nil {
		return nil, err
	}
	s := &rowStream{of: c, table: t, rows: rows, values: make([]any, len(t.columns)), into: make([]any, len(t.columns))}
	for i := range s.values {
		s.into[i] = &s.values[i]
	}
	return s, nil
}

// Next reads the next row.
func (s *rowStream) Next() bool {
	if s.err != nil || !s.rows.Next() {
		if s.err == nil {
			s.err = s.rows.Err()
		}
		return false
	}
	if s.err = s.rows.Scan(s.into...); s.err != nil {
		return false
	}
	if s.err = s.add(); s.err != nil {
		return false
	}
	s.count++
	c := s.of
	if c.done++; c.progress != nil && (c.done%1000 == 0 || c.done == c.total) {
		c.progress(c.done, c.total)
	}
	return true
}

// Values gives the row that Next read.
func (s *rowStream) Values() ([]any, error) { return s.values, nil }

// Err gives what ended the stream early.
func (s *rowStream) Err() error { return s.err }

// add checks a row and adds its hash to the sum.
func (s *rowStream) add() error {
	var h maphash.Hash
	h.SetSeed(s.of.seed)
	var number [9]byte
	mark := func(kind byte, n int64) {
		number[0] = kind
		binary.BigEndian.PutUint64(number[1:], uint64(n))
		h.Write(number[:])
	}
	for i, v := range s.values {
		switch v := v.(type) {
		case nil:
			mark('n', 0)
		case int64:
			mark('i', v)
		case string:
			if s.check {
				if fault := unfit(v); fault != "" {
					return fmt.Errorf("row %s: the text in %s has %s, which PostgreSQL cannot keep: change it, then start again", s.table.rowName(s.values), s.table.columns[i], fault)
				}
			}
			mark('t', int64(len(v)))
			h.WriteString(v)
		case []byte:
			if v == nil {
				s.values[i] = []byte{} // an empty one, as SQLite's driver gives it; a nil would be written as NULL
			}
			mark('b', int64(len(v)))
			h.Write(v)
		default:
			return fmt.Errorf("row %s: %s is a %T, which no table of apta has", s.table.rowName(s.values), s.table.columns[i], v)
		}
	}
	s.sum += h.Sum64()
	return nil
}

// unfit says what is in a text that SQLite keeps and PostgreSQL does not.
func unfit(text string) string {
	if i := strings.IndexByte(text, 0); i >= 0 {
		return fmt.Sprintf("a NUL at byte %d", i)
	}
	if !utf8.ValidString(text) {
		return "bytes that are not UTF-8"
	}
	return ""
}

// copyIn writes a table with PostgreSQL's COPY.
func copyIn(ctx context.Context, conn *sql.Conn, t *table, in *rowStream) error {
	return conn.Raw(func(driver any) error {
		n, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, in)
		if err == nil && n != in.count {
			err = fmt.Errorf("PostgreSQL took %d of %d rows", n, in.count)
		}
		if in.err != nil {
			return nil // it is what ended the COPY, and it says it better
		}
		return err
	})
}

// insert writes a table row by row, which is SQLite's quickest way.
func insert(ctx context.Context, tx *sql.Tx, t *table, in *rowStream) error {
	marks := make([]string, len(t.columns))
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	put, err := tx.PrepareContext(ctx, `INSERT INTO `+t.name+` (`+strings.Join(t.columns, ", ")+`) VALUES (`+strings.Join(marks, ", ")+`)`)
	if err != nil {
		return err
	}
	defer put.Close()
	for in.Next() {
		if _, err := put.ExecContext(ctx, in.values...); err != nil {
			return err
		}
	}
	return nil
}
