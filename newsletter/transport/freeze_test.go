package transport

import (
	"bytes"
	"io"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"
)

// An edition of text alone is one part, with its slots filled and its signature valid.
func TestTextOnly(t *testing.T) {
	key := dkimKey(t, "ed25519", "e1")
	m := sampleMail()
	m.HTML = ""
	e, err := Freeze(m, sampleHeaders())
	if err != nil {
		t.Fatal(err)
	}
	if e, err = e.Sign(time.Now(), key); err != nil {
		t.Fatal(err)
	}
	message, err := e.Message(sampleReader())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := verify(t, message, key); n != 1 {
		t.Errorf("%d signatures are valid: %v", n, err)
	}
	read, err := mail.ReadMessage(bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(read.Body))
	if err != nil {
		t.Fatal(err)
	}
	if kind := read.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") || !strings.Contains(string(body), sampleReader().UnsubscribeURL) || !strings.HasPrefix(read.Header.Get("List-Unsubscribe"), "<"+sampleReader().UnsubscribeURL+">, <mailto:bounces+unsub-") {
		t.Errorf("%s, with the header %v:\n%s", kind, read.Header, body)
	}
}

// A letter to one person is of no list, and says that a machine wrote it.
func TestFreezeLetter(t *testing.T) {
	e, err := FreezeLetter(sampleMail(), sampleHeaders())
	if err != nil {
		t.Fatal(err)
	}
	message, err := e.Message(sampleReader())
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := parse(t, message)
	if header.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("the header is %v", header)
	}
	for name := range header {
		if strings.HasPrefix(name, "List-") || name == "Precedence" || name == "Feedback-Id" {
			t.Errorf("the letter has %s", name)
		}
	}
}
