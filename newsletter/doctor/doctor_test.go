package doctor

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"apta/newsletter/schedule"
	"apta/newsletter/transport"
	"apta/newsletter/transport/smtptest"
)

// timeServer is an NTP server whose clock is off by so much.
func timeServer(t *testing.T, off time.Duration) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		packet := make([]byte, 48)
		for {
			_, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			packet[0], packet[1] = 4<<3|4, 2
			now := time.Now().Add(off)
			binary.BigEndian.PutUint32(packet[40:], uint32(now.Unix()-ntpEpoch))
			binary.BigEndian.PutUint32(packet[44:], uint32(uint64(now.Nanosecond())<<32/1e9))
			conn.WriteTo(packet, from)
		}
	}()
	return conn.LocalAddr().String()
}

func TestClock(t *testing.T) {
	for off, want := range map[time.Duration]Severity{0: Good, 20 * time.Second: Warning, -time.Hour: Failure, 8 * 24 * time.Hour: Failure} {
		l := &look{Options: Options{TimeServer: timeServer(t, off), Now: time.Now}}
		if got := l.clock(context.Background()); len(got) != 1 || got[0].Severity != want {
			t.Errorf("off by %s: %+v", off, got)
		}
	}
}

const sample = "From: Week <weekly@news.example.org>\r\nTo: a@example.org\r\nSubject: S\r\nDate: Fri, 18 Oct 2024 09:00:00 +0500\r\nMessage-ID: <1@news.example.org>\r\n" +
	"List-Id: <weekly.news.example.org>\r\nList-Unsubscribe: <https://weekly.example.org/u/x>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" +
	"DKIM-Signature: v=1; h=From:To:List-Unsubscribe:List-Unsubscribe-Post; b=x\r\n\r\nHello\r\n"

func TestMessage(t *testing.T) {
	for broken, want := range map[string]string{
		"":                         "",
		"From: ":                   "0 headers From",
		"Message-ID: <1@":          "0 headers Message-Id",
		"<https://weekly.":         "no https address",
		"=One-Click":               "List-Unsubscribe-Post is missing",
		":List-Unsubscribe-Post; ": "does not cover",
		"List-Id":                  "List-Id is missing",
	} {
		raw := sample
		if broken != "" {
			raw = strings.Replace(raw, broken, "X-"+strings.ToUpper(broken[1:]), 1)
		}
		l := &look{Options: Options{Postal: "4 Ropewalk", Sample: func() ([]byte, error) { return []byte(raw), nil }}}
		got := l.message(context.Background())
		if ok := want == "" && got[0].Severity == Good || want != "" && got[0].Severity == Failure && strings.Contains(got[0].Says, want); !ok {
			t.Errorf("without %q: %+v", broken, got)
		}
	}
}

// house is all that a healthy newsroom needs, on this machine.
func house(t *testing.T, site http.Handler, until time.Time) Options {
	t.Helper()
	ours, line := key(t, "rsa", "r1")
	config, pool, err := smtptest.Certificate(until)
	if err != nil {
		t.Fatal(err)
	}
	relay, err := smtptest.Start(smtptest.Options{TLS: config})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(relay.Close)
	server := httptest.NewUnstartedServer(site)
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	cron, err := schedule.Parse("0 9 * * FRI", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	trust := &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
	return Options{
		From: "weekly@news.example.org", ReturnPath: "bounces@news.example.org", BaseURL: server.URL, SiteTLS: trust, Keys: []transport.DKIM{ours}, SendsFrom: []string{"203.0.113.7"},
		Relays: []transport.Relay{{Host: relay.Host(), Port: relay.Port(), TLS: "starttls", Auth: "none", HELO: "out.example.org", Config: trust}},
		DNS: nameServer(t, line, `news.example.org. IN TXT "v=spf1 ip4:203.0.113.7 -all"`, `_dmarc.example.org. IN TXT "v=DMARC1; p=reject; rua=mailto:x@example.org"`,
			"news.example.org. IN MX 10 in.example.org.", "in.example.org. IN A 203.0.113.1", "7.113.0.203.in-addr.arpa. IN PTR out.example.org.", "out.example.org. IN A 203.0.113.7"),
		TimeServer: timeServer(t, 0), Probe: "/u/0123456789abcdef", Sample: func() ([]byte, error) { return []byte(sample), nil }, Postal: "4 Ropewalk",
		Complains: func(context.Context) (int, int, error) { return 1, 10000, nil }, Schedule: cron,
		Integrity: func(context.Context) error { return nil }, Backup: func() (time.Time, bool) { return time.Now().Add(-time.Hour), true }, Now: time.Now,
	}
}

func pressed(status int, location string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" && r.FormValue("List-Unsubscribe") == "One-Click" {
			w.Header().Set("Location", location)
			w.WriteHeader(status)
		}
	})
}

