package transport

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"strings"
	"testing"
	"time"

	"apta/newsletter"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func sampleMail() newsletter.Mail {
	u, p, n := newsletter.SlotUnsubscribe.Marker(), newsletter.SlotPreferences.Marker(), newsletter.SlotName.Marker()
	return newsletter.Mail{
		Subject: "Апта шолуы: Су, Көлік және басқалар 🌊", Language: "kk",
		Text: "Құрметті " + n + "!\n\n.A line that begins with a dot\n\n" + strings.Repeat("Ұзын сөйлем ", 30) + "\n\nБас тарту: " + u + "\nБаптау: " + p + " (кез келген уақытта)\n",
		HTML: "<!doctype html><html lang=\"kk\"><body><p>" + n + ", &lt;3</p><p>" + strings.Repeat("x", 70) + `<a href="` + u + `">бас тарту</a> <a href="` + p + `">баптау</a></p></body></html>`,
	}
}

func sampleHeaders() Headers {
	return Headers{
		From: mail.Address{Name: "Апта", Address: "weekly@news.example"}, ReplyTo: &mail.Address{Address: "editors@news.example"},
		ListID: "weekly.news.example", ListName: "Апта шолуы", Archive: "https://news.example/", Date: time.Date(2024, 10, 18, 9, 0, 0, 0, time.FixedZone("", 5*3600)),
	}
}

func sampleReader() *Reader {
	return &Reader{
		Address: "aigerim@readers.example", Name: "Әйгерім <Алматы>", MessageID: "issue.reader@news.example",
		UnsubscribeURL: "https://news.example/u/abcdefghijklmnopqrstuvwxyz012345?a=1&b=2", PreferencesURL: "https://news.example/p/" + strings.Repeat("p", 90),
		UnsubscribeTo: "bounces+unsub-abcdefghijklmnopqrstuvwxyz234567abcdefg@news.example",
	}
}

func freeze(t testing.TB) *Edition {
	t.Helper()
	e, err := Freeze(sampleMail(), sampleHeaders())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// parse reads a message back with the standard library, which knows nothing of
// how it was made.
func parse(t testing.TB, message []byte) (header mail.Header, text, html string) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, into := range []*string{&text, &html} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		*into = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	return m.Header, text, html
}

