package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/desk"
)

// bigWeek is a database with a draft of 500 items, and an editor. It gives the
// draft and the ID of its first piece.
func bigWeek(b *testing.B, dir string) (issue newsletter.Issue, piece string) {
	b.Helper()
	ctx := context.Background()
	c := defaults()
	c.Mail.From, c.Newsletter.MaxItems = "weekly@news.example", 60
	for _, problem := range c.check() {
		b.Fatal(problem)
	}
	c.resolvePaths(filepath.Join(dir, "apta.toml"))
	a := &app{stdout: io.Discard, stderr: io.Discard, now: time.Now, cfg: &c}
	r, err := a.open(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer a.close()
	w, err := newsletter.ParseWeek("2026-W24", time.UTC)
	if err != nil {
		b.Fatal(err)
	}
	themes, places := []string{"Harbour", "Schools", "Courts", "Water", "Transport", "Energy", "Health", "Markets", "Culture", "Science"}, []string{"Haverhythe", "Skerholm", "Sankt Orm", "Millgate", "Fallow"}
	var items []newsletter.Item
	for n := range 500 {
		theme, place := themes[n%len(themes)], places[n%len(places)]
		items = append(items, newsletter.Item{URL: fmt.Sprintf("https://quaypost.example/%d", n), Title: fmt.Sprintf("%s of %s agrees on plan %d", theme, place, n),
			Summary: fmt.Sprintf("The council of %s agreed on Tuesday to plan %d for its %s, which had been asked for since the floods of last spring and will cost less than a new roof.", place, n, strings.ToLower(theme)),
			Source:  "The Quay Post", Theme: theme, Place: place, Language: "en", Published: w.From.Add(time.Duration(n) * 15 * time.Minute), Latest: n%5 == 0})
	}
	if _, err := r.newsletter.PutItems(ctx, items); err != nil {
		b.Fatal(err)
	}
	if issue, err = a.compose(ctx, r, w); err != nil {
		b.Fatal(err)
	}
	if issue, err = r.newsletter.SaveIssue(ctx, issue); err != nil {
		b.Fatal(err)
	}
	e, err := r.editors(a).Add(ctx, desk.Editor{}, desk.Editor{Name: "Lena", Email: "lena@news.example", Role: desk.Writer}, "")
	if err != nil {
		b.Fatal(err)
	}
	if err := r.editors(a).SetPassword(ctx, e, deskPhrase, 0); err != nil {
		b.Fatal(err)
	}
	return issue, issue.Strands[0].Items[0].ID.String()
}

// signedIn gives the cookie of an editor of a running apta serve.
func (s *served) signedIn() string {
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar}
	res, err := client.PostForm("http://"+s.address+"/desk/signin", url.Values{"email": {"lena@news.example"}, "password": {deskPhrase}})
	if err != nil || res.StatusCode != http.StatusOK {
		s.b.Fatal(err, res)
	}
	res.Body.Close()
	for _, c := range jar.Cookies(res.Request.URL) {
		if strings.HasSuffix(c.Name, "desk") {
			return c.Name + "=" + c.Value
		}
	}
	s.b.Fatal("there is no session")
	return ""
}

// The desk of a week of 500 items, as four editors ask for it, and what a browser
// loads for it in all.
func BenchmarkDeskOf500Items(b *testing.B) {
	bin, dir := build(b), b.TempDir()
	issue, _ := bigWeek(b, dir)
	s := serveIn(b, bin, dir)
	request := "GET /desk/issues/" + issue.ID.String() + " HTTP/1.1\r\nHost: " + s.address + "\r\nAccept-Encoding: gzip\r\nCookie: " + s.signedIn() + "\r\n\r\n"
	weight := s.weigh(request)
	s.load(2, 1000, func(int) string { return request })
	b.ReportMetric(weight, "KB")
}

// The preview of an edit, which a keystroke asks for.
func BenchmarkPreviewOfAnEdit(b *testing.B) {
	bin, dir := build(b), b.TempDir()
	issue, piece := bigWeek(b, dir)
	s := serveIn(b, bin, dir)
	cookie := s.signedIn()
	s.load(2, 1000, func(i int) string {
		form := url.Values{"do": {"piece"}, "piece": {piece}, "revision": {"1"}, "text": {fmt.Sprintf("Typed just now, for the %d-th time.", i)}}.Encode()
		return fmt.Sprintf("POST /desk/issues/%s/preview/mail HTTP/1.1\r\nHost: %s\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nCookie: %s\r\n\r\n%s",
			issue.ID, s.address, len(form), cookie, form)
	})
}

// weigh asks for a page and for what it refers to, as a browser does that has
// nothing yet, and gives the bytes that came over the wire, in KB.
func (s *served) weigh(request string) float64 {
	total := 0
	body := s.fetchOnce(request, &total)
	for _, m := range regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`).FindAllStringSubmatch(body, -1) {
		s.fetchOnce("GET "+m[1]+" HTTP/1.1\r\nHost: "+s.address+"\r\nAccept-Encoding: gzip\r\n\r\n", &total)
	}
	return float64(total) / 1024
}

func (s *served) fetchOnce(request string, total *int) string {
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		s.b.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, request)
	counted := &counter{r: conn}
	res, err := http.ReadResponse(bufio.NewReader(counted), nil)
	if err != nil || res.StatusCode != http.StatusOK {
		s.b.Fatal(err, res)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.b.Fatal(err)
	}
	*total += counted.n
	return unpacked(s.b, res.Header.Get("Content-Encoding"), body)
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

func unpacked(b *testing.B, coding string, body []byte) string {
	if coding != "gzip" {
		return string(body)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}
