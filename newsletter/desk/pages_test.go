package desk

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"apta/newsletter"
	"apta/subscribers"
)

// Every page is there for whom it is for, in every language, and for nobody else.
func TestPagesByRole(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.issue(t, "2026-W23")
		owner, _ := h.editor(t, "Aigerim", Owner)
		writer, _ := h.editor(t, "Berik", Writer)
		for path, least := range map[string]Role{
			"/desk/": Writer, "/desk/feeds": Writer, "/desk/add": Writer, "/desk/numbers": Writer, "/desk/me": Writer,
			"/desk/readers": Owner, "/desk/readers/import": Owner, "/desk/readers/suppressed": Owner, "/desk/settings": Owner,
			"/desk/tokens": Owner, "/desk/webhooks": Owner, "/desk/people": Owner, "/desk/audit": Owner,
		} {
			for _, tag := range []string{"en", "ru", "kk"} {
				owner.sent.Set("Accept-Language", tag)
				page := owner.get(path).want(t, 200, `<html lang="`+tag+`"`)
				if strings.Contains(page.body, "<no value>") || strings.Contains(page.body, "%!") || strings.Contains(page.body, "ZgotmplZ") {
					t.Errorf("%s in %s has a gap", path, tag)
				}
			}
			if status := writer.get(path).status; (status == 200) != (least == Writer) {
				t.Errorf("%s gives an editor %d", path, status)
			}
			h.browser(t).get(path).to(t, "/desk/signin?next="+url.QueryEscape(path))
		}
	})
}

const rss = `<?xml version="1.0"?><rss version="2.0"><channel><title>Quay Post</title><link>http://quaypost.example/</link>
<item><title>The harbour opened</title><link>http://quaypost.example/harbour</link><guid>1</guid><description>It opened on Friday.</description><pubDate>Fri, 12 Jun 2026 08:00:00 GMT</pubDate></item></channel></rss>`

func TestFeeds(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/rss" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/rss+xml")
			w.Write([]byte(rss))
		}))
		defer site.Close()
		b, _ := h.editor(t, "Berik", Writer)
		b.post("/desk/feeds", "url", site.URL+"/nothing", "role", "latest").want(t, 422, "The feed was not added")
		b.post("/desk/feeds", "url", "javascript:alert(1)", "role", "latest").want(t, 422)
		b.post("/desk/feeds", "url", site.URL+"/rss", "role", "review", "theme", "Harbour").to(t, "/desk/feeds?done=feed")
		b.get("/desk/feeds").want(t, 200, "1 feed is followed", "not asked yet", "Harbour")
		list, err := h.Feeds.Store.All(t.Context())
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		path := "/desk/feeds/" + list[0].ID.String()
		b.post(path+"/poll").to(t, "/desk/feeds?done=polled")
		b.get("/desk/feeds").want(t, 200, "1 new", "in order")
		b.post(path+"/remove").want(t, http.StatusForbidden)
		p, _ := h.editor(t, "Dana", Publisher)
		site.Close()
		p.post(path+"/poll").to(t, "/desk/feeds?done=polled")
		p.get("/desk/feeds").want(t, 200, "1 of them fails", "failed once")
		p.post(path+"/remove").to(t, "/desk/feeds?done=feed_removed")
		p.get("/desk/feeds").want(t, 200, "No feed is followed yet")
	})
}

// Opening the page of the bookmarklet stores nothing; its button, on our own page, does.
func TestFault_W6_Bookmarklet(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte(`<html lang="en"><head><title>Ferries return</title><meta name="description" content="They sail <again>."><meta property="og:site_name" content="Quay Post"></head><body><p>x</p></body></html>`))
		}))
		defer site.Close()
		b, _ := h.editor(t, "Berik", Writer)
		items := func() int {
			list, err := h.Store.ItemsIn(t.Context(), newsletter.Week(h.now()))
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		path := "/desk/add?url=" + url.QueryEscape(site.URL+"/ferries?utm_source=x") + "&title=Ferries"
		b.get(path).want(t, 200, "Ferries return", "They sail", "Quay Post")
		if items() != 0 {
			t.Error("looking at the page stored an item")
		}
		b.sent.Set("Sec-Fetch-Site", "cross-site")
		b.post("/desk/add", "url", site.URL+"/ferries", "title", "Ferries return", "published", "2026-06-12").want(t, http.StatusForbidden)
		b.sent.Del("Sec-Fetch-Site")
		b.post("/desk/add", "url", "javascript:alert(1)", "title", "x", "published", "2026-06-12").want(t, 422)
		b.post("/desk/add", "url", site.URL+"/ferries", "title", "Ferries return", "published", "2026-06-12", "summary", "They sail.").to(t, "/desk/?done=added")
		b.post("/desk/add", "url", site.URL+"/ferries", "title", "Ferries return", "published", "2026-06-12").to(t, "/desk/?done=known")
		if items() != 1 {
			t.Errorf("%d items", items())
		}
		h.browser(t).get("/desk/app.webmanifest").want(t, 200, `"share_target"`, `"action":"/desk/add"`)
		b.get("/desk/add?title=Ferries&text="+url.QueryEscape("Look: "+site.URL+"/ferries")).want(t, 200, "Ferries return")
		b.get("/desk/add?url=http://10.0.0.1/x&title=Inner").want(t, 200, "could not be read", "Inner")
	})
}

// upload posts a file as the import's form does.
func (b *browser) upload(path, name, text, act string, header ...string) answer {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write([]byte(text))
	}
	if err := errors.Join(err, form.WriteField("act", act), form.Close()); err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.h.server.URL+path, &body)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	var got bytes.Buffer
	if _, err := got.ReadFrom(res.Body); err != nil {
		b.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, got.String()}
}

