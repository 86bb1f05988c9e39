package fetch

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter/intake/heaptest"

	"golang.org/x/net/dns/dnsmessage"
)

var local = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func get(t *testing.T, f *Fetcher, url string) (*Page, error) {
	t.Helper()
	return f.Get(t.Context(), Request{URL: url})
}

func TestFault_F2_OnlyPublicAddresses(t *testing.T) {
	for _, a := range []string{
		"127.0.0.1", "127.8.9.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255",
		"240.0.0.1", "198.18.0.1", "192.0.2.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1", "fe80::1", "fe80::1%eth0",
		"fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1",
	} {
		if err := (guard{}).check(netip.MustParseAddr(a)); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s is taken for public (%v)", a, err)
		}
	}
	for _, a := range []string{"93.184.215.14", "2606:4700::1111", "172.32.0.1", "100.128.0.1", "::ffff:8.8.8.8"} {
		if err := (guard{}).check(netip.MustParseAddr(a)); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
}

func TestFault_F2_NothingReachesALocalServer(t *testing.T) {
	var asked atomic.Int64
	site := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	port := site[strings.LastIndexByte(site, ':'):]
	f := New(Options{})
	for _, address := range []string{
		site, "http://localhost" + port, "http://[::1]" + port, "http://[::ffff:127.0.0.1]" + port, "http://[::ffff:7f00:1]" + port, "http://2130706433" + port,
		"http://0x7f000001" + port, "http://0x7f.1" + port, "http://127.1" + port, "http://0177.0.0.1" + port, "http://0" + port, "http://0.0.0.0" + port, "http://127.0.0.1." + port,
		"http://user:secret@127.0.0.1" + port, "file:///etc/passwd", "gopher://127.0.0.1" + port, "http://", "//127.0.0.1" + port,
	} {
		_, err := get(t, f, address)
		if !errors.Is(err, ErrForbidden) {
			t.Errorf("%s: %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is in the message: %v", err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the server was asked %d times", n)
	}
}

func TestFault_F2_RedirectsAreCheckedAgain(t *testing.T) {
	var inside atomic.Int64
	secret := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside.Add(1) }))
	listener, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("there is no 127.0.0.2 here: ", err)
	}
	secret.Listener.Close()
	secret.Listener = listener
	secret.Start()
	defer secret.Close()
	target := ""
	site := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusFound) })
	f := New(Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	for _, target = range []string{secret.URL, "http://u:p@127.0.0.1/", "file:///etc/passwd", "ftp://127.0.0.1/", "http://2130706434/"} {
		if _, err := get(t, f, site); !errors.Is(err, ErrForbidden) {
			t.Errorf("a redirect to %s: %v", target, err)
		}
	}
	if inside.Load() != 0 {
		t.Error("the server that is not allowed was asked")
	}
}

// A name that first leads to an allowed address and then to another is checked by
// what is connected to, not by what it once was.
func TestFault_F2_ANameThatChangesItsAnswer(t *testing.T) {
	site := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "inside") })
	port := site[strings.LastIndexByte(site, ':'):]
	var answer atomic.Pointer[[][4]byte]
	f := New(Options{Resolver: resolver(t, &answer), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	for _, step := range []struct {
		addresses [][4]byte
		forbidden bool
	}{{[][4]byte{{127, 0, 0, 1}}, false}, {[][4]byte{{127, 0, 0, 2}}, true}, {[][4]byte{{10, 0, 0, 1}, {169, 254, 169, 254}}, true}, {[][4]byte{{127, 0, 0, 2}, {127, 0, 0, 1}}, false}} {
		answer.Store(&step.addresses)
		page, err := get(t, f, "http://rebind.example"+port)
		if errors.Is(err, ErrForbidden) != step.forbidden || !step.forbidden && (err != nil || string(page.Body) != "inside") {
			t.Errorf("with %v: %v", step.addresses, err)
		}
	}
}

// resolver asks a name server of the test's own, which gives the answer it is told.
func resolver(t *testing.T, answer *atomic.Pointer[[][4]byte]) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) == 0 {
				continue
			}
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				for _, a := range *answer.Load() {
					m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}, Body: &dnsmessage.AResource{A: a}})
				}
			}
			if out, err := m.Pack(); err == nil {
				conn.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func TestRedirects(t *testing.T) {
	site := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/old":
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
		case "/new":
			http.Redirect(w, r, "/today", http.StatusFound)
		case "/today":
			http.Redirect(w, r, "/here", http.StatusPermanentRedirect)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		default:
			if r.Header.Get("Referer") != "" {
				t.Error("a Referer was sent")
			}
		}
	})
	f := New(Options{Allow: local})
	page, err := get(t, f, site+"/old")
	if err != nil || page.URL != site+"/here" || page.Moved != site+"/new" {
		t.Errorf("found at %+v (%v)", page, err)
	}
	if page, err = get(t, f, site+"/new"); err != nil || page.Moved != "" {
		t.Errorf("moved for good behind a redirect for now: %+v (%v)", page, err)
	}
	if _, err = get(t, f, site+"/loop"); err == nil || !strings.Contains(err.Error(), "redirects more than 5 times") {
		t.Errorf("a loop: %v", err)
	}
}

