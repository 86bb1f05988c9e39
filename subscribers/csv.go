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
	"unicode/utf8"
)

// ErrNoEmail marks a CSV whose header names no column with addresses.
var ErrNoEmail = errors.New("no column is named email")

// Report says what an import did.
type Report struct {
	Added   int
	Present int // stored already, or twice in the file
	Left    int // had left on their own wish; not brought back
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
// A wrong line is given to bad with its number and the rest is added.
func (s *Store) ImportCSV(ctx context.Context, r io.Reader, source string, bad func(line int, err error)) (rep Report, err error) {
	in, separator, err := sniff(r)
	if err != nil {
		return rep, err
	}
	rows := csv.NewReader(in)
	rows.Comma, rows.FieldsPerRecord, rows.LazyQuotes, rows.ReuseRecord = separator, -1, true, true
	header, err := rows.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return rep, fmt.Errorf("the header cannot be read: %w", err)
	}
	at, err := findColumns(header)
	if err != nil {
		return rep, err
	}
	refuse := func(line int, err error) { rep.Refused++; bad(line, err) }
	var batch []Subscriber
	flush := func() error {
		outcomes, err := s.AddAll(ctx, batch, source)
		for _, o := range outcomes {
			switch o {
			case Added:
				rep.Added++
			case Present:
				rep.Present++
			case Left:
				rep.Left++
			}
		}
		batch = batch[:0]
		return err
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return rep, flush()
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			refuse(parse.Line, parse.Err)
			continue
		}
		if err != nil {
			return rep, errors.Join(fmt.Errorf("subscribers: import: %w", err), flush())
		}
		line, _ := rows.FieldPos(0)
		sub, err := at.subscriber(row)
		if err != nil {
			refuse(line, err)
			continue
		}
		if batch = append(batch, sub); len(batch) == importBatch {
			if err := flush(); err != nil {
				return rep, err
			}
		}
	}
}

// sniff drops a byte order mark and finds what parts the columns in the header.
func sniff(r io.Reader) (*bufio.Reader, rune, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	head, err := in.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, fmt.Errorf("subscribers: import: %w", err)
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")):
		return nil, 0, errors.New("the file is UTF-16: save it as UTF-8")
	case bytes.HasPrefix(head, []byte("\ufeff")):
		in.Discard(3)
		head = head[3:]
	}
	head, _, _ = bytes.Cut(head, []byte("\n"))
	best, most := ',', 0
	for _, c := range ",;\t" {
		if n := bytes.Count(head, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return in, best, nil
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

func (at columnIndex) field(row []string, what string) string {
	if i := at[what]; i >= 0 && i < len(row) {
		return strings.TrimSpace(row[i])
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
	if strings.ContainsFunc(sub.Name, unsafeRune) || len(sub.Name) > 200 {
		return sub, errors.New("the name has control characters or more than 200 octets")
	}
	sub.Language = strings.ToLower(at.field(row, "language"))
	if sub.Format = strings.ToLower(at.field(row, "format")); sub.Format != "" && sub.Format != "html" && sub.Format != "text" {
		return sub, fmt.Errorf("format %q is neither html nor text", sub.Format)
	}
	switch status := strings.ToLower(at.field(row, "status")); status {
	case "", "active", "subscribed", "enabled", "confirmed":
	case "unsubscribed":
		sub.Status = Unsubscribed
	default:
		return sub, fmt.Errorf("status %q is neither active nor unsubscribed", status)
	}
	return sub, nil
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

func defuse(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
