package webhooks

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/intake/fetch"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func TestMain(m *testing.M) { databasetest.Run(m) }

// post is one message that a receiver got.
type post struct {
	header http.Header
	body   []byte
}

func (p post) id() string { return p.header.Get("Webhook-Id") }

func (p post) payload(t *testing.T) (kind string, data map[string]any) {
	t.Helper()
	var said struct {
		Type      string
		Timestamp time.Time
		Data      map[string]any
	}
	if err := json.Unmarshal(p.body, &said); err != nil || said.Timestamp.IsZero() {
		t.Fatalf("%s: %v", p.body, err)
	}
	return said.Type, said.Data
}

// house is the room, readers, an issue, and a receiver over HTTP.
type house struct {
	*Hooks
	t     *testing.T
	subs  *subscribers.Store
	store *newsletter.Store
	url   string
	clock time.Time

	mu     sync.Mutex
	posts  []post
	answer func(n int, w http.ResponseWriter, r *http.Request) // of the nth post, from 1; nil is 204
	queued map[database.ID]int                                 // how often Deliver was asked for
}

func newHouse(t *testing.T, db *database.DB) *house {
	t.Helper()
	h := &house{t: t, clock: time.Now().UTC().Truncate(time.Second), queued: map[database.ID]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost {
			t.Errorf("%s: %v", r.Method, err)
		}
		h.mu.Lock()
		h.posts = append(h.posts, post{r.Header.Clone(), body})
		n, answer := len(h.posts), h.answer
		h.mu.Unlock()
		if answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(n, w, r)
	}))
	t.Cleanup(server.Close)
	h.url = server.URL + "/hook"
	now := func() time.Time { return h.clock }
	ids := database.NewIDs(nil, nil)
	keys, err := subscribers.NewKeys([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	h.Hooks = New(db, ids, Options{
		Secret:  func(id database.ID) []byte { return keys.Secret("webhook " + id.String()) },
		Enqueue: func(_ context.Context, _ *sql.Tx, id database.ID) error { h.queued[id]++; return nil },
		Address: func(ctx context.Context, id database.ID) (string, error) {
			sub, err := h.subs.ByID(ctx, id)
			if errors.Is(err, subscribers.ErrNotFound) {
				err = nil
			}
			return sub.Email, err
		},
		IssueURL: newsletter.Masthead{BaseURL: "https://news.example", Slug: "weekly"}.IssueURL,
		Post:     fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 5 * time.Second, PerHost: 4}),
		Now:      now, Log: slog.New(slog.DiscardHandler),
	})
	h.subs = subscribers.NewStore(db, ids, keys, now).For("weekly").Telling(h.Subscriber)
	h.store = newsletter.NewStore(db, ids, now).TellingSent(h.Sent)
	return h
}

func each(t *testing.T, test func(t *testing.T, h *house)) {
	databasetest.Each(t, []database.Schema{subscribers.Schema(), newsletter.Schema(), Schema()}, func(t *testing.T, db *database.DB) {
		test(t, newHouse(t, db))
	})
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) hook(address bool, events ...string) Webhook {
	h.t.Helper()
	w, err := h.Add(context.Background(), Webhook{URL: h.url, Events: events, WithAddress: address})
	h.must(err)
	return w
}

func (h *house) reader(email string) database.ID {
	h.t.Helper()
	sub, _, err := h.subs.Enrol(context.Background(), subscribers.Subscriber{Email: email}, subscribers.Consent{Source: "test"})
	h.must(err)
	return sub.ID
}

func (h *house) deliver(w Webhook) {
	h.t.Helper()
	more, err := h.Deliver(context.Background(), w.ID, time.Minute)
	if err != nil || more {
		h.t.Fatalf("more %v (%v)", more, err)
	}
}

// kinds are the events that arrived, in order, those that arrived twice once: a
// receiver goes by the webhook-id.
func (h *house) kinds() string {
	var list []string
	seen := map[string]bool{}
	for _, p := range h.posts {
		if kind, _ := p.payload(h.t); !seen[p.id()] {
			list = append(list, kind)
		}
		seen[p.id()] = true
	}
	return strings.Join(list, " ")
}

