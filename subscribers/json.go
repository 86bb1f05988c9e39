package subscribers

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// maxJSONRecord bounds one record of a JSON file, in bytes.
const maxJSONRecord = 1 << 20

// jsonSource reads records of JSON: one a line or one after the other, in an
// array, or in listmonk's {"data": {"results": [ … ]}}.
type jsonSource struct {
	in    *lineCounter
	dec   *json.Decoder
	array bool
	named map[string]string // where a field is, in the words of --map
}

// listmonk is how the answer of its API begins.
var listmonk = regexp.MustCompile(`^\{\s*"(data|results|subscribers)"\s*:`)

func openJSON(in *bufio.Reader, start []byte, named map[string]string) (source, error) {
	if err := checkFields(named); err != nil {
		return nil, err
	}
	lines := &lineCounter{in: in}
	s := &jsonSource{in: lines, dec: json.NewDecoder(lines), named: named}
	if start[0] == '[' {
		s.array = true
		_, err := s.dec.Token()
		return s, err
	}
	if !listmonk.Match(start) {
		return s, nil
	}
	for s.array = true; ; {
		t, err := s.dec.Token()
		if err != nil {
			return nil, s.broken(err)
		}
		if t == json.Delim('[') {
			return s, nil
		}
	}
}

func (s *jsonSource) broken(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = errors.New("it ends in the middle")
	}
	return fmt.Errorf("the JSON cannot be read after line %d: %w", s.in.at(s.dec.InputOffset()), err)
}

// jsonRecord is one of listmonk's, or one of our own export.
type jsonRecord struct {
	Email       string   `json:"email"`
	Name        string   `json:"name"`
	Language    string   `json:"language"`
	Format      string   `json:"format"`
	Status      string   `json:"status"`
	Topics      []string `json:"topics"`
	Every       int      `json:"every_weeks"`
	PausedUntil string   `json:"paused_until"`
	Created     string   `json:"created"`
	CreatedAt   string   `json:"created_at"`
	Attribs     struct {
		Language string `json:"language"`
		Lang     string `json:"lang"`
	} `json:"attribs"`
	Lists []struct {
		Status string `json:"subscription_status"`
		OptIn  string `json:"optin"`
	} `json:"lists"`
}

func (s *jsonSource) next() (arrival, error) {
	if s.array && !s.dec.More() {
		if _, err := s.dec.Token(); err != nil {
			return arrival{}, s.broken(err)
		}
		return arrival{}, io.EOF
	}
	s.in.record()
	var r jsonRecord
	var whole json.RawMessage
	var err error
	if len(s.named) == 0 {
		err = s.dec.Decode(&r)
	} else if err = s.dec.Decode(&whole); err == nil {
		err = json.Unmarshal(whole, &r)
	}
	line := s.in.at(s.dec.InputOffset())
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return arrival{}, &lineError{line, fmt.Errorf("%s is %s", wrong.Field, wrong.Value)}
	case errors.Is(err, io.EOF) && !s.array:
		return arrival{}, io.EOF
	case err != nil:
		return arrival{}, s.broken(err)
	}
	out := r.record()
	if len(s.named) > 0 {
		err = s.takeNamed(out, whole)
	}
	var a arrival
	if err == nil {
		a, err = out.arrival()
	}
	if err != nil {
		return arrival{}, &lineError{line, err}
	}
	a.line = line
	return a, nil
}

// takeNamed sets the fields that are called otherwise in this file: the name of a
// key, or of one inside another, such as attribs.city.
func (s *jsonSource) takeNamed(out *record, whole json.RawMessage) error {
	var all map[string]any
	if err := json.Unmarshal(whole, &all); err != nil {
		return errors.New("it is not an object")
	}
	return out.take(func(what string) string {
		name, named := s.named[what]
		if !named {
			return ""
		}
		if v, whole := all[name]; whole {
			return text(v)
		}
		var at any = all
		for key := range strings.SplitSeq(name, ".") {
			inside, _ := at.(map[string]any)
			at = inside[key]
		}
		return text(at)
	})
}

// text is a value as a cell of a CSV would have it.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = text(v[i])
		}
		return strings.Join(parts, topicMark)
	case map[string]any:
		return ""
	}
	return fmt.Sprint(v)
}

func (r *jsonRecord) record() *record {
	out := &record{Email: r.Email, Name: r.Name, Language: r.Language, Format: r.Format, Status: r.Status, Topics: r.Topics, Every: r.Every, PausedUntil: r.PausedUntil, Agreed: r.CreatedAt}
	if out.Agreed == "" {
		out.Agreed = r.Created
	}
	for _, l := range []string{r.Attribs.Language, r.Attribs.Lang} {
		if out.Language == "" {
			out.Language = l
		}
	}
	// listmonk's own status is of the person; whether they left is said by list.
	if len(r.Lists) > 0 && statusWords[r.Status] == Active {
		left, unconfirmed := 0, 0
		for _, l := range r.Lists {
			switch {
			case l.Status == "unsubscribed":
				left++
			case l.Status == "unconfirmed" && l.OptIn == "double":
				unconfirmed++
			}
		}
		switch {
		case left == len(r.Lists):
			out.Status = string(Unsubscribed)
		case left+unconfirmed == len(r.Lists):
			out.Status = string(Pending)
		}
	}
	return out
}

// lineCounter tells at which line an offset is, and ends a record that never
// ends: the decoder would keep all of it.
type lineCounter struct {
	in    io.Reader
	read  int64
	begun int64   // how much was read when the record began
	ends  []int64 // offsets of line ends that were read and not passed
	line  int     // line ends passed
}

func (l *lineCounter) Read(b []byte) (int, error) {
	if l.read-l.begun > maxJSONRecord {
		return 0, errors.New("one record is longer than 1 MB")
	}
	// Whole pieces: after every read the decoder looks at its record anew.
	n, err := io.ReadFull(l.in, b[:min(len(b), 64<<10)])
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	for i, c := range b[:n] {
		if c == '\n' {
			l.ends = append(l.ends, l.read+int64(i))
		}
	}
	l.read += int64(n)
	return n, err
}

// record notes that a record begins.
func (l *lineCounter) record() { l.begun = l.read }

// at gives the number of the line of an offset, from 1. Offsets only grow.
func (l *lineCounter) at(offset int64) int {
	n := 0
	for n < len(l.ends) && l.ends[n] < offset {
		n++
	}
	l.line += n
	l.ends = append(l.ends[:0], l.ends[n:]...)
	return l.line + 1
}