func TestReaders(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b, _ := h.editor(t, "Aigerim", Owner)
		readers := h.Newsletters[0].Readers
		file := "email,name\nfirst@news.example,Дана\nnonsense,x\nsecond@news.example,<script>alert(1)</script>\n"
		b.upload("/desk/readers/import", "list.csv", file, "try").want(t, 200, "Nothing was stored", "<dd>2</dd>", "<b>3</b>")
		if count, _ := readers.Count(t.Context()); len(count) != 0 {
			t.Errorf("a try stored %v", count)
		}
		part := b.upload("/desk/readers/import", "list.csv", file, "try", "HX-Request", "true").want(t, 200, "Nothing was stored")
		if strings.Contains(part.body, "<html") {
			t.Error("htmx was sent the whole page")
		}
		b.upload("/desk/readers/import", "list.csv", file, "import").want(t, 200, "Imported")
		b.upload("/desk/readers/import", "list.csv", "no header here", "import").want(t, 422, `class="problem"`)
		page := b.get("/desk/readers").want(t, 200, "first@news.example", "&lt;script&gt;", "<b>2</b> active")
		if strings.Contains(page.body, "<script>alert") {
			t.Error("a name is a script")
		}
		found := b.get("/desk/readers?q="+url.QueryEscape("дана")).want(t, 200, "first@news.example")
		if strings.Contains(found.body, "second@") {
			t.Error("the search found everybody")
		}
		b.get("/desk/readers?q=nobody").want(t, 200, "Nobody was found")
		sub, err := readers.ByEmail(t.Context(), "first@news.example")
		if err != nil {
			t.Fatal(err)
		}
		path := "/desk/readers/" + sub.ID.String()
		b.get(path).want(t, 200, "import list.csv", "the chain holds")
		b.post(path+"/unsubscribe").to(t, path+"?done=reader_unsubscribe")
		b.get(path).want(t, 200, "desk, by aigerim@quaypost.example")
		b.post(path+"/nonesuch").want(t, 404)
		b.post(path+"/erase").to(t, "/desk/readers?in=weekly&done=reader_erase")
		b.get(path).want(t, 404)
		if !h.did(t, "reader.erase", sub.ID.String()) || h.did(t, "reader.erase", "first@") {
			t.Error("the audit log names the erased, or has nothing of it")
		}
		b.post("/desk/readers/suppressed", "address", "third@news.example", "act", "add").to(t, "/desk/readers/suppressed?done=suppressed")
		b.get("/desk/readers/suppressed").want(t, 200, "2 addresses are suppressed") // the erased one too
		b.post("/desk/readers/suppressed", "address", "third@news.example", "act", "lift").to(t, "/desk/readers/suppressed?done=lifted")
		b.post("/desk/readers/suppressed", "address", "third", "act", "add").want(t, 422)
	})
}

// file is a style in memory.
type file struct{ text string }

func (f *file) Read() (string, string, error) { return "style.toml", f.text, nil }

func (f *file) Save(text string) error {
	if strings.Contains(text, "wrong") {
		return errors.New("style.toml:3: unknown key \"wrong\"")
	}
	f.text = text
	return nil
}

func TestSettings(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b, _ := h.editor(t, "Aigerim", Owner)
		b.get("/desk/style").want(t, 404)
		style := &file{"language = \"en\"\n"}
		h.Newsletters[0].Style = style
		h.Newsletters[0].Settings = func() []Setting {
			return []Setting{{"smtp.host", "relay.example", "apta.toml:7"}, {"smtp.port", "25", ""}}
		}
		b.get("/desk/settings").want(t, 200, "apta.toml:7", "default")
		b.post("/desk/style", "text", "a\nb\nwrong = 1").want(t, 422, "style.toml:3", "wrong = 1")
		b.post("/desk/style", "text", "language = \"en\"\r\nx = 1\r\n").to(t, "/desk/style?in=weekly&done=saved")
		if style.text != "language = \"en\"\nx = 1\n" {
			t.Errorf("%q", style.text)
		}
		made := b.post("/desk/tokens", "name", "cms", "scope", "items", "days", "90").want(t, 200, "It cannot be shown again", "apta_")
		if again := b.get("/desk/tokens").want(t, 200, "cms", "store items"); strings.Contains(again.body, "apta_") || made.header.Get("Cache-Control") != "no-store" {
			t.Error("the token is shown again, or kept")
		}
		b.post("/desk/tokens", "name", "cms", "scope", "items").want(t, 409)
		b.post("/desk/tokens", "name", "x", "scope", "everything").want(t, 422)
		b.post("/desk/tokens/cms/revoke").to(t, "/desk/tokens?done=revoked")
		b.get("/desk/tokens").want(t, 200, "revoked")

		b.post("/desk/webhooks", "url", "https://cms.example/hook", "event", "issue.sent").want(t, 200, "whsec_", "https://cms.example/hook")
		b.post("/desk/webhooks", "url", "nonsense", "event", "issue.sent").want(t, 422)
	})
}

// What is counted stands in a picture and in the table beside it.
func TestNumbers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		b, _ := h.editor(t, "Berik", Writer)
		readers := h.Newsletters[0].Readers
		for _, email := range []string{"a@news.example", "b@news.example"} {
			if _, err := readers.Add(t.Context(), subscribers.Subscriber{Email: email, Status: subscribers.Active}, "test"); err != nil {
				t.Fatal(err)
			}
		}
		b.get("/desk/numbers").want(t, 200, "2 readers get the next issue", "No issue has been sent yet", `<rect `, `role="img"`, "2026-W24")
	})
}
