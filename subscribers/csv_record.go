package subscribers

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// A record of a CSV has at most so many bytes and lines: what is longer is a
// quote that nobody closed, or no CSV.
const (
	maxRecordBytes = 64 << 10
	maxRecordLines = 100
)

// recordError says why a line is no record. Those after it can be read.
type recordError string

func (e recordError) Error() string { return string(e) }

const (
	errQuote recordError = "a quote is opened and not closed, or one inside quotes is not doubled"
	errLong  recordError = "the line is longer than 64 KB"
)

// records reads the records of a CSV (RFC 4180) one by one. Unlike encoding/csv
// it reads on after a quote that nobody closed: such a line is refused alone
// and swallows none of those behind it, and no file makes it use more memory.
type records struct {
	in    *bufio.Reader // with a buffer of maxRecordBytes
	comma byte
	line  int    // number of the last line taken, from 1
	ahead []line // looked at and given back
}

// line is a line without its end, or why there is none.
type line struct {
	text string
	err  error
}

func (r *records) take() line {
	if len(r.ahead) > 0 {
		l := r.ahead[0]
		r.ahead = r.ahead[1:]
		r.line++
		return l
	}
	b, err := r.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.in.ReadSlice('\n')
		}
		r.line++
		return line{err: errLong}
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(b) == 0) {
		return line{err: err}
	}
	r.line++
	return line{text: strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")}
}

// next gives the fields of the next record and the number of its first line;
// r.line is then its last. After a recordError it can be called again.
func (r *records) next() (fields []string, first int, err error) {
	l := r.take()
	for l.err == nil && l.text == "" {
		l = r.take()
	}
	first = r.line
	if l.err != nil {
		return nil, first, l.err
	}
	s := splitter{comma: r.comma}
	err = s.add(l.text)
	var looked []line
	for size := len(l.text); err == nil && s.quoted; {
		l := r.take()
		looked = append(looked, l)
		if size += len(l.text); l.err != nil || size > maxRecordBytes || len(looked) == maxRecordLines {
			err = errQuote
			break
		}
		s.field.WriteByte('\n')
		err = s.add(l.text)
	}
	if err != nil {
		r.ahead = append(looked, r.ahead...)
		r.line = first
		return nil, first, err
	}
	return s.fields, first, nil
}

// splitter cuts the lines of one record into fields.
type splitter struct {
	comma  byte
	fields []string
	field  strings.Builder // the quoted field being read
	quoted bool            // its quote is open
}

// add reads one line; the record is whole when no quote is open after it. A
// quote inside a field that does not begin with one is an ordinary character.
func (s *splitter) add(line string) error {
	for {
		if s.quoted {
			text, rest, closed := strings.Cut(line, `"`)
			s.field.WriteString(text)
			switch {
			case !closed:
				return nil
			case strings.HasPrefix(rest, `"`):
				s.field.WriteByte('"')
				line = rest[1:]
				continue
			case rest != "" && rest[0] != s.comma:
				return errQuote
			}
			s.fields = append(s.fields, s.field.String())
			s.field.Reset()
			s.quoted = false
			if rest == "" {
				return nil
			}
			line = rest[1:]
			continue
		}
		if strings.HasPrefix(line, `"`) {
			s.quoted, line = true, line[1:]
			continue
		}
		i := strings.IndexByte(line, s.comma)
		if i < 0 {
			s.fields = append(s.fields, line)
			return nil
		}
		s.fields = append(s.fields, line[:i])
		line = line[i+1:]
	}
}
