package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"apta/newsletter/transport/smtptest"
	"apta/subscribers"

	gomail "github.com/wneessen/go-mail"
)

// doorway is the newsroom's site with its letters, on a clock of the test's own.
type doorway struct {
	*newsroom
	t       *testing.T
	site    *httptest.Server
	postman *postman
}

func newDoorway(t *testing.T) *doorway {
	t.Helper()
	d := &doorway{newsroom: newNewsroom(t, nil), t: t}
	d.at(t, "2024-10-15T12:00:00Z")
	handler, err := d.handler(d.rooms)
	if err != nil {
		t.Fatal(err)
	}
	d.site = httptest.NewServer(handler)
	t.Cleanup(d.site.Close)
	if d.postman, err = d.app.postman(d.rooms); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.postman.hangUp)
	return d
}

// fetch asks for a page; a form is posted.
func (d *doorway) fetch(path string, form url.Values) (status int, body string) {
	d.t.Helper()
	var answer *http.Response
	var err error
	if form == nil {
		answer, err = http.Get(d.site.URL + path)
	} else {
		answer, err = http.PostForm(d.site.URL+path, form)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

var stampField = regexp.MustCompile(`name="stamp" value="([^"]+)"`)

// ask fills in the subscribe form as a person does, who takes a moment.
func (d *doorway) ask(path, email string, more ...string) {
	d.t.Helper()
	_, page := d.fetch(path, nil)
	form := url.Values{"email": {email}, "stamp": {stampField.FindStringSubmatch(page)[1]}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Add(more[i], more[i+1])
	}
	d.clock = d.clock.Add(3 * time.Second)
	if status, page := d.fetch(path, form); status != http.StatusOK || strings.Contains(page, "problem") {
		d.t.Fatalf("%s answers %d:\n%s", path, status, page)
	}
}

// post delivers what is due and gives the last of all letters, and its link.
func (d *doorway) post() (m smtptest.Message, link string) {
	d.t.Helper()
	if err := d.postman.sendDue(context.Background()); err != nil {
		d.t.Fatal(err)
	}
	all := d.relay.Messages()
	m = all[len(all)-1]
	msg, err := gomail.EMLToMsgFromString(m.Data)
	if err != nil {
		d.t.Fatal(err)
	}
	text, err := msg.GetParts()[0].GetContent()
	if err != nil {
		d.t.Fatal(err)
	}
	link = regexp.MustCompile(`http://127\.0\.0\.1:8080(/\S+)`).FindStringSubmatch(string(text))[1]
	return m, link
}

func TestAReaderComesAndGoes(t *testing.T) {
	d := newDoorway(t)
	d.ask("/subscribe", "new@example.org", "language", "ru")
	m, link := d.post()
	if m.To != "<new@example.org>" || !strings.Contains(m.Data, "Auto-Submitted: auto-generated\r\n") || strings.Contains(m.Data, "List-Unsubscribe") {
		t.Errorf("the letter to %s is\n%s", m.To, m.Data)
	}
	if _, page := d.fetch(link, nil); !strings.Contains(page, "Да, подписать меня") {
		t.Errorf("the page is\n%s", page)
	}
	if _, page := d.fetch(link, url.Values{}); !strings.Contains(page, "Вы подписаны") {
		t.Errorf("the page is\n%s", page)
	}
	sub, err := d.rooms.subscribers.ByEmail(context.Background(), "new@example.org")
	if err != nil || sub.Status != subscribers.Active || sub.Language != "ru" {
		t.Fatalf("stored is %+v (%v)", sub, err)
	}
	d.ask("/lost", "new@example.org")
	_, link = d.post()
	if status, page := d.fetch(link, nil); status != 200 || !strings.Contains(page, "Удалить меня") {
		t.Errorf("%s answers %d\n%s", link, status, page)
	}
	leave := "/u/" + d.rooms.keys.Token(subscribers.PurposeUnsubscribe, sub.ID, sub.Generation)
	d.fetch(leave, url.Values{"List-Unsubscribe": {"One-Click"}})
	if _, back := d.post(); back != leave || d.relay.Count() != 3 {
		t.Errorf("the last of %d letters leads to %s", d.relay.Count(), back)
	}
}
