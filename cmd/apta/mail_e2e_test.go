package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/pictures"
	"apta/newsletter/transport"
	"apta/subscribers"
)

// mailbox is the mails of a newsletter in one language as a reader gets them:
// that of a written week, with a picture, and the letter that asks to confirm.
type mailbox struct {
	language string
	keys     []transport.DKIM
	issue    newsletter.Mail
	messages map[string][]byte // week and letter
}

var mailLanguages = []struct{ tag, name, newsroom, standfirst, postal string }{
	{"en", "Week in Review", "The Sundmark Ledger", "{newsroom} has put together a brief synopsis of the past week.", "1 Quay Street, Aldwick"},
	{"ru", "Неделя", "Степной листок", "«{newsroom}» коротко рассказывает о том, чем жила область на этой неделе.", "ул. Абая, 3, Озёрск"},
	{"kk", "Апта", "Дала парағы", "«{newsroom}» өткен аптаның басты оқиғаларын қысқаша баяндайды.", "Абай көшесі, 3, Орал"},
}

// openMailbox assembles a written week and makes its mails; site is where their pictures are.
func openMailbox(t *testing.T, site string, l int) (*newsroom, *mailbox) {
	t.Helper()
	lang := mailLanguages[l]
	n := openNewsroom(t, func(c *Config) {
		c.BaseURL, c.Mail.From = site, lang.newsroom+" <weekly@news.example>"
		c.Newsletter.Language, c.Newsletter.Name, c.Newsletter.TitlePrefix, c.Newsletter.Newsroom, c.Newsletter.Standfirst, c.Newsletter.Postal, c.Newsletter.Reason =
			lang.tag, lang.name, lang.name, lang.newsroom, lang.standfirst, lang.postal, ""
	})
	ctx := t.Context()
	f, err := os.Open(filepath.Join("..", "..", "newsletter", "assemble", "testdata", "week-"+lang.tag+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := n.importItems(ctx, f, f.Name(), 0); err != nil {
		t.Fatal(err)
	}
	w, err := newsletter.ParseWeek("2026-W46", n.cfg.zone)
	if err != nil {
		t.Fatal(err)
	}
	issue, err := n.compose(ctx, n.rooms, w)
	if err != nil {
		t.Fatal(err)
	}
	made, err := pictures.Make(painting(t))
	if err != nil {
		t.Fatal(err)
	}
	shown := newsletter.Picture{Name: made.Name, Width: made.Width, Height: made.Height}
	if err := n.rooms.newsletter.PutPicture(ctx, shown, made.Type, made.Body, ""); err != nil {
		t.Fatal(err)
	}
	issue.Strands[1].Items[0].Picture = &shown
	box := &mailbox{language: lang.tag, messages: map[string][]byte{}}
	for _, kind := range []string{"rsa", "ed25519"} {
		key, err := transport.GenerateKey(kind)
		if err != nil {
			t.Fatal(err)
		}
		box.keys = append(box.keys, transport.DKIM{Domain: "news.example", Selector: kind, Key: key})
	}
	if box.issue, err = n.issueMail(ctx, n.rooms, issue); err != nil {
		t.Fatal(err)
	}
	letter, err := n.rooms.renderer.Letter(subscribers.Letter{Kind: subscribers.LetterConfirm, Language: lang.tag, Token: strings.Repeat("x", 32), Expires: issue.To}, n.cfg.masthead())
	if err != nil {
		t.Fatal(err)
	}
	h, err := n.cfg.headers(issue.Week, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, build := range map[string]func() (*transport.Edition, error){
		"week":   func() (*transport.Edition, error) { return transport.Freeze(box.issue, h) },
		"letter": func() (*transport.Edition, error) { return transport.FreezeLetter(letter, h) },
	} {
		edition, err := build()
		if err != nil {
			t.Fatal(err)
		}
		if edition, err = edition.Sign(time.Now(), box.keys...); err != nil {
			t.Fatal(err)
		}
		if box.messages[name], err = edition.Message(n.sampleReader(issue, "reader@example.org")); err != nil {
			t.Fatal(err)
		}
	}
	return n, box
}

// painting is a photograph of nothing: a sky over a steppe.
func painting(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 1600, 800))
	for y := range 800 {
		for x := range 1600 {
			c := color.RGBA{uint8(120 + y/8), uint8(150 + y/10), 200, 255}
			if y > 520+((x/9)%23) {
				c = color.RGBA{uint8(150 - y/12), uint8(130 - y/16), 60, 255}
			}
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// partsOf reads a message as the standard library does: header, text, HTML.
func partsOf(t *testing.T, message []byte) (header mail.Header, text, html string) {
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

// TestMailInABrowser has e2e/mail.mjs look at every mail in Chromium: at 320, 600
// and 1024 px, light and dark, with pictures and without, for axe-core and against
// the stored pictures, which APTA_GOLDEN_PICTURES writes anew.
func TestMailInABrowser(t *testing.T) {
	wants(t, "node")
	npm(t, "playwright-core")
	pages := map[string]string{}
	server := httptest.NewUnstartedServer(nil)
	defer server.Close()
	site := "http://" + server.Listener.Addr().String()
	mux := http.NewServeMux()
	for l, lang := range mailLanguages {
		n, box := openMailbox(t, site, l)
		if l == 0 {
			handler, err := n.handler(n.rooms)
			if err != nil {
				t.Fatal(err)
			}
			mux.Handle("GET /images/", handler)
		}
		for name, message := range box.messages {
			_, _, html := partsOf(t, message)
			pages[name+"-"+lang.tag] = html
		}
	}
	mux.HandleFunc("GET /mail/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, pages[r.PathValue("name")])
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /font/{name}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "../../newsletter/archive/fonts/"+filepath.Base(r.PathValue("name")))
	})
	server.Config.Handler = mux
	server.Start()
	runScript(t, "mail.mjs", "APTA_SITE="+site)
}

// notForTheBrowser are what the Nu validator objects to and mail programs want:
// Outlook its namespace and its own property, Gmail and Outlook the empty anchors of
// old as the places that a contents list leads to. All that is obsolete is a warning.
var notForTheBrowser = regexp.MustCompile(`^(Attribute “xmlns:o” not allowed here\.|CSS: “mso-hide”: Property “mso-hide” doesn't exist\.|Element “a” is missing required attribute “href”\.)$`)

func TestMailIsValid(t *testing.T) {
	wants(t, "java")
	npm(t, "vnu-jar")
	dir := t.TempDir()
	args := []string{"-jar", "e2e/node_modules/vnu-jar/build/dist/vnu.jar", "--format", "json", "--exit-zero-always", "--errors-only"}
	for l, lang := range mailLanguages {
		_, box := openMailbox(t, "https://news.example", l)
		for name, message := range box.messages {
			_, _, html := partsOf(t, message)
			file := filepath.Join(dir, name+"-"+lang.tag+".html")
			if err := os.WriteFile(file, []byte(html), 0o644); err != nil {
				t.Fatal(err)
			}
			args = append(args, file)
		}
	}
	var report bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "java", args...)
	cmd.Stderr = &report
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, report.String())
	}
	var found struct {
		Messages []struct{ URL, Type, Message, Extract string }
	}
	if err := json.Unmarshal(report.Bytes(), &found); err != nil {
		t.Fatalf("%v: %s", err, report.String())
	}
	if len(found.Messages) == 0 {
		t.Error("the validator found not even what is known: it has read nothing")
	}
	for _, m := range found.Messages {
		if m.Type == "error" && !notForTheBrowser.MatchString(m.Message) {
			t.Errorf("%s: %s: %s", filepath.Base(m.URL), m.Message, m.Extract)
		}
	}
}

