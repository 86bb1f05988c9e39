package api

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/newsletter/transport"
	"apta/newsletter/transport/smtptest"
	"apta/newsletter/webhooks"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
	"apta/subscribers/pages"
)

func TestMain(m *testing.M) { databasetest.Run(m) }

var schemas = []database.Schema{subscribers.Schema(), newsletter.Schema(), delivery.Schema(), webhooks.Schema(), Schema()}

// once runs a test for which it does not matter where things are kept.
func once(t *testing.T, test func(t *testing.T, db *database.DB)) {
	db, err := database.Open(context.Background(), filepath.Join(t.TempDir(), "apta.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(context.Background(), schemas...); err != nil {
		t.Fatal(err)
	}
	test(t, db)
}

// house is a newsroom with an API over HTTP, readers, a sender at work and a relay.
type house struct {
	*API
	t       *testing.T
	db      *database.DB
	subs    *subscribers.Store
	server  *httptest.Server
	relay   *smtptest.Server
	sender  *delivery.Sender
	secret  string // a token for everything
	log     bytes.Buffer
	logLock sync.Mutex

	clock time.Time // stands still unless a test moves it
}

func (h *house) Write(b []byte) (int, error) {
	h.logLock.Lock()
	defer h.logLock.Unlock()
	return h.log.Write(b)
}

func newHouse(t *testing.T, db *database.DB, script func(smtptest.Stage, string) smtptest.Action) *house {
	t.Helper()
	h := &house{t: t, db: db, clock: time.Now()}
	ids := database.NewIDs(nil, nil)
	store, ledger := newsletter.NewStore(db, ids, time.Now), delivery.NewLedger(db, time.Now)
	keys, err := subscribers.NewKeys([]byte(strings.Repeat("k", 32)))
	h.must(err)
	h.subs = subscribers.NewStore(db, ids, keys, time.Now).For("weekly")
	h.relay, err = smtptest.Start(smtptest.Options{Script: script})
	h.must(err)
	t.Cleanup(h.relay.Close)
	log := slog.New(slog.NewTextHandler(h, nil))
	relay := transport.Relay{Host: h.relay.Host(), Port: h.relay.Port(), TLS: "none", Timeout: 5 * time.Second}
	h.sender = delivery.NewSender(ledger, store, keys, delivery.Options{
		Relays:      []delivery.Relay{{Name: "relay", Connections: 2, Dial: delivery.Dialer(relay)}},
		Newsletters: map[string]delivery.Newsletter{"": {BaseURL: "https://news.example", Domain: "news.example", ReturnPath: "bounces@news.example"}}, Log: log,
	})
	now := func() time.Time { return h.clock }
	var steering *delivery.Steering
	steering = delivery.NewSteering(ledger, store, func(_ context.Context, issue database.ID) error {
		go sweepLater(steering, issue)
		return nil
	}, nil)
	hooks := webhooks.New(db, ids, webhooks.Options{Secret: func(database.ID) []byte { return make([]byte, 32) }, Now: time.Now, Log: log,
		Enqueue: func(context.Context, *sql.Tx, database.ID) error { return nil }})
	own, err := pages.New(h.subs, keys, pages.Options{Masthead: pages.Masthead{Name: "Weekly", BaseURL: "https://news.example", Language: "en"}}, log)
	h.must(err)
	h.API = New(Options{Webhooks: hooks, Readers: h.subs, Received: ledger.History, Subscriptions: own.Subscriptions(), Newsletter: "weekly", Store: store, Steering: steering, Newsroom: h, Tokens: NewTokens(db, ids, now, nil), Now: now, Log: log})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the site") })
	h.Register(mux)
	h.server = httptest.NewServer(mux)
	t.Cleanup(h.server.Close)
	h.secret = h.token(Scopes[:]...)
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// Approve is the part of the command line in this.
func (h *house) Approve(ctx context.Context, i newsletter.Issue, by string) error {
	u := newsletter.SlotUnsubscribe.Marker()
	e, err := transport.Freeze(newsletter.Mail{Subject: i.Title, Text: "text " + u + "\n", HTML: "<p>html " + u + "</p>"},
		transport.Headers{From: mail.Address{Address: "weekly@news.example"}, ListID: "weekly.news.example", Date: time.Now()})
	if err != nil {
		return err
	}
	return h.Store.Approve(ctx, i, newsletter.Approval{Editions: map[string][]byte{"": e.Bytes()}, By: by, SendsAt: h.clock.Add(15 * time.Minute)})
}

// PullBack is, too.
func (h *house) PullBack(ctx context.Context, i newsletter.Issue, _, why string) error {
	i.Status = newsletter.Approved
	return h.Store.Turn(ctx, i, newsletter.Draft, why)
}

// Hold is, too.
func (h *house) Hold(ctx context.Context, i newsletter.Issue, _, why string) error {
	return h.Store.Move(ctx, i.ID, newsletter.Held, why, newsletter.Draft, newsletter.Approved)
}

// Start is, too.
func (h *house) Start(ctx context.Context, i newsletter.Issue) error { return h.sender.Start(ctx, i) }

func (h *house) token(scopes ...Scope) string {
	h.t.Helper()
	secret, _, err := h.Tokens.Create(context.Background(), fmt.Sprint(h.clock.UnixNano(), scopes, len(h.log.Bytes())), scopes, 0)
	h.must(err)
	return secret
}

func (h *house) draft(week string) newsletter.Issue {
	h.t.Helper()
	i, err := h.Store.SaveIssue(context.Background(), newsletter.Issue{Newsletter: "weekly", Week: week, Language: "en", Title: "Harbour, Water, and More",
		Strands: []newsletter.Strand{{Name: "s", Theme: "Harbour", Text: "It reopened.", Items: []newsletter.Piece{{ID: 7, Title: "T", URL: "https://news.example/t", Text: "It reopened.", Anchor: "reopened"}}}}})
	h.must(err)
	return i
}

func (h *house) readers(n int) {
	h.t.Helper()
	subs := make([]subscribers.Subscriber, n)
	for i := range subs {
		subs[i].Email = fmt.Sprintf("reader%d@readers.example", i)
	}
	_, err := h.subs.AddAll(context.Background(), subs, "test")
	h.must(err)
}

// answer is a response whose form has been held against the description.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask makes a request with the token for everything.
func (h *house) ask(method, path, body string) answer {
	h.t.Helper()
	kind := ""
	if body != "" {
		kind = "application/json"
	}
	return h.askAs(h.secret, method, path, kind, body)
}

func (h *house) askAs(secret, method, path, kind, body string) answer {
	h.t.Helper()
	req, err := http.NewRequest(method, h.server.URL+path, strings.NewReader(body))
	h.must(err)
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return h.send(req)
}

func (h *house) send(req *http.Request) answer {
	h.t.Helper()
	res, err := h.server.Client().Do(req)
	h.must(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	h.must(err)
	validate(h.t, req, res, body)
	if cc := res.Header.Get("Cache-Control"); cc != "no-store" {
		h.t.Errorf("%s %s: Cache-Control is %q", req.Method, req.URL.Path, cc)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

// want holds a status and words against an answer.
func (h *house) want(a answer, status int, words ...string) answer {
	h.t.Helper()
	if a.status != status {
		h.t.Errorf("status %d, want %d: %s", a.status, status, a.body)
	}
	for _, w := range words {
		if !strings.Contains(a.body, w) {
			h.t.Errorf("nothing of %q in %s", w, a.body)
		}
	}
	return a
}

// sweepLater stands in for the job that does it.
func sweepLater(s *delivery.Steering, issue database.ID) {
	for range 300 {
		if ended, err := s.Sweep(context.Background(), issue); ended || err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
