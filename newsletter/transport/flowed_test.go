package transport

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"apta/newsletter"
)

// unflow reads format=flowed as RFC 3676, 4.2 tells a mail program to.
func unflow(text string, delsp bool) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		line = strings.TrimPrefix(line, " ")
		if line == "-- " || !strings.HasSuffix(line, " ") {
			b.WriteString(line + "\n")
			continue
		}
		if delsp {
			line = strings.TrimSuffix(line, " ")
		}
		b.WriteString(line)
	}
	return b.String()
}

func TestFlow(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("Ұзын сөйлем ", 30))
	for _, tt := range []struct {
		name, text string
		delsp      bool
	}{
		{"short", "One.\n\nTwo.\n", false},
		{"long", long + "\n\nTwo.\n", false},
		{"no final line end", long, false},
		{"an address is whole", "https://news.example/" + strings.Repeat("a", 200) + "\n", false},
		{"an address behind words", "[1] https://news.example/" + strings.Repeat("a", 200) + "\n", false},
		{"stuffing", " begins with a blank\n> is no quote\nFrom here\n" + "> " + long + "\n", false},
		{"signature", long + "\n-- \nThe newsroom\n", false},
		{"dashes in a paragraph", strings.Repeat("-- ", 60) + "x\n", false},
		{"Japanese", strings.Repeat("今週の出来事を短くまとめました。", 12) + "\n", true},
		{"Japanese and English", strings.Repeat("今週の Week in Review です。", 12) + "\n", true},
		{"delsp without need", long + "\n", true},
	} {
		flowed := flow(tt.text, tt.delsp)
		want := tt.text
		if !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		if d := cmp.Diff(want, unflow(flowed+strings.Repeat("\n", 1-strings.Count(tt.text[len(tt.text)-1:], "\n")), tt.delsp)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
		for line := range strings.Lines(flowed) {
			if isLonger(strings.TrimSuffix(line, "\n"), 78) && !strings.Contains(line, "http") {
				t.Errorf("%s: a line is too long: %q", tt.name, line)
			}
		}
		if strings.Count(flowed, "\n-- \n") != strings.Count(tt.text, "\n-- \n") {
			t.Errorf("%s: a separator more or less:\n%s", tt.name, flowed)
		}
	}
}

func FuzzFlow(f *testing.F) {
	f.Add("One two. "+strings.Repeat("three ", 40)+"\n>x\n From\n-- \n", false)
	f.Add(strings.Repeat("今週の", 40), true)
	f.Fuzz(func(t *testing.T, text string, delsp bool) {
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\r\x00") {
			return
		}
		text = strings.TrimRight(text, "\n") + "\n"
		var want strings.Builder
		for line := range strings.Lines(text) {
			if line != "-- \n" {
				line = strings.TrimRight(line, " \n") + "\n"
			}
			want.WriteString(line)
		}
		if got := unflow(flow(text, delsp), delsp); got != want.String() {
			t.Errorf("%q comes back as %q", want.String(), got)
		}
	})
}

// A picture in the mail stands beside the text and HTML, under the name by which the HTML calls it.
func TestInlinePicture(t *testing.T) {
	m := sampleMail()
	m.Inline = []newsletter.Inline{{Name: "3f9a.jpg", Type: "image/jpeg", Body: []byte("\xff\xd8 no real picture")}}
	e, err := Freeze(m, sampleHeaders())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Freeze(m, sampleHeaders())
	if err != nil || !bytes.Equal(e.Bytes(), again.Bytes()) {
		t.Errorf("the same mail gave other bytes (%v)", err)
	}
	message, err := e.Message(sampleReader())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(message), "AptaSlot") {
		t.Error("a slot was not filled")
	}
	read, err := mail.ReadMessage(bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(read.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/related" {
		t.Fatalf("%s (%v)", kind, err)
	}
	parts := multipart.NewReader(read.Body, params["boundary"])
	inner, err := parts.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err = mime.ParseMediaType(inner.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s (%v)", kind, err)
	}
	alternatives := multipart.NewReader(inner, params["boundary"])
	for _, want := range []string{"text/plain", "text/html"} {
		part, err := alternatives.NextPart()
		if err != nil || !strings.HasPrefix(part.Header.Get("Content-Type"), want) {
			t.Fatalf("no %s (%v)", want, err)
		}
	}
	if _, err := alternatives.NextPart(); err != io.EOF {
		t.Fatal("a third alternative:", err)
	}
	picture, err := parts.NextPart()
	if err != nil || picture.Header.Get("Content-Id") != "<3f9a.jpg@apta>" || !strings.HasPrefix(picture.Header.Get("Content-Type"), "image/jpeg") {
		t.Errorf("%v (%v)", picture.Header, err)
	}
	m.Inline[0].Body = nil
	if _, err := Freeze(m, sampleHeaders()); err == nil {
		t.Error("a mail without the picture it shows was frozen")
	}
}
