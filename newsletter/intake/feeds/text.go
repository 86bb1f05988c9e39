package feeds

import (
	"bytes"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/charmap"
)

// prolog is the XML declaration, which speaks of the bytes as they came.
var prolog = regexp.MustCompile(`^\s*<\?xml[^>]{0,200}\?>`)

var encodingName = regexp.MustCompile(`encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']`)

// toUTF8 decodes a feed. What is UTF-8 is taken for it whatever is said: text of
// another encoding hardly ever happens to be. The XML declaration goes, because
// what it says is no longer so.
func toUTF8(body []byte, contentType string) []byte {
	head := prolog.Find(body[:min(len(body), 300)])
	text := body
	if !mostlyUTF8(body) {
		text = decode(body, contentType, head)
	}
	text = bytes.ToValidUTF8(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\ufffd"))
	text = bytes.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return -1 // XML does not know them, and databases do not want them
		}
		return r
	}, text)
	return text[len(prolog.Find(text[:min(len(text), 300)])):]
}

// mostlyUTF8 allows for a rune that was cut, and for a few that went wrong.
func mostlyUTF8(body []byte) bool {
	if bytes.HasPrefix(body, []byte{0xfe, 0xff}) || bytes.HasPrefix(body, []byte{0xff, 0xfe}) || bytes.IndexByte(body[:min(len(body), 64)], 0) >= 0 {
		return false // UTF-16
	}
	wrong, high := 0, 0
	for i := 0; i < len(body); {
		r, n := utf8.DecodeRune(body[i:])
		if n > 1 {
			high++
		} else if r == utf8.RuneError {
			wrong++
		}
		i += n
	}
	return wrong == 0 || wrong <= 3 && high > 0 || wrong*50 < high
}

// decode takes what the server says, then what the feed says, then what is likely.
func decode(body []byte, contentType string, head []byte) []byte {
	var names []string
	if _, params, err := mime.ParseMediaType(contentType); err == nil {
		names = append(names, params["charset"])
	}
	if m := encodingName.FindSubmatch(head); m != nil {
		names = append(names, string(m[1]))
	}
	if bytes.HasPrefix(body, []byte{0xfe, 0xff}) {
		names = []string{"utf-16be"}
	} else if bytes.HasPrefix(body, []byte{0xff, 0xfe}) {
		names = []string{"utf-16le"}
	}
	for _, name := range names {
		enc, canonical := charset.Lookup(strings.TrimSpace(name))
		if enc == nil || canonical == "utf-8" || canonical == "replacement" {
			continue
		}
		if text, err := enc.NewDecoder().Bytes(body); err == nil {
			return text
		}
	}
	text, err := likely(body).NewDecoder().Bytes(body)
	if err != nil {
		return body
	}
	return text
}

// likely tells the two encodings that are left apart: in Russian nearly every
// letter is a high one.
func likely(body []byte) *charmap.Charmap {
	high, letters, tag := 0, 0, false
	for _, b := range body {
		if b == '<' || b == '>' {
			tag = b == '<'
		}
		if tag {
			continue
		}
		if b >= 0xc0 {
			high++
		} else if b|0x20 >= 'a' && b|0x20 <= 'z' {
			letters++
		}
	}
	if high*5 > letters {
		return charmap.Windows1251
	}
	return charmap.Windows1252
}
