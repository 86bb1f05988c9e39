package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"apta/subscribers"
)

// served is a running apta serve.
type served struct {
	b       *testing.B
	cmd     *exec.Cmd
	address string
}

// serveIn starts apta serve in a folder.
func serveIn(b *testing.B, bin, dir string) *served {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &served{b: b, address: l.Addr().String(), cmd: exec.Command(bin, "serve")}
	l.Close()
	s.cmd.Dir = dir
	s.cmd.Env = append(os.Environ(), "APTA_LISTEN="+s.address, "APTA_BASE_URL=http://"+s.address, "APTA_MAIL_FROM=weekly@news.example")
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	for range 1000 {
		if res, err := http.Get("http://" + s.address + "/healthz"); err == nil {
			res.Body.Close()
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Fatal("apta serve does not answer")
	return nil
}

// stop ends it and gives the processor time it took.
func (s *served) stop() time.Duration {
	s.cmd.Process.Signal(os.Interrupt)
	s.cmd.Wait()
	use := s.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// load has so many connections ask n times in all, and reports requests a second,
// the 99th percentile and the server's processor time a request.
func (s *served) load(connections, n int, request func(i int) string) {
	b := s.b
	var next atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	b.ResetTimer()
	began := time.Now()
	for range connections {
		all.Go(func() {
			conn, err := net.Dial("tcp", s.address)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			var own []time.Duration
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				start := time.Now()
				io.WriteString(conn, request(i))
				res, err := http.ReadResponse(in, nil)
				if err != nil || res.StatusCode != http.StatusOK {
					b.Errorf("request %d: %v %v", i, err, res)
					return
				}
				io.Copy(io.Discard, res.Body)
				own = append(own, time.Since(start))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
		})
	}
	all.Wait()
	elapsed := time.Since(began)
	b.StopTimer()
	if len(took) == 0 {
		b.Fatal("nothing was answered")
	}
	slices.Sort(took)
	b.ReportMetric(float64(len(took))/elapsed.Seconds(), "requests/s")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(s.stop().Microseconds())/float64(len(took)), "cpu-µs/request")
	b.ReportMetric(0, "ns/op")
}

// The subscribe page, as one visitor after the other asks for it.
func BenchmarkSubscribePage(b *testing.B) {
	s := serveIn(b, build(b), b.TempDir())
	request := "GET /subscribe HTTP/1.1\r\nHost: " + s.address + "\r\nAccept-Language: ru\r\n\r\n"
	s.load(32, 50_000, func(int) string { return request })
}

// Confirming: each request is another newcomer's, committed to disk.
func BenchmarkConfirm(b *testing.B) {
	bin, dir := build(b), b.TempDir()
	const n = 20_000
	tokens := newcomers(b, dir, n)
	s := serveIn(b, bin, dir)
	s.load(32, n, func(i int) string {
		return "POST /c/" + tokens[i] + " HTTP/1.1\r\nHost: " + s.address + "\r\nContent-Length: 0\r\n\r\n"
	})
}

// newcomers are subscribers who have asked and not confirmed, and their tokens.
func newcomers(b *testing.B, dir string, n int) (tokens []string) {
	b.Helper()
	ctx := context.Background()
	c := defaults()
	c.Mail.From = "weekly@news.example"
	for _, problem := range c.check() {
		b.Fatal(problem)
	}
	c.resolvePaths(filepath.Join(dir, "apta.toml"))
	a := &app{stdout: io.Discard, stderr: io.Discard, now: time.Now, cfg: &c}
	r, err := a.open(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer a.close()
	subs := make([]subscribers.Subscriber, n)
	for i := range subs {
		subs[i] = subscribers.Subscriber{Email: fmt.Sprintf("reader%06d@example.org", i), Status: subscribers.Pending}
	}
	if _, err := r.subscribers.AddAll(ctx, subs, "benchmark"); err != nil {
		b.Fatal(err)
	}
	_, err = r.db.Exec(ctx, `
INSERT INTO applications (subscriber_id, at, name, language, format, topics, every_weeks, source, wording, network)
SELECT id, $1, '', 'ru', '', '', 0, 'subscribe page', 'I ask for it', '192.0.2.0/24' FROM subscribers`, time.Now().UnixMilli())
	if err != nil {
		b.Fatal(err)
	}
	err = r.subscribers.Each(ctx, func(sub subscribers.Subscriber) error {
		tokens = append(tokens, r.keys.Token(subscribers.PurposeConfirm, sub.ID, 0))
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return tokens
}
