package subscribers

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// ErrNoEmail marks a CSV whose header names no column with addresses.
var ErrNoEmail = errors.New("no column is named email")

// Report says what an import did.
type Report struct {
	Added   int
	Present int // stored already, or twice in the file
	Changed int
	Left    int // had left, or left by what the file says; not brought back
	Refused int // lines that were wrong; each was reported
}

// columns are the names a column may have, in lower case.
var columns = map[string][]string{
	"email":    {"email", "e-mail", "email address", "email_address", "mail", "address", "subscriber"},
	"name":     {"name", "full name", "full_name"},
	"first":    {"first name", "first_name", "firstname"},
	"last":     {"last name", "last_name", "lastname"},
	"language": {"language", "lang", "locale"},
	"format":   {"format"},
	"status":   {"status"},
}

// importBatch is how many subscribers one transaction adds.
const importBatch = 1000

// ImportCSV adds the subscribers of a CSV with a header, in UTF-8 with or
// without a byte order mark, its columns parted by commas, semicolons or tabs.
// A wrong line is given to bad with its number and the rest is added. Where the
// file says that a reader has left, they are sent nothing more.
func (s *Store) ImportCSV(ctx context.Context, r io.Reader, source string, bad func(line int, err error)) (rep Report, err error) {
	rows, err := sniff(r)
	if err != nil {
		return rep, err
	}
	header, _, err := rows.next()
	if err != nil && !errors.Is(err, io.EOF) {
		return rep, fmt.Errorf("the header cannot be read: %w", err)
	}
	at, err := findColumns(header)
	if err != nil {
		return rep, err
	}
	batch := make([]Subscriber, 0, importBatch)
	flush := func() error {
		outcomes, err := s.AddAll(ctx, batch, source)
		rep.count(outcomes)
		batch = batch[:0]
		return err
	}
	for ctx.Err() == nil {
		sub, first, err := at.read(rows)
		var refused *lineError
		switch {
		case errors.Is(err, io.EOF):
			return rep, flush()
		case errors.As(err, &refused):
			rep.Refused++
			bad(first, refused.reason)
			continue
		case err != nil:
			return rep, errors.Join(fmt.Errorf("subscribers: import: %w", err), flush())
		}
		if batch = append(batch, sub); len(batch) == importBatch {
			if err := flush(); err != nil {
				return rep, err
			}
		}
	}
	return rep, fmt.Errorf("subscribers: import: %w", context.Cause(ctx))
}

func (rep *Report) count(outcomes []Outcome) {
	for _, o := range outcomes {
		switch o {
		case Added:
			rep.Added++
		case Present:
			rep.Present++
		case Left, Barred:
			rep.Left++
		case Changed:
			rep.Changed++
		}
	}
}

// lineError is what is wrong with a line; other errors are the file's.
type lineError struct{ reason error }

func (e *lineError) Error() string { return e.reason.Error() }

// sniff drops a byte order mark and finds what parts the columns in the header.
func sniff(r io.Reader) (*records, error) {
	in := bufio.NewReaderSize(r, maxRecordBytes)
	head, err := in.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("subscribers: import: %w", err)
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")):
		return nil, errors.New("the file is UTF-16: save it as UTF-8")
	case bytes.HasPrefix(head, []byte("\ufeff")):
		in.Discard(3)
		head = head[3:]
	}
	head, _, _ = bytes.Cut(head, []byte("\n"))
	best, most := byte(','), 0
	for _, c := range []byte(",;\t") {
		if n := bytes.Count(head, []byte{c}); n > most {
			best, most = c, n
		}
	}
	return &records{in: in, comma: best}, nil
}

// columnIndex is where each known column stands; -1 where it is missing.
type columnIndex map[string]int

func findColumns(header []string) (columnIndex, error) {
	at := columnIndex{}
	for what, names := range columns {
		at[what] = slices.IndexFunc(header, func(h string) bool {
			return slices.Contains(names, strings.ToLower(strings.TrimSpace(h)))
		})
	}
	if at["email"] < 0 {
		found := "the file is empty"
		if len(header) > 0 {
			found = "the columns are: " + strings.Join(header, ", ")
		}
		return nil, fmt.Errorf("%w; %s", ErrNoEmail, found)
	}
	return at, nil
}

