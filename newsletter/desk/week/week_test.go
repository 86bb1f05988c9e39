package week_test

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/edit"
)

func TestFault_W9_TwoEditorsOverwriteNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lena, timur := h.editor("Lena"), h.editor("Timur")
		if a := lena.does(1, "do=piece", "piece", h.id(0), "text", "Hers."); a.status != http.StatusSeeOther || !strings.HasSuffix(a.header.Get("Location"), "#p-"+h.id(0)) {
			t.Fatalf("%d to %q", a.status, a.header.Get("Location"))
		}
		// The same words, of the revision before: both are shown and nothing is stored.
		a := timur.does(1, "do=piece", "piece", h.id(0), "text", "His.", "bridge", "")
		if a.status != http.StatusConflict || !strings.Contains(a.body, "Hers.</p>") || !strings.Contains(a.body, ">His.</textarea>") || !strings.Contains(a.body, "Lena has changed the same") || h.now().Revision != 2 {
			t.Fatalf("%d, revision %d\n%s", a.status, h.now().Revision, a.body)
		}
		// Other words are joined with them, and sent twice they are stored once.
		for range 2 {
			if a := timur.does(1, "do=words", "standfirst", "What the tide brought in."); a.status != http.StatusSeeOther {
				t.Fatal(a.status, a.body)
			}
		}
		now := h.now()
		if p, _, _ := edit.Find(now, h.issue.Strands[0].Items[0].ID); now.Revision != 3 || p.Text != "Hers." || now.Standfirst != "What the tide brought in." {
			t.Fatalf("revision %d: %q, %q", now.Revision, p.Text, now.Standfirst)
		}
		// What the form leaves as it was is no part of the conflict.
		a = timur.does(1, "do=words", "title", h.issue.Title, "standfirst", "His too.", "subject", h.issue.Subject, "preheader", h.issue.Preheader)
		if a.status != http.StatusConflict || strings.Contains(a.body, `type="hidden" name="subject"`) {
			t.Errorf("%d: the conflict takes along what was not touched", a.status)
		}
		// Deciding sends the form again, of the revision that stands.
		if a := timur.does(3, "do=piece", "piece", h.id(0), "text", "Both."); a.status != http.StatusSeeOther {
			t.Fatal(a.status)
		}
		list, err := h.store.Revisions(t.Context(), h.issue.ID)
		if err != nil || len(list) != 4 || list[1].Author != "Lena" || list[3].Author != "Timur" || list[3].What != "summary" || list[3].About != summaries[0].title {
			t.Errorf("%+v (%v)", list, err)
		}
		// An undo of what somebody else has changed since is no undo.
		if a := lena.does(2, "do=undo&to=1"); a.status != http.StatusConflict || h.now().Revision != 4 {
			t.Errorf("%d, revision %d", a.status, h.now().Revision)
		}
		for range 2 { // two clicks are one
			if a := lena.does(4, "do=undo&to=3"); a.status != http.StatusSeeOther && a.status != http.StatusConflict {
				t.Error(a.status)
			}
		}
		if now := h.now(); now.Revision != 5 || now.Strands[0].Items[0].Text != "Hers." {
			t.Errorf("revision %d says %q", now.Revision, now.Strands[0].Items[0].Text)
		}
	})
}