func TestGoldenMessage(t *testing.T) {
	message, err := freeze(t).Message(sampleReader())
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/message.eml"
	if *update {
		if err := os.WriteFile(file, message, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(message)); d != "" {
		t.Errorf("%s differs (-want +got), -update writes it:\n%s", file, d)
	}
}

func TestSlotsAreFilledInEveryPlace(t *testing.T) {
	e, r := freeze(t), sampleReader()
	message, err := e.Message(r)
	if err != nil {
		t.Fatal(err)
	}
	h, text, html := parse(t, message)
	m := sampleMail()
	fill := func(s, name, u string) string {
		return strings.NewReplacer(newsletter.SlotUnsubscribe.Marker(), u, newsletter.SlotPreferences.Marker(), r.PreferencesURL, newsletter.SlotName.Marker(), name).Replace(s)
	}
	if d := cmp.Diff(strings.ReplaceAll(fill(m.Text, r.Name, r.UnsubscribeURL), " \n", "\n"), strings.TrimSuffix(unflow(text, false), "\n")+"\n"); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
	if d := cmp.Diff(fill(m.HTML, "Әйгерім &lt;Алматы&gt;", strings.ReplaceAll(r.UnsubscribeURL, "&", "&amp;")), strings.TrimRight(html, "\n")); d != "" {
		t.Errorf("html (-want +got):\n%s", d)
	}
	decode := func(key string) string {
		s, err := new(mime.WordDecoder).DecodeHeader(h.Get(key))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for key, want := range map[string]string{
		"Subject": m.Subject, "Message-ID": "<" + r.MessageID + ">", "List-Unsubscribe": "<" + r.UnsubscribeURL + ">, <mailto:" + r.UnsubscribeTo + "?subject=unsubscribe>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "Date": "Fri, 18 Oct 2024 09:00:00 +0500", "Mime-Version": "1.0", "List-Archive": "<https://news.example/>",
	} {
		if got := decode(key); got != want {
			t.Errorf("%s is %q, not %q", key, got, want)
		}
	}
	if to, err := h.AddressList("To"); err != nil || len(to) != 1 || to[0].Name != r.Name || to[0].Address != r.Address {
		t.Errorf("To is %v (%v)", to, err)
	}
	if got := decode("List-Id"); !strings.HasSuffix(got, "<weekly.news.example>") || !strings.Contains(got, "Апта шолуы") {
		t.Errorf("List-Id is %q", got)
	}
}

// The wire has only CRLF, no line over 78 octets but where a URL is one, and no
// dot that SMTP would take for its own.
func TestWireForm(t *testing.T) {
	for name, r := range map[string]*Reader{
		"full": sampleReader(), "empty name": {Address: "a@b.example", MessageID: "i@n", UnsubscribeURL: "https://n.example/u/x", PreferencesURL: "https://n.example/p/x"},
		"dots": {Address: "a@b.example", Name: "...", MessageID: "i@n", UnsubscribeURL: "....", PreferencesURL: "From here "},
	} {
		wire, err := freeze(t).Append(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(bytes.ReplaceAll(wire, []byte("\r\n"), nil), []byte("\n")) || bytes.Contains(bytes.ReplaceAll(wire, []byte("\r\n"), nil), []byte("\r")) {
			t.Errorf("%s: a bare CR or LF is on the wire", name)
		}
		body := false
		for _, line := range strings.Split(strings.TrimSuffix(string(wire), "\r\n"), "\r\n") {
			body = body || line == ""
			if len(line) > 998 || body && len(line) > 77 { // 76 and a stuffed dot
				t.Errorf("%s: a line has %d octets: %q", name, len(line), line)
			}
			if strings.HasPrefix(line, ".") && !strings.HasPrefix(line, "..") {
				t.Errorf("%s: a dot is not stuffed: %q", name, line)
			}
			if strings.HasPrefix(line, "From ") && body {
				t.Errorf("%s: a line begins like an mbox separator", name)
			}
		}
	}
}

func TestFreezeIsStableAndParsesBack(t *testing.T) {
	a, b := freeze(t), freeze(t)
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same mail froze into different bytes")
	}
	again, err := ParseEdition(a.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	one, _ := a.Append(nil, sampleReader())
	two, err := again.Append(nil, sampleReader())
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("the stored edition gives another message (%v)", err)
	}
	if _, err := ParseEdition([]byte("hello")); err == nil {
		t.Error("five letters were taken for an edition")
	}
}

// Header and SMTP injection by a reader's values or an editor's words.
func TestFault_S8_Injection(t *testing.T) {
	e := freeze(t)
	for _, evil := range []string{"a\r\nBcc: x@y", "a\nb", "a\rb", "a\x00b", "\r\n.\r\nMAIL FROM:<x>"} {
		for name, r := range map[string]*Reader{
			"name": {Address: "a@b.example", Name: evil}, "address": {Address: evil}, "id": {Address: "a@b.example", MessageID: evil}, "url": {Address: "a@b.example", UnsubscribeURL: evil},
		} {
			dst := []byte("before")
			out, err := e.Append(dst, r)
			if !errors.Is(err, ErrValue) || string(out) != "before" {
				t.Errorf("%s %q: error %v, %d octets were written", name, evil, err, len(out)-len(dst))
			}
		}
		m := sampleMail()
		m.Subject = evil
		if _, err := Freeze(m, sampleHeaders()); err == nil {
			t.Errorf("a subject %q was frozen", evil)
		}
		h := sampleHeaders()
		h.ListName = evil
		if _, err := Freeze(sampleMail(), h); err == nil {
			t.Errorf("a list name %q was frozen", evil)
		}
	}
	// In a body these are words like any other.
	m := sampleMail()
	m.Text = "\n.\nMAIL FROM:<x>\n..\n.\n" + newsletter.SlotUnsubscribe.Marker()
	if e, err := Freeze(m, sampleHeaders()); err != nil {
		t.Fatal(err)
	} else if wire, err := e.Append(nil, sampleReader()); err != nil || bytes.Contains(wire, []byte("\r\n.\r\n")) {
		t.Errorf("the body ends itself (%v)", err)
	}
}

func FuzzSlots(f *testing.F) {
	f.Add("Әйгерім", "https://news.example/u/abc", "")
	f.Add(".", "From x", "a b ")
	f.Fuzz(func(t *testing.T, name, unsubscribe, preferences string) {
		r := &Reader{Address: "a@b.example", MessageID: "m@n", Name: name, UnsubscribeURL: unsubscribe, PreferencesURL: preferences}
		wire, err := freeze(t).Append(nil, r)
		if err != nil {
			return
		}
		if bytes.Contains(wire, []byte("\r\n.\r\n")) || strings.ContainsAny(strings.ReplaceAll(string(wire), "\r\n", ""), "\r\n\x00") {
			t.Fatal("the message breaks out")
		}
		parse(t, bytes.ReplaceAll(wire, []byte("\r\n.."), []byte("\r\n.")))
	})
}

func BenchmarkSplice(b *testing.B) {
	m := sampleMail()
	m.HTML = strings.Replace(m.HTML, "<p>", "<p>"+strings.Repeat("Forty kilobytes of prose. ", 1500), 1)
	e, err := Freeze(m, sampleHeaders())
	if err != nil {
		b.Fatal(err)
	}
	r := sampleReader()
	r.Name = "A. Reader"
	buf, _ := e.Append(nil, r)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = e.Append(buf[:0], r)
	}
}
