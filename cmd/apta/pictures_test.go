package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"apta/newsletter"
)

// Of the pictures of a week those that can be shown are, once each and written
// anew; the others leave no hole, and nothing is fetched from where nothing may be.
func TestFault_E2_PicturesOfAWeek(t *testing.T) {
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 1500, 500)), nil); err != nil {
		t.Fatal(err)
	}
	var photos atomic.Int32 // how often it was asked for
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/photo.jpg":
			photos.Add(1)
			w.Write(photo.Bytes())
		case "/page.jpg":
			fmt.Fprint(w, "<!doctype html>")
		case "/huge.jpg":
			w.Write(make([]byte, 9<<20))
		default:
			http.NotFound(w, r)
		}
	}))
	defer site.Close()
	for _, inline := range []bool{false, true} {
		n := openNewsroom(t, func(c *Config) {
			c.Intake.Allow = "127.0.0.1"
			c.Newsletter.Postal = "1 Quay Street"
			if inline {
				c.Mail.Images = "inline"
			}
		})
		photos.Store(0)
		var items strings.Builder
		for i, at := range []string{site.URL + "/photo.jpg", site.URL + "/page.jpg", site.URL + "/huge.jpg", site.URL + "/nowhere.jpg", "http://127.0.0.2:1/x.jpg"} {
			fmt.Fprintf(&items, `{"url":"https://news.example/%d","title":"Story %d","summary":"What happened in place %d is told here.","theme":"Theme %d","language":"en","published":"2024-09-30T12:00:00Z","image":%q}`+"\n", i, i, i, i, at)
		}
		if err := n.importItems(t.Context(), strings.NewReader(items.String()), "items", 0); err != nil {
			t.Fatal(err)
		}
		issue, err := n.compose(t.Context(), n.rooms, n.cfg.slotWindow(n.cfg.cron.Next(n.now())))
		if err != nil {
			t.Fatal(err)
		}
		if issue, err = n.rooms.newsletter.SaveIssue(t.Context(), issue); err != nil {
			t.Fatal(err)
		}
		m, err := n.issueMail(t.Context(), n.rooms, issue)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(m.HTML, "<img ") != 1 || strings.Contains(m.HTML, site.URL) || !strings.Contains(m.HTML, `width="600" height="200" alt="Story 0"`) {
			t.Errorf("%d pictures in\n%s", strings.Count(m.HTML, "<img "), m.HTML)
		}
		if _, err := n.approve(t.Context(), n.rooms, issue, "test"); err != nil {
			t.Fatal(err)
		}
		if photos.Load() != 1 {
			t.Errorf("the picture was fetched %d times", photos.Load())
		}
		if inline {
			message, err := n.sampleMessage(issue, m)
			if err != nil || !bytes.Contains(message, []byte("multipart/related")) || !strings.Contains(m.HTML, `src="cid:`+m.Inline[0].ContentID()) {
				t.Errorf("the picture is not in the mail (%v)", err)
			}
			continue
		}
		checkServed(t, n, m)
	}
}

// checkServed asks for a mail's picture as a mail program does.
func checkServed(t *testing.T, n *newsroom, m newsletter.Mail) {
	t.Helper()
	handler, err := n.handler(n.rooms)
	if err != nil {
		t.Fatal(err)
	}
	_, at, _ := strings.Cut(m.HTML, newsletter.PicturePath)
	name, _, _ := strings.Cut(at, `"`)
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest("GET", newsletter.PicturePath+name, nil))
	c, kind, err := image.DecodeConfig(answer.Body)
	if answer.Code != http.StatusOK || !strings.Contains(answer.Header().Get("Cache-Control"), "immutable") || answer.Header().Get("Content-Type") != "image/jpeg" || err != nil || kind != "jpeg" || c.Width != 1200 {
		t.Errorf("%s: %d, %v, %s %d wide (%v)", name, answer.Code, answer.Header(), kind, c.Width, err)
	}
	answer = httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest("GET", newsletter.PicturePath+"nowhere.jpg", nil))
	if answer.Code != http.StatusNotFound {
		t.Errorf("a picture that is not there: %d", answer.Code)
	}
}