func TestEveryEditOfTheScreen(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lena := h.editor("Lena")
		for _, c := range []struct{ op, want string }{
			{"do=move&piece=" + h.id(0) + "&strand=dredging", "dredging 2 1 | school 3 4 | court 5 6"},
			{"do=split&piece=" + h.id(0), "dredging 2 | dredging (1) 1 | school 3 4 | court 5 6"},
			{"do=merge&strand=dredging+(1)&into=dredging", "dredging 2 1 | school 3 4 | court 5 6"},
			{"do=movestrand&strand=court&before=dredging", "court 5 6 | dredging 2 1 | school 3 4"},
			{"do=out&item=" + h.id(4) + "&item=" + h.id(5), "dredging 2 1 | school 3 4"},
			{"do=take&item=" + h.id(4), "dredging 2 1 | school 3 4 | court 5"},
			{"do=headline&item=" + h.id(2), "dredging 2 1 | school 4 | court 5 | latest 3"},
			{"do=lockstrand&strand=school&on=1", "dredging 2 1 | school 4 | court 5 | latest 3"},
			{"do=pin&item=" + h.id(3) + "&on=1", "dredging 2 1 | school 4 | court 5 | latest 3"},
			{"do=assemble", "dredging 2 1 | school 4 | court 5 | latest 3"}, // what is locked stays where it is
		} {
			a := lena.does(h.now().Revision, c.op)
			if got := shape(h.now()); a.status != http.StatusSeeOther || got != c.want {
				t.Errorf("%s: %d\n got %s\nwant %s", c.op, a.status, got, c.want)
			}
		}
		now := h.now()
		if err := edit.Check(now); err != nil {
			t.Error(err)
		}
		for _, bad := range []string{"", "do=nonsense", "do=take", "do=take&item=zzz", "do=undo&to=x"} {
			if a := lena.does(now.Revision, bad); a.status != http.StatusNotFound {
				t.Errorf("%q: %d", bad, a.status)
			}
		}
		for _, gone := range []string{"do=move&piece=" + h.id(5) + "&strand=school", "do=merge&strand=school&into=nowhere", "do=piece&piece=" + h.id(5) + "&text=x"} {
			if a := lena.does(now.Revision, gone); a.status != http.StatusUnprocessableEntity && a.status != http.StatusConflict {
				t.Errorf("%q: %d", gone, a.status)
			}
		}
		long := strings.Repeat("word ", 3000)
		if a := lena.does(now.Revision, "do=piece", "piece", h.id(3), "text", long); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, strings.TrimSpace(long)) {
			t.Errorf("%d, and the words are %v", a.status, strings.Contains(a.body, "word word"))
		}
		if err := h.store.Move(t.Context(), h.issue.ID, newsletter.Approved, "", newsletter.Draft); err != nil {
			t.Fatal(err)
		}
		if a := lena.does(now.Revision, "do=words", "title", "Too late"); a.status != http.StatusConflict || h.now().Title == "Too late" {
			t.Errorf("what was approved was changed: %d", a.status)
		}
		if a := lena.get(""); a.status != http.StatusOK || strings.Contains(a.body, "do=assemble") {
			t.Errorf("%d: an approved issue is shown as if it could be changed", a.status)
		}
	})
}

// What an editor wrote stays when the week is assembled again.
func TestAssemblingAgainKeepsWords(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lena := h.editor("Lena")
		lena.does(1, "do=piece", "piece", h.id(0), "text", "Half")
		lena.get("") // the screen remembers what assembly would do by now
		lena.does(2, "do=piece", "piece", h.id(0), "text", "Half a thought.")
		if a := lena.does(3, "do=assemble"); a.status != http.StatusSeeOther {
			t.Fatal(a.status, a.body)
		}
		if p, _, _ := edit.Find(h.now(), h.issue.Strands[0].Items[0].ID); p.Text != "Half a thought." {
			t.Errorf("revision %d says %q", h.now().Revision, p.Text)
		}
	})
}

