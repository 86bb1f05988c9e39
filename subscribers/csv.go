package subscribers

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrNoEmail marks a CSV whose header names no column with addresses.
var ErrNoEmail = errors.New("no column is named email")

// columns are the names a column may have, in lower case with spaces for
// underscores: our own, and those of listmonk, Mailchimp, Buttondown, Substack
// and Ghost.
var columns = map[string][]string{
	"email":        {"email", "e-mail", "email address", "e-mail address", "mail", "address", "subscriber"},
	"name":         {"name", "full name"},
	"first":        {"first name", "firstname"},
	"last":         {"last name", "lastname"},
	"language":     {"language", "lang", "locale"},
	"format":       {"format"},
	"status":       {"status", "subscriber type"}, // the second is Buttondown's
	"topics":       {"topics"},
	"every_weeks":  {"every weeks"},
	"paused_until": {"paused until"},
	"agreed":       {"confirm time", "optin time", "created at", "creation date", "created", "subscribed at"},
	// What says of one or of all that they left.
	"wanted":   {"subscribed to emails"},              // Ghost: false for who left
	"unwanted": {"email disabled"},                    // Substack: true for who left
	"left":     {"unsub time", "deleted at"},          // Mailchimp's list of those who left, Ghost
	"bounced":  {"clean time", "undeliverable since"}, // Mailchimp's list of dead addresses
}

// head is what is peeked at to find out what a file is.
const head = 4096

// open finds out what a file is.
func open(r io.Reader, named map[string]string) (source, error) {
	in := bufio.NewReaderSize(r, maxRecordBytes)
	start, err := in.Peek(head)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("subscribers: import: %w", err)
	}
	switch {
	case bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff")):
		return nil, errors.New("the file is UTF-16: save it as UTF-8")
	case bytes.HasPrefix(start, []byte("\ufeff")):
		in.Discard(3)
		start = start[3:]
	}
	if text := bytes.TrimLeft(start, " \t\r\n"); len(text) > 0 && (text[0] == '[' || text[0] == '{') {
		return openJSON(in, text, named)
	}
	return openCSV(in, start, named)
}

// csvSource is a CSV whose columns were found.
type csvSource struct {
	rows *records
	at   columnIndex
}

func openCSV(in *bufio.Reader, start []byte, named map[string]string) (source, error) {
	start, _, _ = bytes.Cut(start, []byte("\n"))
	best, most := byte(','), 0
	for _, c := range []byte(",;\t") {
		if n := bytes.Count(start, []byte{c}); n > most {
			best, most = c, n
		}
	}
	rows := &records{in: in, comma: best}
	header, _, err := rows.next()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the header cannot be read: %w", err)
	}
	at, err := findColumns(header, named)
	if err != nil {
		return nil, err
	}
	return &csvSource{rows, at}, nil
}

// columnIndex is where each known column stands; -1 where it is missing.
type columnIndex map[string]int

// plain is how a header is compared.
func plain(header string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(header)), "_", " ")
}

func findColumns(header []string, named map[string]string) (columnIndex, error) {
	at := columnIndex{}
	for what, names := range columns {
		at[what] = -1
		for _, name := range names { // the better names first
			if i := slices.IndexFunc(header, func(h string) bool { return plain(h) == name }); i >= 0 {
				at[what] = i
				break
			}
		}
	}
	found := "the file is empty"
	if len(header) > 0 {
		found = "the columns are: " + strings.Join(header, ", ")
	}
	if err := checkFields(named); err != nil {
		return nil, err
	}
	for what, name := range named {
		if at[what] = slices.IndexFunc(header, func(h string) bool { return plain(h) == plain(name) }); at[what] < 0 {
			return nil, fmt.Errorf("no column is named %q; %s", name, found)
		}
	}
	if at["email"] < 0 {
		return nil, fmt.Errorf("%w; %s", ErrNoEmail, found)
	}
	return at, nil
}

// checkFields refuses names of fields that there are not.
func checkFields(named map[string]string) error {
	for what := range named {
		if _, known := columns[what]; !known {
			return fmt.Errorf("%q is no field: the fields are %s", what, strings.Join(slices.Sorted(maps.Keys(columns)), ", "))
		}
	}
	return nil
}

func (c *csvSource) next() (arrival, error) {
	row, first, err := c.rows.next()
	var refused recordError
	if errors.As(err, &refused) {
		return arrival{}, &lineError{first, refused}
	}
	if err != nil {
		return arrival{}, err
	}
	a, err := c.at.arrival(row)
	if err != nil && c.rows.line > first {
		err = fmt.Errorf("%w (a quote joins it to the lines up to %d)", err, c.rows.line)
	}
	if err != nil {
		return arrival{}, &lineError{first, err}
	}
	a.line = first
	return a, nil
}

func (at columnIndex) field(row []string, what string) string {
	if i := at[what]; i >= 0 && i < len(row) {
		return strings.TrimSpace(fuse(row[i]))
	}
	return ""
}

func (at columnIndex) arrival(row []string) (a arrival, err error) {
	for _, f := range row {
		if !utf8.ValidString(f) || strings.IndexByte(f, 0) >= 0 {
			return a, errors.New("the line is not UTF-8 text")
		}
	}
	var r record
	if err := r.take(func(what string) string { return at.field(row, what) }); err != nil {
		return a, err
	}
	return r.arrival()
}

// take sets what a file says in fields of text; what it leaves empty stays.
func (r *record) take(field func(what string) string) error {
	for _, f := range [...]struct {
		what string
		to   *string
	}{
		{"email", &r.Email}, {"name", &r.Name}, {"language", &r.Language}, {"format", &r.Format}, {"status", &r.Status}, {"paused_until", &r.PausedUntil}, {"agreed", &r.Agreed},
	} {
		if text := field(f.what); text != "" {
			*f.to = text
		}
	}
	if r.Name == "" {
		r.Name = strings.TrimSpace(field("first") + " " + field("last"))
	}
	if topics := field("topics"); topics != "" {
		r.Topics = strings.Split(topics, topicMark)
	}
	if weeks := field("every_weeks"); weeks != "" {
		n, err := strconv.Atoi(weeks)
		if err != nil {
			return fmt.Errorf("every_weeks: %q is not a number", weeks)
		}
		r.Every = n
	}
	switch {
	case field("bounced") != "":
		r.Status = string(Bounced)
	case field("left") != "", isWord(field("wanted"), "false", "no", "0"), isWord(field("unwanted"), "true", "yes", "1"):
		r.Status = string(Unsubscribed)
	}
	return nil
}

// isWord reports whether a cell says one of the words.
func isWord(cell string, words ...string) bool { return slices.Contains(words, strings.ToLower(cell)) }
