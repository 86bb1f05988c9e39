package feeds

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// What bounds the inside of a feed. A real one of five megabytes is far below.
const (
	maxDepth    = 64      // elements or values within each other
	maxElements = 30_000  // in a feed of XML
	maxPieces   = 100_000 // tokens of XML
	maxField    = 5_000   // elements within one field of an item
	maxMarks    = 20_000  // tags of HTML in one text: gofeed builds its tree to resolve links
	maxTag      = 64 << 10
	maxValues   = 100_000 // in a feed of JSON
)

// errNested and errEntities are what bombs are made of.
var (
	errNested   = fmt.Errorf("it is nested more than %d deep", maxDepth)
	errEntities = errors.New("it declares entities, which no feed needs and which can grow without bound")
	errMany     = errors.New("it has more parts than a feed can need")
)

// soundXML looks a feed over before it is read in earnest: what would take much
// memory is refused. Where the text breaks off, or is broken, whole gives it up to
// the last item that is there in full, with what was open closed.
func soundXML(text []byte) (whole []byte, cut bool, err error) {
	if longTag(text) {
		return nil, false, errMany
	}
	s := scan{dec: xml.NewDecoder(bytes.NewReader(text))}
	s.dec.Strict, s.dec.Entity = false, xml.HTMLEntity
	err = s.all()
	switch {
	case errors.Is(err, errNested) || errors.Is(err, errEntities) || errors.Is(err, errMany):
		return nil, false, err
	case err == nil && len(s.open) == 0:
		return text, false, nil
	case s.good == 0:
		if err == nil {
			err = errors.New("it breaks off")
		}
		return nil, false, fmt.Errorf("there is no whole item in it: %w", err)
	}
	var end strings.Builder
	for i := len(s.around) - 1; i >= 0; i-- {
		end.WriteString("</" + s.around[i] + ">")
	}
	return append(text[:s.good:s.good], end.String()...), true, nil
}

// scan reads the tokens of XML as they come, without building anything.
type scan struct {
	dec    *xml.Decoder
	open   []string
	good   int64    // where the last whole item ends
	around []string // what was open there

	elements, pieces, field, marks int
}

func (s *scan) all() error {
	for {
		token, err := s.dec.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if s.pieces++; s.pieces > maxPieces {
			return errMany
		}
		switch token := token.(type) {
		case xml.CharData:
			if s.marks += bytes.Count(token, []byte("<")); s.marks > maxMarks {
				return errMany
			}
		case xml.StartElement:
			s.marks = 0
			if err := s.start(token); err != nil {
				return err
			}
		case xml.EndElement:
			s.marks = 0
			s.end(name(token.Name))
		case xml.Directive:
			if bytes.Contains(bytes.ToUpper(token), []byte("ENTITY")) {
				return errEntities
			}
		}
	}
}

func (s *scan) start(e xml.StartElement) error {
	s.open = append(s.open, name(e.Name))
	s.elements++
	s.field++
	if len(s.open) <= 4 { // rss, channel, item, title
		s.field = 0
	}
	switch {
	case len(s.open) > maxDepth:
		return errNested
	case s.elements > maxElements || s.field > maxField:
		return errMany
	}
	return nil
}

func (s *scan) end(name string) {
	i := len(s.open) - 1
	for i >= 0 && s.open[i] != name {
		i--
	}
	if i < 0 {
		return // it was never opened
	}
	s.open = s.open[:i]
	if local := name[strings.IndexByte(name, ':')+1:]; local == "item" || local == "entry" {
		s.good = s.dec.InputOffset()
		s.around = append(s.around[:0], s.open...)
	}
}

func name(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// longTag looks for a tag so long that reading its attributes would take more
// memory than all the rest.
func longTag(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '<')
		if i < 0 {
			return false
		}
		text = text[i:]
		end := []byte(">")
		if bytes.HasPrefix(text, []byte("<![CDATA[")) {
			end = []byte("]]>")
		} else if bytes.HasPrefix(text, []byte("<!--")) {
			end = []byte("-->")
		}
		n := bytes.Index(text, end)
		if len(end) == 1 && (n > maxTag || n < 0 && len(text) > maxTag) {
			return true
		}
		if n < 0 {
			return false
		}
		text = text[n+len(end):]
	}
}