func shape(i newsletter.Issue) string {
	number := func(u string) string { return u[strings.LastIndex(u, "/")+1:] }
	var parts []string
	for _, s := range i.Strands {
		part := s.Name
		for _, p := range s.Items {
			part += " " + number(p.URL)
		}
		parts = append(parts, part)
	}
	if len(i.Latest) > 0 {
		part := "latest"
		for _, h := range i.Latest {
			part += " " + number(h.URL)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " | ")
}

// Scripts in a text are words, in the screen as in each preview.
func TestFault_F3_ScriptsAreInert(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lena := h.editor("Lena")
		attack := `<script>alert(1)</script><img src=x onerror=alert(1)> [there](javascript:alert(1)) "'</textarea></script><svg onload=alert(1)>`
		for _, op := range [][]string{{"do=piece", "piece", h.id(0), "text", "words " + attack, "own", attack[:100]}, {"do=words", "title", attack, "subject", attack, "standfirst", attack, "preheader", attack}} {
			if a := lena.does(h.now().Revision, op[0], op[1:]...); a.status != http.StatusSeeOther {
				t.Fatal(a.status, a.body)
			}
		}
		alive := regexp.MustCompile(`(?i)<script>alert|<img src=x|<svg|href="?javascript:`)
		for _, path := range []string{"", "?open=" + h.id(0), "/history", "/preview/mail", "/preview/phone", "/preview/text", "/preview/inbox", "/pieces/" + h.id(0)} {
			a := lena.get(path)
			if a.status != http.StatusOK || alive.MatchString(a.body) {
				t.Errorf("%s: %d, %q", path, a.status, alive.FindString(a.body))
			}
			policy := a.header.Get("Content-Security-Policy")
			if strings.HasPrefix(path, "/preview/") != strings.HasPrefix(policy, "sandbox ") || strings.Contains(policy, "allow-scripts") || strings.Contains(policy, "script-src 'unsafe") || !strings.Contains(policy, "default-src 'none'") {
				t.Errorf("%s has the policy %q", path, policy)
			}
		}
	})
}

func TestPreviewOfAnEditStoresNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lena := h.editor("Lena")
		form := url.Values{"do": {"piece"}, "piece": {h.id(0)}, "revision": {"1"}, "text": {"Typed just now."}}
		for kind, want := range map[string]string{"mail": "Typed just now", "phone": "Typed just now", "text": "Typed just now", "inbox": "Week in Review", "page": "page"} {
			if a := lena.ask("POST", h.at+"/preview/"+kind, form); a.status != http.StatusOK || !strings.Contains(a.body, want) {
				t.Errorf("%s: %d\n%s", kind, a.status, a.body)
			}
		}
		if h.now().Revision != 1 {
			t.Error("it was stored")
		}
		for _, scheme := range []string{"light", "dark"} {
			if a := lena.get("/preview/mail?scheme=" + scheme); strings.Contains(a.body, "prefers-color-scheme") || !strings.Contains(a.body, "color-scheme:"+scheme+"!important") {
				t.Errorf("the mail in %s asks the editor's own screen", scheme)
			}
		}
		if a := lena.get("/preview/nothing"); a.status != http.StatusNotFound {
			t.Error(a.status)
		}
	})
}

func TestInbox(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lena := h.editor("Lena")
		count := func(query string) int { return strings.Count(lena.get("/inbox?"+query).body, `class="item`) }
		for query, want := range map[string]int{"": 6, "theme=Harbour": 2, "place=Haverhythe": 6, "source=x": 0, "lang=en": 6, "words=ORGAN+les": 1, "words=organ+dredger": 0, "show=out": 0, "show=in": 6, "show=new": 0, "theme=Courts&words=appeal": 1, "page=1": 0} {
			if got := count(query); got != want {
				t.Errorf("%q finds %d, want %d", query, got, want)
			}
		}
		if lena.does(1, "do=out&item="+h.id(0)); count("show=out") != 1 {
			t.Error("what was taken out is not out")
		}
	})
}

