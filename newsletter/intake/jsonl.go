// Package intake turns what comes in from outside into items.
package intake

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"apta/newsletter"
)

// maxLine bounds one line of JSONL, in bytes; a week's longest summary is far below it.
const maxLine = 1 << 20

// A LineError is what is wrong with one line of a file.
type LineError struct {
	File string
	Line int // counted from 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap gives the reason without the place.
func (e *LineError) Unwrap() error { return e.Err }

// record is an item as a line of JSONL has it. Published is a string so that a
// wrong one is reported in words, and pointers are not needed: no field has a
// meaning when empty.
type record struct {
	URL       string `json:"url"`
	Title     string `json:"title"`
	Summary   string `json:"summary"`
	Source    string `json:"source"`
	Theme     string `json:"theme"`
	Place     string `json:"place"`
	Language  string `json:"language"`
	Published string `json:"published"`
	Strand    string `json:"strand"`
	Order     int    `json:"order"`
	Bridge    string `json:"bridge"`
	Latest    bool   `json:"latest"`
	Image     string `json:"image"`
	Author    string `json:"author"`
}

// keys are those a line may have; "id" and "others" are what an export adds and are
// passed over.
var keys = []string{"id", "others", "url", "title", "summary", "source", "theme", "place", "language", "published", "strand", "order", "bridge", "latest", "image", "author"}

// ReadJSONL reads items, one JSON object a line. Each good line is given to
// item; each bad one, and each unknown key of a good one, to bad, and reading
// goes on. The error is the reader's own or what item returned.
func ReadJSONL(r io.Reader, file string, item func(newsletter.Item) error, bad func(*LineError)) error {
	in := bufio.NewReaderSize(r, 64<<10)
	for n := 1; ; n++ {
		line, long, err := readLine(in)
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		line = bytes.TrimSpace(line)
		switch {
		case long:
			bad(&LineError{file, n, fmt.Errorf("the line is longer than %d bytes", maxLine)})
		case len(line) > 0:
			it, unknown, perr := ParseItem(line)
			for _, key := range unknown {
				bad(&LineError{file, n, fmt.Errorf("unknown key %q (known are %s)", key, strings.Join(keys[2:], ", "))})
			}
			if perr != nil {
				bad(&LineError{file, n, perr})
			} else if err := item(it); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("intake: read %s: line %d: %w", file, n, err)
		}
	}
}

// readLine reads one line of any length and keeps at most maxLine bytes of it.
func readLine(in *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			long = true
		} else {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, long, err
		}
	}
}

// ParseItem reads one JSON object. Keys it does not know are named in unknown
// and do no harm.
func ParseItem(line []byte) (it newsletter.Item, unknown []string, err error) {
	if !utf8.Valid(line) {
		return it, nil, errors.New("the line is not UTF-8")
	}
	var rec record
	if err := json.Unmarshal(line, &rec); err != nil {
		return it, nil, jsonReason(err)
	}
	it, err = rec.item()
	return it, unknownKeys(line), err
}

// jsonReason says in words what encoding/json says in Go's.
func jsonReason(err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &typ) && typ.Field != "":
		return fmt.Errorf("key %q has a %s where a %s belongs", typ.Field, typ.Value, typ.Type)
	case errors.As(err, &typ):
		return fmt.Errorf("the line is a JSON %s, not an object", typ.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON: %v (at byte %d)", syntax, syntax.Offset)
	}
	return fmt.Errorf("not JSON: %w", err)
}

func unknownKeys(line []byte) (unknown []string) {
	var all map[string]json.RawMessage
	if json.Unmarshal(line, &all) != nil {
		return nil
	}
	for key := range all {
		if !slices.Contains(keys, strings.ToLower(key)) {
			unknown = append(unknown, key)
		}
	}
	slices.Sort(unknown)
	return unknown
}

func (r record) item() (newsletter.Item, error) {
	it := newsletter.Item{
		Title: oneLine(r.Title), Summary: strings.TrimSpace(r.Summary), Source: oneLine(r.Source), Theme: oneLine(r.Theme),
		Place: oneLine(r.Place), Language: strings.ToLower(strings.TrimSpace(r.Language)), Strand: oneLine(r.Strand), Order: r.Order,
		Bridge: oneLine(r.Bridge), Latest: r.Latest, Author: oneLine(r.Author),
	}
	var err error
	if it.URL, err = Canonical(r.URL); err != nil {
		return it, fmt.Errorf("key \"url\": %w", err)
	}
	if it.Title == "" {
		return it, errors.New("key \"title\" is missing or empty")
	}
	if strings.ContainsRune(it.Summary, 0) || strings.ContainsRune(it.Language, 0) {
		return it, errors.New("key \"summary\" or \"language\" has a NUL character in it, which PostgreSQL cannot keep")
	}
	if r.Image != "" {
		if it.Image, err = CheckURL(r.Image); err != nil {
			return it, fmt.Errorf("key \"image\": %w", err)
		}
	}
	if r.Published == "" {
		return it, errors.New("key \"published\" is missing: write it like 2024-10-14T09:00:00+05:00")
	}
	if it.Published, err = time.Parse(time.RFC3339, r.Published); err != nil {
		return it, fmt.Errorf("key \"published\": %q is not a date of RFC 3339: write it like 2024-10-14T09:00:00+05:00", r.Published)
	}
	it.Published = it.Published.UTC().Truncate(time.Millisecond)
	return it, nil
}

// oneLine folds white space: none of these fields has lines, and a line break in
// one of them would be a line break in a header.
func oneLine(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(clean), " ")
}

// CheckURL accepts an absolute http or https URL with a host and without a
// password, and gives it back as it is to be stored.
func CheckURL(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", errors.New("it is missing or empty")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "", fmt.Errorf("%q is not a URL", s)
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("%q is not an http or https URL", s)
	case u.Hostname() == "":
		return "", fmt.Errorf("%q has no host", s)
	case u.User != nil:
		return "", fmt.Errorf("the URL of %s carries a user name or password", u.Hostname())
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return "", fmt.Errorf("%q has a space or a control character in it", s)
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	u.Fragment, u.RawFragment = "", ""
	return u.String(), nil
}
