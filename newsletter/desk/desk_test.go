package desk

import (
	"cmp"
	"context"
	"database/sql"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/api"
	"apta/newsletter/delivery"
	"apta/newsletter/intake/feeds"
	"apta/newsletter/intake/fetch"
	"apta/newsletter/intake/page"
	"apta/newsletter/jobs"
	"apta/newsletter/notice"
	"apta/newsletter/render"
	"apta/newsletter/schedule"
	"apta/newsletter/webhooks"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestMain(m *testing.M) {
	usual = cost{memory: 1 << 10, passes: 1, threads: 1} // what it costs is not what these tests are about
	databasetest.Run(m)
}

// house is a desk over a fresh database, behind a real server.
type house struct {
	*Desk
	db     *database.DB
	server *httptest.Server
	mu     sync.Mutex
	clock  time.Time

	started atomic.Int64 // how often a send was begun
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
}

const phrase = "four plain words here"

func newHouse(t *testing.T, db *database.DB, change ...func(*Options)) *house {
	t.Helper()
	h := &house{db: db, clock: time.Date(2026, 6, 12, 9, 0, 0, 0, time.UTC)}
	h.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.Desk.ServeHTTP(w, r) }))
	t.Cleanup(h.server.Close)
	ids := database.NewIDs(h.now, nil)
	renderer, err := render.New()
	if err != nil {
		t.Fatal(err)
	}
	store, ledger := newsletter.NewStore(db, ids, h.now), delivery.NewLedger(db, h.now)
	keys, err := subscribers.NewKeys([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	readers := subscribers.NewStore(db, ids, keys, h.now).For("weekly")
	fetcher := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 5 * time.Second})
	engine := jobs.New(db, slog.New(slog.DiscardHandler))
	cron, err := schedule.Parse("0 9 * * FRI", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	notices := notice.NewStore(db, ids, h.now)
	flow := schedule.NewFlow(store, engine, notices, schedule.FlowOptions{
		Newsletter: "weekly", Schedule: cron, Window: cron.Rolling, CoolOff: 15 * time.Minute, Desk: h.server.URL + "/desk", Now: h.now,
		Freeze: func(context.Context, newsletter.Issue) (map[string][]byte, error) {
			return map[string][]byte{"": []byte("frozen")}, nil
		},
	})
	start := func(ctx context.Context, i newsletter.Issue) error {
		h.started.Add(1)
		sender := delivery.NewSender(ledger, store, keys, delivery.Options{Log: slog.New(slog.DiscardHandler)})
		return sender.Start(ctx, i)
	}
	o := Options{
		Newsroom: "Quay Post", BaseURL: h.server.URL, Language: "en", Store: store, Editors: NewEditors(db, ids, h.now, nil), Renderer: renderer, Notices: notices,
		Newsletters: []Newsletter{{Masthead: newsletter.Masthead{Slug: "weekly", Name: "Week in Review", Language: "en", Zone: time.UTC}, Readers: readers, Flow: flow, Start: start}},
		Ledger:      ledger, Tokens: api.NewTokens(db, ids, h.now, nil),
		Feeds:    &feeds.Poller{Store: feeds.NewStore(db, ids, h.now), Shelf: store, Fetch: fetcher, Reader: feeds.NewReader(time.UTC, h.now), Every: time.Hour, Now: h.now},
		Webhooks: webhooks.New(db, ids, webhooks.Options{Secret: func(database.ID) []byte { return make([]byte, 32) }, Now: h.now, Enqueue: func(context.Context, *sql.Tx, database.ID) error { return nil }}),
		ReadPage: func(ctx context.Context, address string) (newsletter.Item, error) {
			got, err := fetcher.Get(ctx, fetch.Request{URL: address, Accept: page.Accept})
			if err != nil {
				return newsletter.Item{}, err
			}
			return page.Read(got.Body, got.ContentType, got.URL, time.UTC)
		},
		Steering: delivery.NewSteering(ledger, store, nil, nil), Now: h.now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	for _, c := range change {
		c(&o)
	}
	if h.Desk, err = New(o); err != nil {
		t.Fatal(err)
	}
	return h
}

func each(t *testing.T, test func(*testing.T, *house)) {
	t.Parallel()
	databasetest.Each(t, []database.Schema{subscribers.Schema(), newsletter.Schema(), delivery.Schema(), notice.Schema(), api.Schema(), jobs.Schema(), feeds.Schema(), webhooks.Schema(), Schema()}, func(t *testing.T, db *database.DB) { test(t, newHouse(t, db)) })
}

// browser is one of somebody's, with its cookies.
type browser struct {
	t    *testing.T
	h    *house
	http *http.Client
	sent http.Header // with every request
}

func (h *house) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, h, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, http.Header{}}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (b *browser) ask(method, path string, form url.Values) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.h.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	for k, v := range b.sent {
		req.Header[k] = v
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", cmp.Or(b.sent.Get("Sec-Fetch-Site"), "same-origin"))
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

func (b *browser) get(path string) answer { b.t.Helper(); return b.ask(http.MethodGet, path, nil) }

func (b *browser) post(path string, pairs ...string) answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.ask(http.MethodPost, path, form)
}

// want fails the test where an answer is another one.
func (a answer) want(t *testing.T, status int, parts ...string) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d (Location %q)\n%s", a.status, status, a.header.Get("Location"), words(a.body))
	}
	for _, p := range parts {
		if !strings.Contains(a.body, p) {
			t.Fatalf("no %q in\n%s", p, a.body)
		}
	}
	return a
}

func (a answer) to(t *testing.T, where string) {
	t.Helper()
	if a.want(t, http.StatusSeeOther); a.header.Get("Location") != where {
		t.Fatalf("goes to %q, want %q", a.header.Get("Location"), where)
	}
}

func words(page string) string {
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")), " ")
}

// editor makes an editor and gives a browser in which they are signed in.
func (h *house) editor(t *testing.T, name string, role Role) (*browser, Editor) {
	t.Helper()
	sealed, err := seal(t.Context(), phrase)
	if err != nil {
		t.Fatal(err)
	}
	e, err := h.Editors.Add(t.Context(), Editor{}, Editor{Name: name, Email: strings.ToLower(name) + "@quaypost.example", Role: role}, sealed)
	if err != nil {
		t.Fatal(err)
	}
	b := h.browser(t)
	b.post("/desk/signin", "email", e.Email, "password", phrase).to(t, "/desk/")
	return b, e
}

// did reports whether the audit log has something.
func (h *house) did(t *testing.T, what, subject string) bool {
	t.Helper()
	list, _, err := h.Editors.Log(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.What == what && strings.Contains(e.Subject, subject) {
			return true
		}
	}
	return false
}

func (h *house) issue(t *testing.T, week string) newsletter.Issue {
	t.Helper()
	w, err := newsletter.ParseWeek(week, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	i, err := h.Store.SaveIssue(t.Context(), newsletter.Issue{Newsletter: "weekly", Week: w.Name, From: w.From, To: w.To, Language: "en",
		Title: "Week in Review: Harbour and More", Standfirst: "The week.", Subject: "Harbour and more",
		Strands: []newsletter.Strand{{Name: "harbour", Theme: "Harbour", Text: "The harbour opened.", Items: []newsletter.Piece{{ID: 1, Title: "Harbour", URL: "https://quaypost.example/1", Text: "The harbour opened.", Anchor: "harbour"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return i
}