func TestPreflight(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lena := h.editor("Lena")
		if a := lena.does(1, "do=words", "subject", "FREE WINNER: "+strings.Repeat("A VERY LONG SUBJECT ", 4)); a.status != http.StatusSeeOther {
			t.Fatal(a.status)
		}
		if a := lena.does(2, "do=out&item="+h.id(2)+"&item="+h.id(3)); a.status != http.StatusSeeOther {
			t.Fatal(a.status)
		}
		var body string
		for range 200 { // the links are asked in the background
			body = lena.get("/preflight").body
			if !strings.Contains(body, "hx-trigger") {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		for _, want := range []string{`href="#w-subject">The subject has`, "all capitals", "“FREE”", "Nothing about: Schools", `id="lacks"`, "Outlook", `href="#p-` + h.id(5) + `">Its link does not work: the server answers 404`} {
			if !strings.Contains(body, want) {
				t.Errorf("there is no %q in\n%s", want, body)
			}
		}
		if strings.Contains(body, "#p-"+h.id(4)+`">Its link`) {
			t.Error("a link that works is called dead")
		}
	})
}

func TestSendingATest(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lena := h.editor("Lena")
		send := func(pairs ...string) answer {
			form := url.Values{}
			for i := 0; i+1 < len(pairs); i += 2 {
				form.Add(pairs[i], pairs[i+1])
			}
			return lena.ask("POST", h.at+"/test", form)
		}
		if a := send("email", "reader@quaypost.example", "topic", "Schools", "format", "text"); a.status != http.StatusOK || len(h.room.sent) != 1 || !h.room.as[0].Text || len(h.room.as[0].Topics) != 1 {
			t.Fatalf("%d, %+v", a.status, h.room.as)
		}
		if a := send("email", "nobody"); a.status != http.StatusUnprocessableEntity || len(h.room.sent) != 1 {
			t.Error(a.status)
		}
		h.room.fails = errors.New("the relay is away")
		if a := send("email", "reader@quaypost.example"); a.status != http.StatusBadGateway || !strings.Contains(a.body, "the relay is away") {
			t.Error(a.status)
		}
	})
}

// A stream names what others did and who is here, and ends with the screen.
func TestEvents(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lena, timur := h.editor("Lena"), h.editor("Timur")
		read := func(b *browser) (func(string) string, func()) {
			res, err := b.http.Get(h.server.URL + h.at + "/events")
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatal(err, res)
			}
			all := ""
			return func(want string) string {
				buf := make([]byte, 4096)
				for !strings.Contains(all, want) {
					n, err := res.Body.Read(buf)
					if all += string(buf[:n]); err != nil {
						t.Fatalf("it ended with %v after %q", err, all)
					}
				}
				return all
			}, func() { res.Body.Close() }
		}
		next, closed := read(timur)
		defer closed()
		next(`"revision":1`)
		_, gone := read(lena)
		next(`"here":["Lena"]`)
		gone()
		lena.does(1, "do=words", "title", "Another")
		next(`"said":"Lena changed the title"`)
		h.screen.Close()
		if _, err := timur.http.Get(h.server.URL + h.at + "/events"); err != nil {
			t.Error(err)
		}
	})
}

func TestWhoMayNot(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		stranger := &browser{h, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
		if a := stranger.get(""); a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/desk/signin?next=") {
			t.Error(a.status)
		}
		if a := stranger.does(1, "do=words", "title", "Mine"); a.status != http.StatusUnauthorized || h.now().Revision != 1 {
			t.Error(a.status)
		}
		lena := h.editor("Lena")
		for _, path := range []string{"/desk/issues/0000000000000", "/desk/issues/nothing", "/desk/issues/0000000000000/preview/mail"} {
			if a := lena.ask("GET", path, nil); a.status != http.StatusNotFound {
				t.Errorf("%s: %d", path, a.status)
			}
		}
		foreign, err := http.NewRequest("POST", h.server.URL+h.at+"/edit", strings.NewReader("op=do%3Dwords&title=Mine&revision=1"))
		if err != nil {
			t.Fatal(err)
		}
		foreign.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		foreign.Header.Set("Sec-Fetch-Site", "cross-site")
		res, err := lena.http.Do(foreign)
		if err != nil || res.StatusCode != http.StatusForbidden || h.now().Revision != 1 {
			t.Error(err, res.StatusCode)
		}
	})
}