func TestEventsArriveInOrderAndSigned(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := context.Background()
		all, some := h.hook(false, Events[:]...), h.hook(true, Bounced)
		id := h.reader("reader@example.org")
		for _, to := range []subscribers.Status{subscribers.Unsubscribed, subscribers.Active, subscribers.Bounced} {
			_, err := h.subs.SetStatus(ctx, id, to, subscribers.Consent{Source: "test " + string(to)})
			h.must(err)
		}
		_, err := h.subs.SetStatus(ctx, id, subscribers.Bounced, subscribers.Consent{Source: "again"})
		h.must(err)
		issue, err := h.store.SaveIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: "2024-W42", Language: "en", Title: "Harbour"})
		h.must(err)
		for _, step := range [][2]newsletter.Status{{newsletter.Draft, newsletter.Sending}, {newsletter.Sending, newsletter.Sent}} {
			h.must(h.store.Move(ctx, issue.ID, step[1], "", step[0]))
		}
		h.deliver(all)
		if got, want := h.kinds(), "subscriber.confirmed subscriber.unsubscribed subscriber.confirmed subscriber.bounced issue.sent"; got != want {
			t.Errorf("arrived are %s", got)
		}
		verify, err := standard.NewWebhook(h.Secret(all.ID))
		h.must(err)
		for _, p := range h.posts {
			if err := verify.Verify(p.body, p.header); err != nil {
				t.Errorf("%s: %v", p.body, err)
			}
			kind, data := p.payload(t)
			if strings.Contains(string(p.body), "reader@") || kind != IssueSent && data["subscriber"] != id.String() || data["newsletter"] != "weekly" {
				t.Errorf("%s", p.body)
			}
		}
		if _, data := h.posts[4].payload(t); data["url"] != "https://news.example/weekly/2024-W42" || data["issue"] != issue.ID.String() || data["cancelled"] != false {
			t.Errorf("%s", h.posts[4].body)
		}
		h.posts = nil
		h.deliver(some)
		if _, data := h.posts[0].payload(t); len(h.posts) != 1 || data["email"] != "reader@example.org" || data["status"] != "bounced" || data["source"] != "test bounced" {
			t.Errorf("%d, %s", len(h.posts), h.posts[0].body)
		}
		if verify.Verify(h.posts[0].body, h.posts[0].header) == nil {
			t.Error("two webhooks share a secret")
		}
		if h.queued[all.ID] != 5 || h.queued[some.ID] != 1 {
			t.Errorf("asked for %v", h.queued)
		}
	})
}

// What a receiver must refuse: another body, another time, an old message sent again.
func TestReplayedMessagesAreRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		w := h.hook(false, Confirmed)
		h.reader("reader@example.org")
		h.clock = h.clock.Add(-6 * time.Minute) // the library's tolerance is five
		h.must(h.SendTest(context.Background(), w.ID))
		h.deliver(w)
		h.clock = h.clock.Add(6 * time.Minute)
		h.deliver(w)
		verify, err := standard.NewWebhook(h.Secret(w.ID))
		h.must(err)
		if len(h.posts) != 2 {
			t.Fatalf("%d posts", len(h.posts))
		}
		old, good := h.posts[0], h.posts[1]
		if err := verify.Verify(old.body, old.header); err == nil {
			t.Error("a message of six minutes ago is good")
		}
		if err := verify.VerifyIgnoringTimestamp(old.body, old.header); err != nil {
			t.Error("its signature is wrong:", err)
		}
		if err := verify.Verify(good.body, good.header); err != nil {
			t.Error(err)
		}
		for name, change := range map[string]func(*post){
			"body": func(p *post) { p.body = bytes.Replace(p.body, []byte("active"), []byte("paused"), 1) },
			"id":   func(p *post) { p.header.Set("Webhook-Id", "msg_0000000000001") },
			"time": func(p *post) { p.header.Set("Webhook-Timestamp", strconv.FormatInt(time.Now().Unix()-7, 10)) },
		} {
			p := post{good.header.Clone(), bytes.Clone(good.body)}
			change(&p)
			if verify.Verify(p.body, p.header) == nil {
				t.Errorf("another %s is good", name)
			}
		}
	})
}

func TestFailuresAreTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := context.Background()
		w := h.hook(false, Confirmed)
		h.answer = func(n int, w http.ResponseWriter, r *http.Request) {
			switch n {
			case 1:
				w.WriteHeader(500)
			case 2:
				http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			case 3:
				w.Header().Set("Retry-After", "600")
				w.WriteHeader(429)
			}
		}
		h.reader("a@example.org")
		h.deliver(w)
		h.reader("b@example.org") // the webhook rests: nobody is asked for this one yet
		h.deliver(w)
		if len(h.posts) != 1 {
			t.Fatalf("%d posts while it rests", len(h.posts))
		}
		list, err := h.Deliveries(ctx, w.ID, 10)
		if err != nil || len(list) != 2 || list[1].Code != 500 || list[1].Tries != 1 || !list[1].Next.Equal(h.clock.Add(5*time.Second)) || !strings.Contains(list[1].Why, "500") {
			t.Errorf("%+v (%v)", list, err)
		}
		for _, wait := range []time.Duration{5 * time.Second, time.Minute, 11 * time.Minute, time.Hour} {
			h.clock = h.clock.Add(wait)
			h.must(h.Tend(ctx))
			h.deliver(w)
		}
		if got := h.kinds(); got != "subscriber.confirmed subscriber.confirmed" {
			t.Errorf("arrived are %s", got)
		}
		tries := map[string]int{}
		for _, p := range h.posts {
			tries[p.id()]++
			if p.header.Get("Referer") != "" {
				t.Error("a redirect was followed")
			}
		}
		if len(h.posts) != 5 || len(tries) != 2 {
			t.Errorf("tried %v", tries)
		}
		if now, err := h.Find(ctx, w.ID); err != nil || now.Failures != 0 || !now.FailingSince.IsZero() || now.Why != "" {
			t.Errorf("after a success: %+v (%v)", now, err)
		}
	})
}

// A process dies when the receiver has the message and it does not know it yet.
func TestKilledBetweenSendingAndKnowing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		w := h.hook(false, Confirmed)
		h.reader("a@example.org")
		ctx, kill := context.WithCancel(context.Background())
		h.answer = func(n int, _ http.ResponseWriter, r *http.Request) {
			if n == 1 {
				kill()
				<-r.Context().Done()
			}
		}
		if _, err := h.Deliver(ctx, w.ID, time.Minute); !errors.Is(err, context.Canceled) {
			t.Fatalf("it ended with %v", err)
		}
		h.deliver(w) // of another process, too early
		if len(h.posts) != 1 {
			t.Errorf("%d posts while it is held", len(h.posts))
		}
		h.clock = h.clock.Add(hold)
		h.must(h.Tend(context.Background()))
		h.deliver(w)
		if len(h.posts) != 2 || h.posts[0].id() != h.posts[1].id() || h.kinds() != "subscriber.confirmed" {
			t.Errorf("%d posts", len(h.posts))
		}
	})
}

// What is undone is not told, and what cannot be written down for a webhook does
// not happen.
func TestEventsAreOfTheirTransaction(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := context.Background()
		w := h.hook(false, Events[:]...)
		broken := errors.New("the queue is broken")
		h.Enqueue = func(context.Context, *sql.Tx, database.ID) error { return broken }
		_, _, err := h.subs.Enrol(ctx, subscribers.Subscriber{Email: "a@example.org"}, subscribers.Consent{Source: "test"})
		if !errors.Is(err, broken) {
			t.Errorf("enrolled with %v", err)
		}
		if list, err := h.Deliveries(ctx, w.ID, 10); err != nil || len(list) > 0 {
			t.Errorf("%+v (%v)", list, err)
		}
		if _, err := h.subs.ByEmail(ctx, "a@example.org"); !errors.Is(err, subscribers.ErrNotFound) {
			t.Errorf("the reader is there (%v)", err)
		}
	})
}