// read gives the next subscriber and the number of their first line.
func (at columnIndex) read(rows *records) (Subscriber, int, error) {
	row, first, err := rows.next()
	var refused recordError
	if errors.As(err, &refused) {
		return Subscriber{}, first, &lineError{refused}
	}
	if err != nil {
		return Subscriber{}, first, err
	}
	sub, err := at.subscriber(row)
	if err != nil && rows.line > first {
		err = fmt.Errorf("%w (a quote joins it to the lines up to %d)", err, rows.line)
	}
	if err != nil {
		return Subscriber{}, first, &lineError{err}
	}
	return sub, first, nil
}

func (at columnIndex) field(row []string, what string) string {
	if i := at[what]; i >= 0 && i < len(row) {
		return strings.TrimSpace(fuse(row[i]))
	}
	return ""
}

func (at columnIndex) subscriber(row []string) (sub Subscriber, err error) {
	for _, f := range row {
		if !utf8.ValidString(f) || strings.ContainsRune(f, 0) {
			return sub, errors.New("the line is not UTF-8 text")
		}
	}
	if sub.Email, err = ParseAddress(at.field(row, "email")); err != nil {
		return sub, err
	}
	sub.Name = at.field(row, "name")
	if sub.Name == "" {
		sub.Name = strings.TrimSpace(at.field(row, "first") + " " + at.field(row, "last"))
	}
	if strings.ContainsFunc(sub.Name, unprintable) || len(sub.Name) > 200 {
		return sub, errors.New("the name has control characters or more than 200 octets")
	}
	if tag := at.field(row, "language"); tag != "" {
		parsed, err := language.Parse(tag)
		if err != nil {
			return sub, fmt.Errorf("language %q is not a language tag such as en or kk-KZ", tag)
		}
		sub.Language = parsed.String()
	}
	if sub.Format = strings.ToLower(at.field(row, "format")); sub.Format != "" && sub.Format != "html" && sub.Format != "text" {
		return sub, fmt.Errorf("format %q is neither html nor text", sub.Format)
	}
	var known bool
	if sub.Status, known = statusWords[strings.ToLower(at.field(row, "status"))]; !known {
		return sub, fmt.Errorf("status %q is neither active, pending, paused, unsubscribed, bounced nor complained", at.field(row, "status"))
	}
	return sub, nil
}

// statusWords are our own words for a status and those of other programs.
var statusWords = map[string]Status{
	"": Active, "active": Active, "subscribed": Active, "enabled": Active, "confirmed": Active,
	"pending": Pending, "unconfirmed": Pending,
	"paused":       Paused,
	"unsubscribed": Unsubscribed, "disabled": Unsubscribed, "blocklisted": Unsubscribed,
	"bounced": Bounced, "cleaned": Bounced,
	"complained": Complained, "spam": Complained,
}

// unprintable reports what a name must not have: controls, line separators, and
// the marks that turn the direction of what stands around it. The joiners that
// Persian or Hindi names need are allowed.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) && r != '\u200e' && r != '\u200f'
}

// ExportCSV writes every subscriber. A cell that a spreadsheet would take for a
// formula begins with an apostrophe.
func (s *Store) ExportCSV(ctx context.Context, w io.Writer) error {
	out := csv.NewWriter(w)
	out.Write([]string{"email", "name", "language", "format", "status", "created"})
	err := s.Each(ctx, func(sub Subscriber) error {
		row := []string{sub.Email, sub.Name, sub.Language, sub.Format, string(sub.Status), sub.Created.Format("2006-01-02T15:04:05Z")}
		for i := range row {
			row[i] = defuse(row[i])
		}
		return out.Write(row)
	})
	out.Flush()
	return errors.Join(err, out.Error())
}

// formula are the characters that make a spreadsheet reckon with a cell.
const formula = "=+-@\t\r"

func defuse(cell string) string {
	if cell != "" && strings.IndexByte(formula, cell[0]) >= 0 {
		return "'" + cell
	}
	return cell
}

// fuse undoes defuse, so that an export can be imported again.
func fuse(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.IndexByte(formula, cell[1]) >= 0 {
		return cell[1:]
	}
	return cell
}