func TestAHealthyHouse(t *testing.T) {
	r := Run(context.Background(), house(t, pressed(404, ""), time.Now().Add(90*24*time.Hour)))
	for _, f := range r.Findings {
		if f.Severity != Good {
			t.Errorf("%+v", f)
		}
	}
	rules := 0
	for _, f := range r.Findings {
		if f.Check == "rule" {
			rules++
		}
	}
	if r.Worst != Good || rules != len(senderRules)+1 {
		t.Errorf("worst %v, %d rules", r.Worst, rules)
	}
	if text, err := json.Marshal(r); err != nil || !strings.Contains(string(text), `"severity":"good"`) {
		t.Errorf("%s (%v)", text, err)
	}
}

func TestWhatIsWrongIsFound(t *testing.T) {
	good := time.Now().Add(90 * 24 * time.Hour)
	for name, test := range map[string]struct {
		site  http.Handler
		until time.Time
		set   func(*Options)
		check string
		want  expect
	}{
		"redirect":        {pressed(302, "https://elsewhere.example/"), good, nil, "unsubscribe", expect{Failure, "leads on to https://elsewhere.example/", ""}},
		"login":           {pressed(401, ""), good, nil, "unsubscribe", expect{Failure, "kept from strangers", ""}},
		"broken":          {pressed(502, ""), good, nil, "unsubscribe", expect{Failure, "502", ""}},
		"the rule of it":  {pressed(502, ""), good, nil, "rule", expect{Failure, "one-click unsubscription (RFC 8058), by https: not met", ""}},
		"ends soon":       {pressed(200, ""), time.Now().Add(72 * time.Hour), nil, "relay", expect{Warning, "its certificate ends", ""}},
		"site ends soon":  {pressed(200, ""), time.Now().Add(72 * time.Hour), nil, "site", expect{Warning, "its certificate ends", ""}},
		"expired":         {pressed(200, ""), time.Now().Add(-72 * time.Hour), nil, "relay", expect{Failure, "offers no TLS that we accept", ""}},
		"http":            {pressed(200, ""), good, func(o *Options) { o.BaseURL = "http://weekly.example.org" }, "site", expect{Failure, "does not begin with https", ""}},
		"no relay":        {pressed(200, ""), good, func(o *Options) { o.Relays[0].Port = 1 }, "relay", expect{Failure, "cannot be reached", ""}},
		"damaged":         {pressed(200, ""), good, func(o *Options) { o.Integrity = func(context.Context) error { return errors.New("page 7") } }, "database", expect{Failure, "page 7", ""}},
		"no backup":       {pressed(200, ""), good, func(o *Options) { o.Backup = func() (time.Time, bool) { return time.Time{}, false } }, "backup", expect{Warning, "no backup", ""}},
		"old backup":      {pressed(200, ""), good, func(o *Options) { o.Backup = func() (time.Time, bool) { return time.Now().AddDate(0, 0, -9), true } }, "backup", expect{Warning, "216h", ""}},
		"complaints":      {pressed(200, ""), good, func(o *Options) { o.Complains = func(context.Context) (int, int, error) { return 40, 10000, nil } }, "rule", expect{Failure, "0.40 %", ""}},
		"some complaints": {pressed(200, ""), good, func(o *Options) { o.Complains = func(context.Context) (int, int, error) { return 15, 10000, nil } }, "rule", expect{Warning, "0.15 %", ""}},
		"full disk": {pressed(200, ""), good, func(o *Options) {
			o.Folder, o.Size = t.TempDir(), func(context.Context) int64 { return 1 << 60 }
		}, "disk", expect{Warning, "may not fit", ""}},
		"daily":  {pressed(200, ""), good, func(o *Options) { o.Schedule, _ = schedule.Parse("0 9,15 * * *", time.UTC) }, "schedule", expect{Warning, "twice in a day", ""}},
		"no DNS": {pressed(200, ""), good, func(o *Options) { o.DNS.Server = "127.0.0.1:1" }, "spf", expect{Warning, "cannot be looked up", ""}},
		"unseen": {pressed(200, ""), good, func(o *Options) { o.DNS.Server = "127.0.0.1:1" }, "rule", expect{Note, "DMARC record, p=none at least: could not be seen from here", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := house(t, test.site, test.until)
			if test.set != nil {
				test.set(&o)
			}
			var of []Finding
			for _, f := range Run(context.Background(), o).Findings {
				if f.Check == test.check {
					of = append(of, f)
				}
			}
			held(t, of, test.want)
		})
	}
}

// A DNS server that says nothing costs the report its patience and no more.
func TestDNSThatSaysNothing(t *testing.T) {
	mute, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	o := Options{From: "a@news.example.org", ReturnPath: "a@news.example.org", DNS: DNS{Server: mute.LocalAddr().String()}, SendsFrom: []string{"203.0.113.7"}}
	r := Run(ctx, o)
	for _, check := range []string{"spf", "dmarc", "mx", "ptr"} {
		found := false
		for _, f := range r.Findings {
			found = found || f.Check == check && f.Severity == Warning
		}
		if !found {
			t.Errorf("%s says nothing: %+v", check, r.Findings)
		}
	}
}