func TestGivenUp(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := context.Background()
		w := h.hook(false, Confirmed)
		h.answer = func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }
		h.reader("a@example.org")
		began := h.clock
		for h.clock.Sub(began) < 6*24*time.Hour {
			h.must(h.Tend(ctx))
			h.deliver(w)
			list, err := h.Deliveries(ctx, w.ID, 10)
			h.must(err)
			if list[len(list)-1].State == "failed" {
				if age := h.clock.Sub(began); age < 72*time.Hour || age > 96*time.Hour || len(h.posts) != len(again)+1 {
					t.Errorf("given up after %s and %d tries", age, len(h.posts))
				}
				break
			}
			h.clock = h.clock.Add(time.Hour)
		}
		h.clock = began.Add(giveUp)
		h.reader("b@example.org")
		h.deliver(w)
		if now, err := h.Find(ctx, w.ID); err != nil || now.Disabled.IsZero() || !strings.Contains(now.Why, "503") {
			t.Errorf("after five days: %+v (%v)", now, err)
		}
		if err := h.SendTest(ctx, w.ID); !errors.Is(err, ErrDisabled) {
			t.Errorf("a test of one that was given up: %v", err)
		}
		h.answer, h.posts = nil, nil
		h.clock = h.clock.Add(time.Minute)
		h.must(h.Enable(ctx, w.ID))
		h.deliver(w)
		if h.kinds() != "subscriber.confirmed" {
			t.Errorf("enabled again it is told %q", h.kinds())
		}
		h.answer = func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }
		h.must(h.SendTest(ctx, w.ID))
		h.deliver(w)
		if now, err := h.Find(ctx, w.ID); err != nil || now.Disabled.IsZero() {
			t.Errorf("after a 410: %+v (%v)", now, err)
		}
		h.clock = h.clock.Add(keepFor)
		h.must(h.Tend(ctx))
		if list, err := h.Deliveries(ctx, w.ID, 10); err != nil || len(list) != 1 || list[0].State != "waiting" {
			t.Errorf("a month later: %+v (%v)", list, err)
		}
		h.must(h.Remove(ctx, w.ID))
		if err := h.Remove(ctx, w.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("removed twice: %v", err)
		}
	})
}

// An event of one who is erased names nobody, also where the address is wanted.
func TestErasedReadersAreNotNamed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		w := h.hook(true, Confirmed, Unsubscribed)
		id := h.reader("a@example.org")
		h.must(h.subs.Erase(context.Background(), id, "test"))
		h.deliver(w)
		if len(h.posts) != 2 || bytes.Contains(h.posts[0].body, []byte("a@example")) || !bytes.Contains(h.posts[1].body, []byte(`"status":"erased"`)) {
			t.Errorf("%q", h.posts)
		}
	})
}

// A webhook reaches no private network that is not allowed, whatever its name says.
func TestPrivateNetworksAreNotReached(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.Post = fetch.New(fetch.Options{AllowKey: "webhooks.allow"})
		w := h.hook(false, Confirmed)
		h.reader("a@example.org")
		h.deliver(w)
		now, err := h.Find(context.Background(), w.ID)
		if err != nil || len(h.posts) > 0 || !strings.Contains(now.Why, "is not a public address (webhooks.allow may name its network)") {
			t.Errorf("%d posts, %q (%v)", len(h.posts), now.Why, err)
		}
		for _, bad := range []Webhook{{URL: "ftp://x.example/", Events: []string{Confirmed}}, {URL: "https://u:p@x.example/", Events: []string{Confirmed}}, {URL: "https://0x7f.1/", Events: []string{Confirmed}}, {URL: h.url}, {URL: h.url, Events: []string{"all"}}} {
			if _, err := h.Add(context.Background(), bad); err == nil {
				t.Errorf("%+v was added", bad)
			}
		}
	})
}
