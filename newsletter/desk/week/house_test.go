package week_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/delivery"
	"apta/newsletter/desk"
	"apta/newsletter/desk/week"
	"apta/newsletter/intake/fetch"
	"apta/newsletter/render"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestMain(m *testing.M) { databasetest.Run(m) }

const phrase = "four plain words here"

// room is a newsletter as the screen knows it, with the mails that it was to send.
type room struct {
	store *newsletter.Store
	style assemble.Style
	sent  []newsletter.Issue
	as    []subscribers.Variant
	fails error
}

func (r *room) Masthead() newsletter.Masthead {
	return newsletter.Masthead{Slug: "weekly", Name: "Week in Review", Newsroom: "The Quay Post", Language: "en", Zone: time.UTC, BaseURL: "https://quaypost.example"}
}
func (r *room) From() string { return "The Quay Post" }
func (r *room) Topics(context.Context) ([]string, error) {
	return []string{"Courts", "Harbour", "Schools"}, nil
}
func (r *room) Material(ctx context.Context, i newsletter.Issue) (week.Material, error) {
	m := week.Material{Window: newsletter.Window{Name: i.Week, From: i.From, To: i.To}, Style: r.style, Past: assemble.Past{Draft: &i, Earlier: map[string]string{}}}
	var err error
	m.Items, err = r.store.ItemsIn(ctx, m.Window)
	return m, err
}
func (r *room) Page(context.Context, newsletter.Issue) ([]byte, error) {
	return []byte("<!doctype html><html><head></head><body>page</body></html>"), nil
}
func (r *room) SendTest(_ context.Context, i newsletter.Issue, _ string, as subscribers.Variant) error {
	r.sent, r.as = append(r.sent, i), append(r.as, as)
	return r.fails
}

// house is a desk with the screen, over a fresh database and behind a real server.
type house struct {
	t      *testing.T
	server *httptest.Server
	store  *newsletter.Store
	room   *room
	desk   *desk.Editors
	screen *week.Screen
	issue  newsletter.Issue
	at     string
}

// links answers as the addresses say.
type links struct{}

func (links) Get(_ context.Context, r fetch.Request) (*fetch.Page, error) {
	if strings.HasSuffix(r.URL, "/6") {
		return nil, &fetch.StatusError{Code: http.StatusNotFound}
	}
	return &fetch.Page{}, nil
}

var summaries = []struct{ strand, theme, title, summary string }{
	{"dredging", "Harbour", "Dredger starts on the east channel", "The dredger *Halcyon* began work on the east channel on Monday."},
	{"dredging", "Harbour", "Pilots refuse night passages", "The pilots' guild refused all night passages until the channel is marked."},
	{"school", "Schools", "School roof gives way", "A roof at the girls' school gave way in the rain."},
	{"school", "Schools", "Lessons move to the chapel", "Lessons have moved to the chapel, which has an organ."},
	{"court", "Courts", "Judge rules for the oyster men", "Judge Aldous Marsh ruled for the oyster men on Friday."},
	{"court", "Courts", "Appeal is lodged", "The harbour office has lodged an appeal against the ruling."},
}

func each(t *testing.T, test func(*testing.T, *house)) {
	t.Parallel()
	databasetest.Each(t, []database.Schema{newsletter.Schema(), delivery.Schema(), desk.Schema()}, func(t *testing.T, db *database.DB) { test(t, newHouse(t, db)) })
}

func newHouse(t *testing.T, db *database.DB) *house {
	t.Helper()
	from := time.Date(2026, 6, 8, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return from.AddDate(0, 0, 7).Add(9 * time.Hour) }
	ids := database.NewIDs(nil, nil)
	h := &house{t: t, store: newsletter.NewStore(db, ids, clock)}
	h.room = &room{store: h.store, style: assemble.Style{Language: "en", Newsroom: "The Quay Post", TitlePrefix: "Week in Review", Standfirst: "By {newsroom}.", MaxLatest: 5}}
	var items []newsletter.Item
	for n, s := range summaries {
		items = append(items, newsletter.Item{URL: "https://quaypost.example/" + strconv.Itoa(n+1), Title: s.title, Summary: s.summary, Source: "The Quay Post", Theme: s.theme, Place: "Haverhythe",
			Language: "en", Published: from.Add(time.Duration(n+1) * time.Hour), Strand: s.strand, Order: n + 1})
	}
	if _, err := h.store.PutItems(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	items, err := h.store.ItemsIn(t.Context(), newsletter.Window{From: from, To: from.AddDate(0, 0, 7)})
	if err != nil {
		t.Fatal(err)
	}
	made, _, err := assemble.Compose(items, newsletter.Window{Name: "2026-W24", From: from, To: from.AddDate(0, 0, 7)}, h.room.style, assemble.Past{})
	if err != nil {
		t.Fatal(err)
	}
	made.Newsletter = "weekly"
	if h.issue, err = h.store.SaveIssue(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	h.at = "/desk/issues/" + h.issue.ID.String()
	renderer, err := render.New()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	h.desk = desk.NewEditors(db, ids, clock, nil)
	h.screen = week.New(week.Options{Store: h.store, Renderer: renderer, Links: links{}, Newsroom: func(newsletter.Issue) (week.Newsroom, error) { return h.room, nil }, Now: clock, Log: log})
	h.server = httptest.NewUnstartedServer(nil)
	t.Cleanup(h.server.Close)
	t.Cleanup(h.screen.Close)
	d, err := desk.New(desk.Options{Newsroom: "The Quay Post", BaseURL: "http://" + h.server.Listener.Addr().String(), Language: "en", Newsletters: []desk.Newsletter{{Masthead: h.room.Masthead()}},
		Store: h.store, Editors: h.desk, Steering: delivery.NewSteering(delivery.NewLedger(db, clock), h.store, nil, nil), Renderer: renderer, Week: h.screen, Now: clock, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	h.server.Config.Handler = d
	h.server.Start()
	return h
}

// browser is an editor's, who is signed in.
type browser struct {
	h    *house
	http *http.Client
}

func (h *house) editor(name string) *browser {
	h.t.Helper()
	e, err := h.desk.Add(h.t.Context(), desk.Editor{}, desk.Editor{Name: name, Email: strings.ToLower(name) + "@quaypost.example", Role: desk.Writer}, "")
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.desk.SetPassword(h.t.Context(), e, phrase, 0); err != nil {
		h.t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	b := &browser{h, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if a := b.ask("POST", "/desk/signin", url.Values{"email": {e.Email}, "password": {phrase}}); a.status != http.StatusSeeOther {
		h.t.Fatalf("%s is not let in: %d", name, a.status)
	}
	return b
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (b *browser) ask(method, path string, form url.Values) answer {
	b.h.t.Helper()
	req, err := http.NewRequestWithContext(b.h.t.Context(), method, b.h.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.h.t.Fatal(err)
	}
	if method == "POST" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.h.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.h.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

func (b *browser) get(path string) answer { b.h.t.Helper(); return b.ask("GET", b.h.at+path, nil) }

// does sends an edit of a revision.
func (b *browser) does(revision int, op string, pairs ...string) answer {
	b.h.t.Helper()
	form := url.Values{"op": {op}, "revision": {strconv.Itoa(revision)}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.ask("POST", b.h.at+"/edit", form)
}

func (h *house) now() newsletter.Issue {
	h.t.Helper()
	i, err := h.store.Issue(h.t.Context(), "", h.issue.ID.String())
	if err != nil {
		h.t.Fatal(err)
	}
	return i
}

func (h *house) id(n int) string { return h.issue.Strands[n/2].Items[n%2].ID.String() }
