package transport

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
)

func dkimKey(t testing.TB, kind, selector string) DKIM {
	t.Helper()
	key, err := GenerateKey(kind)
	if err != nil {
		t.Fatal(err)
	}
	text, err := MarshalKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if key, err = ParseKey(text); err != nil {
		t.Fatal(err)
	}
	return DKIM{Domain: "news.example", Selector: selector, Key: key}
}

// zone answers for the keys' records.
func zone(t testing.TB, keys ...DKIM) func(string) ([]string, error) {
	return func(name string) ([]string, error) {
		for _, k := range keys {
			if name == k.Selector+"._domainkey."+k.Domain {
				record, err := DNSRecord(k.Key)
				return []string{record}, err
			}
		}
		return nil, errors.New("no such name: " + name)
	}
}

// verify holds a message against an independent verifier and gives how many
// signatures are valid.
func verify(t testing.TB, message []byte, keys ...DKIM) (valid int, last error) {
	t.Helper()
	checks, err := dkim.VerifyWithOptions(bytes.NewReader(message), &dkim.VerifyOptions{LookupTXT: zone(t, keys...)})
	if err != nil {
		return 0, err
	}
	for _, c := range checks {
		if c.Err == nil {
			valid++
		} else {
			last = c.Err
		}
	}
	return valid, last
}

func signedMessage(t testing.TB, r *Reader, keys ...DKIM) []byte {
	t.Helper()
	e, err := freeze(t).Sign(time.Now(), keys...)
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Message(r)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSignaturesAreValid(t *testing.T) {
	rsaKey, edKey := dkimKey(t, "rsa", "r1"), dkimKey(t, "ed25519", "e1")
	for name, keys := range map[string][]DKIM{"rsa": {rsaKey}, "ed25519": {edKey}, "both": {rsaKey, edKey}} {
		for reader, r := range map[string]*Reader{
			"full": sampleReader(), "nameless": {Address: "a@b.example", MessageID: "i@n", UnsubscribeURL: "https://n.example/u/x", PreferencesURL: "https://n.example/p/x"},
			"long": {Address: "a@b.example", Name: strings.Repeat("Ұзын есім ", 15), MessageID: "i@n", UnsubscribeURL: strings.Repeat("u", 300), PreferencesURL: "...."},
		} {
			m := signedMessage(t, r, keys...)
			if valid, err := verify(t, m, keys...); valid != len(keys) {
				t.Errorf("%s, %s: %d of %d signatures are valid (%v)\n%s", name, reader, valid, len(keys), err, m[:1500])
			}
			header, _, _ := strings.Cut(string(m), "\r\nDate:") // the signatures come first
			for _, line := range strings.Split(header, "\r\n") {
				if strings.HasPrefix(line, " ") && len(line) > 78 {
					t.Errorf("%s: a line of the header has %d octets: %s", name, len(line), line)
				}
			}
		}
	}
}

// A second From or List-Unsubscribe, another URL, another word in the body: each
// makes the signature void.
func TestSignaturesCoverWhatMatters(t *testing.T) {
	key := dkimKey(t, "ed25519", "e1")
	good := string(signedMessage(t, sampleReader(), key))
	for name, evil := range map[string]string{
		"second from":        strings.Replace(good, "From:", "From: <x@evil.example>\r\nFrom:", 1),
		"second unsubscribe": strings.Replace(good, "List-Unsubscribe:", "List-Unsubscribe: <https://evil.example>\r\nList-Unsubscribe:", 1),
		"other unsubscribe":  strings.Replace(good, "<https://news.example/u/", "<https://evil.example/u/", 1),
		"no one-click":       strings.Replace(good, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "", 1),
		"subject":            strings.Replace(good, "Subject: ", "Subject: Re: ", 1),
		"body":               strings.Replace(good, "A line that begins", "A lime that begins", 1),
		"added":              good + "more\r\n",
	} {
		if evil == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if valid, _ := verify(t, []byte(evil), key); valid != 0 {
			t.Errorf("%s: the signature is still valid", name)
		}
	}
}

// Debian's python3-dkim knows nothing of Go.
func TestSignaturesByAnotherVerifier(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import dkim, nacl").Run(); err != nil {
		if err := exec.Command(python, "-c", "import dkim").Run(); err != nil {
			t.Skip("skipped: python3-dkim is not installed here")
		}
	}
	key := dkimKey(t, "rsa", "r1")
	record, err := DNSRecord(key.Key)
	if err != nil {
		t.Fatal(err)
	}
	script := "import dkim, sys\nsys.exit(0 if dkim.verify(sys.stdin.buffer.read(), dnsfunc=lambda name, timeout=5: sys.argv[1].encode()) else 1)"
	for name, m := range map[string][]byte{"good": signedMessage(t, sampleReader(), key), "bad": bytes.Replace(signedMessage(t, sampleReader(), key), []byte("A line"), []byte("A lime"), 1)} {
		cmd := exec.Command(python, "-c", script, record)
		cmd.Stdin = bytes.NewReader(m)
		out, err := cmd.CombinedOutput()
		if (err == nil) != (name == "good") {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}
}

func TestZoneLine(t *testing.T) {
	line, err := ZoneLine(dkimKey(t, "rsa", "r1"))
	if err != nil || !strings.HasPrefix(line, `r1._domainkey.news.example. IN TXT ( "v=DKIM1; k=rsa; p=`) || strings.Count(line, `"`) != 4 {
		t.Errorf("%s (%v)", line, err)
	}
	if _, err := ParseKey([]byte("no key")); err == nil {
		t.Error("no key was read as one")
	}
	if _, err := GenerateKey("dsa"); err == nil {
		t.Error("a DSA key was made")
	}
}

func benchmarkSign(b *testing.B, kind string) {
	m := sampleMail()
	m.HTML = strings.Replace(m.HTML, "<p>", "<p>"+strings.Repeat("Forty kilobytes of prose. ", 1500), 1)
	e, err := Freeze(m, sampleHeaders())
	if err != nil {
		b.Fatal(err)
	}
	if e, err = e.Sign(time.Now(), dkimKey(b, kind, "s")); err != nil {
		b.Fatal(err)
	}
	r := sampleReader()
	buf, _ := e.Append(nil, r)
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = e.Append(buf[:0], r)
	}
}

func BenchmarkSignEd25519(b *testing.B) { benchmarkSign(b, "ed25519") }
func BenchmarkSignRSA(b *testing.B)     { benchmarkSign(b, "rsa") }