func TestConditionalAndStatus(t *testing.T) {
	site := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		switch {
		case r.Header.Get("If-None-Match") == `"1"`:
			w.WriteHeader(http.StatusNotModified)
		case r.URL.Path == "/seconds":
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(http.StatusTooManyRequests)
		case r.URL.Path == "/date":
			w.Header().Set("Date", "Tue, 24 Nov 2026 10:00:00 GMT")
			w.Header().Set("Retry-After", "Tue, 24 Nov 2026 11:00:00 GMT")
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/never":
			w.Header().Set("Retry-After", "2000000000")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	f := New(Options{Allow: local})
	page, err := f.Get(t.Context(), Request{URL: site, ETag: `"1"`})
	if err != nil || !page.NotModified {
		t.Errorf("%+v (%v)", page, err)
	}
	for path, want := range map[string]time.Duration{"/seconds": 90 * time.Second, "/date": time.Hour, "/never": longestRetry} {
		var status *StatusError
		if _, err := get(t, f, site+path); !errors.As(err, &status) || status.RetryAfter != want {
			t.Errorf("%s: %v asks for %+v, not %v", path, err, status, want)
		}
	}
}

func TestFault_F1_BombsAndEndlessStreams(t *testing.T) {
	zeros := make([]byte, 1<<20)
	site := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gzip": // 2 GB of nothing in 2 MB
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			for range 2048 {
				if _, err := z.Write(zeros); err != nil {
					return
				}
			}
		case "/50MB":
			for range 50 {
				w.Write(zeros)
			}
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(zeros); err != nil {
					return
				}
			}
		case "/drip":
			for r.Context().Err() == nil {
				w.Write([]byte("x"))
				w.(http.Flusher).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(10 * time.Millisecond):
				}
			}
		case "/silent":
			<-r.Context().Done()
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
		}
	})
	f := New(Options{Allow: local, Timeout: 300 * time.Millisecond})
	patient := New(Options{Allow: local})
	for path, want := range map[string]string{"/gzip": "larger than 5242880 bytes", "/50MB": "larger", "/endless": "larger", "/drip": "not answered in full within 300ms", "/silent": "within 300ms", "/header": "header"} {
		from := patient
		if path == "/drip" || path == "/silent" {
			from = f
		}
		var err error
		grown := heaptest.While(func() { _, err = get(t, from, site+path) })
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), site+path) {
			t.Errorf("%s: %v", path, err)
		}
		if grown > 64<<20 {
			t.Errorf("%s: the heap grew by %d MB", path, grown>>20)
		}
	}
}

func TestAHostIsAskedByFewAtATime(t *testing.T) {
	var now, most atomic.Int64
	site := serve(t, func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(5 * time.Millisecond)
		now.Add(-1)
	})
	f := New(Options{Allow: local, PerHost: 3})
	errs := make(chan error)
	for range 20 {
		go func() { _, err := get(t, f, site); errs <- err }()
	}
	for range 20 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if most.Load() > 3 || len(f.hosts.busy) != 0 {
		t.Errorf("%d at the same time; %d hosts are remembered", most.Load(), len(f.hosts.busy))
	}
}