// TestMailIsNoSpam has Debian's SpamAssassin judge each mail, with a name server
// beside it that knows our DKIM keys and nothing else.
func TestMailIsNoSpam(t *testing.T) {
	wants(t, "spamassassin")
	for l, lang := range mailLanguages {
		_, box := openMailbox(t, "https://news.example", l)
		port := keyServer(t, box.keys)
		for name, message := range box.messages {
			received := "Received: from mail.news.example (mail.news.example [93.184.215.14])\r\n\tby mx.example.org with ESMTPS id 1 for <reader@example.org>; " + time.Now().Format(time.RFC1123Z) + "\r\n"
			cmd := exec.CommandContext(t.Context(), "spamassassin", "-t", "-x",
				fmt.Sprintf("--cf=dns_server [127.0.0.1]:%d", port), "--cf=dns_available yes", "--cf=skip_rbl_checks 1", "--cf=use_bayes 0", "--cf=use_auto_welcomelist 0")
			cmd.Stdin = bytes.NewReader(append([]byte(received), message...))
			cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			m := regexp.MustCompile(`\((-?[0-9.]+) points,`).FindSubmatch(out)
			var points float64
			if m == nil {
				t.Fatalf("no score in\n%s", out)
			}
			fmt.Sscan(string(m[1]), &points)
			_, table, _ := strings.Cut(string(out), "Content analysis details:")
			t.Logf("%s in %s:%s", name, lang.tag, table)
			if points >= 0.5 {
				t.Errorf("%s in %s has %.1f points", name, lang.tag, points)
			}
			if !strings.Contains(table, "DKIM_VALID ") || !strings.Contains(table, "DKIM_VALID_AU ") {
				t.Errorf("%s in %s: the signature is not valid", name, lang.tag)
			}
		}
	}
}

