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

// refuse has another relay take the letters, which refuses an address.
func (d *doorway) refuse(address string) {
	d.t.Helper()
	relay, err := smtptest.Start(smtptest.Options{Script: func(stage smtptest.Stage, argument string) smtptest.Action {
		if stage == smtptest.Rcpt && strings.Contains(argument, address) {
			return smtptest.Action{Reply: "550 5.1.1 no such mailbox"}
		}
		return smtptest.Action{}
	}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(relay.Close)
	d.relay, d.cfg.SMTP.Port = relay, relay.Port()
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
	d.wait(3 * time.Second)
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

// A relay that is away loses no letter: it goes when the relay is back, once.
func TestLettersWaitForTheRelay(t *testing.T) {
	d := newDoorway(t)
	ctx := context.Background()
	right := d.cfg.SMTP.Port
	d.cfg.SMTP.Port = 1 // nothing listens there
	d.ask("/subscribe", "new@example.org")
	for range 3 {
		if err := d.postman.sendDue(ctx); err != nil {
			t.Fatal(err)
		}
		d.wait(time.Minute)
	}
	if d.relay.Count() != 0 {
		t.Fatal("a letter came by no way")
	}
	d.cfg.SMTP.Port = right
	for range 3 {
		if err := d.postman.sendDue(ctx); err != nil {
			t.Fatal(err)
		}
		d.wait(time.Hour)
	}
	if d.relay.Count() != 1 {
		t.Errorf("%d letters came", d.relay.Count())
	}
}

// A process that dies with a letter in its hand leaves it to the next.
func TestLettersOutliveTheirPostman(t *testing.T) {
	d := newDoorway(t)
	d.ask("/subscribe", "new@example.org")
	if _, found, err := d.rooms.subscribers.NextLetter(context.Background(), letterHold); !found || err != nil {
		t.Fatal(found, err) // taken, and never settled
	}
	if err := d.postman.sendDue(context.Background()); err != nil || d.relay.Count() != 0 {
		t.Fatalf("it was taken twice: %d letters (%v)", d.relay.Count(), err)
	}
	d.wait(letterHold + time.Second)
	if m, _ := d.post(); m.To != "<new@example.org>" || d.relay.Count() != 1 {
		t.Errorf("%d letters, the last to %s", d.relay.Count(), m.To)
	}
}

// A refused letter is given up, and the next is sent all the same.
func TestARefusedLetterHoldsUpNoOther(t *testing.T) {
	d := newDoorway(t)
	d.ask("/subscribe", "refused@example.org")
	d.ask("/subscribe", "taken@example.org")
	d.refuse("refused@example.org")
	if m, _ := d.post(); m.To != "<taken@example.org>" || d.relay.Count() != 1 {
		t.Errorf("%d letters, the last to %s", d.relay.Count(), m.To)
	}
	d.wait(24 * time.Hour)
	if d.post(); d.relay.Count() != 1 {
		t.Errorf("a refused letter was sent again: %d", d.relay.Count())
	}
}

func TestVisitorBehindAProxy(t *testing.T) {
	c := defaults()
	c.Proxies = []string{"127.0.0.1", "10.0.0.0/8"}
	for _, problem := range c.check() {
		t.Fatal(problem)
	}
	for header, want := range map[string]string{
		"": "127.0.0.1", "192.0.2.7": "192.0.2.7", "203.0.113.9, 192.0.2.7": "192.0.2.7", "192.0.2.7, 10.1.2.3": "192.0.2.7",
		"rubbish": "127.0.0.1", "rubbish, 10.1.2.3": "10.1.2.3", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8::1": "2001:db8::1",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "127.0.0.1:4711"
		r.Header.Set("X-Forwarded-For", header)
		if got := c.visitor(r).String(); got != want {
			t.Errorf("%q: got %s, want %s", header, got, want)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "198.51.100.1:4711"
	r.Header.Set("X-Forwarded-For", "192.0.2.7")
	if got := c.visitor(r).String(); got != "198.51.100.1" {
		t.Errorf("a stranger's header is believed: %s", got)
	}
}