// TestMailIsReadBack has Python's email package and w3m read each mail: both parts
// are what was meant, and the text can be read in a terminal.
func TestMailIsReadBack(t *testing.T) {
	wants(t, "w3m")
	for l, lang := range mailLanguages {
		_, box := openMailbox(t, "https://news.example", l)
		file := filepath.Join(t.TempDir(), "mail.eml")
		if err := os.WriteFile(file, box.messages["week"], 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("/usr/bin/python3", "testdata/e2e/readback.py", file).Output()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var read struct{ Subject, Text, HTML, Format, Delsp string }
		if err := json.Unmarshal(out, &read); err != nil {
			t.Fatal(err)
		}
		filled := func(s string) string {
			return regexp.MustCompile(`AptaSlot(unsubscribe|preferences)Here|https://news\.example/[up]/[\w-]+`).ReplaceAllString(s, "LINK")
		}
		if read.Subject != box.issue.Subject || read.Format != "flowed" || read.Delsp != "" {
			t.Errorf("%s: subject %q, format %q, delsp %q", lang.tag, read.Subject, read.Format, read.Delsp)
		}
		if got := filled(read.Text); strings.TrimRight(got, "\n") != strings.TrimRight(filled(box.issue.Text), "\n") {
			t.Errorf("%s: the text part is read as\n%s", lang.tag, got)
		}
		if got := filled(read.HTML); strings.TrimSpace(got) != strings.TrimSpace(filled(box.issue.HTML)) {
			t.Errorf("%s: the HTML part is read as\n%s", lang.tag, got)
		}
		html := filepath.Join(t.TempDir(), "mail.html")
		if err := os.WriteFile(html, []byte(read.HTML), 0o644); err != nil {
			t.Fatal(err)
		}
		shown, err := exec.Command("w3m", "-dump", "-T", "text/html", "-I", "UTF-8", "-O", "UTF-8", "-cols", "80", html).Output()
		if err != nil {
			t.Fatal(err)
		}
		words := strings.Join(strings.Fields(string(shown)), " ")
		for _, p := range strings.Split(regexp.MustCompile(` \[\d+\]`).ReplaceAllString(box.issue.Text, ""), "\n\n") {
			p = strings.Join(strings.Fields(p), " ")
			if len(p) > 120 && !strings.Contains(p, "AptaSlot") && !strings.Contains(p, "https://") && !strings.Contains(p, " - ") && !strings.Contains(words, p) {
				t.Errorf("%s: w3m does not show %q", lang.tag, p)
			}
		}
	}
}
