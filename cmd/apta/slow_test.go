package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"apta/newsletter/transport/smtptest"
)

// listeningOn waits until a process says where it listens.
func listeningOn(t *testing.T, said *words) string {
	t.Helper()
	at := regexp.MustCompile(`listening on https?://(\S+)`)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if m := at.FindStringSubmatch(said.String()); m != nil {
			return m[1]
		}
	}
	t.Fatalf("it never listened:\n%s", said.String())
	return ""
}

// memoryOf is what a process holds, and held at most, in MB.
func memoryOf(t *testing.T, pid int) (now, most int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("there is no /proc here")
	}
	for line := range strings.Lines(string(text)) {
		fmt.Sscanf(line, "VmRSS: %d", &now)
		fmt.Sscanf(line, "VmHWM: %d", &most)
	}
	return now >> 10, most >> 10
}

// A thousand clients that say an octet now and then, bodies of 10 MB and ten
// thousand headers: others are served, a send goes on, memory is bounded, and
// who is too slow is hung up on.
func TestFault_W10_SlowAndLargeClients(t *testing.T) {
	t.Parallel()
	const readers, slow = 400, 1000
	s := newSite(t, "", readers, smtptest.Options{Latency: 5 * time.Millisecond})
	cmd, said := s.startServing(t)
	address := listeningOn(t, said)

	var wait sync.WaitGroup
	var hungUp atomic.Int64
	stop := make(chan struct{})
	for i := range slow {
		conn, err := net.Dial("tcp", address)
		if errors.Is(err, syscall.EMFILE) {
			t.Skipf("only %d files may be open here", i)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		wait.Go(func() {
			if drip(conn, i, stop) {
				hungUp.Add(1)
			}
		})
	}
	client := &http.Client{Timeout: 20 * time.Second}
	for i := range 30 {
		resp, err := client.Get("http://" + address + "/subscribe")
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("visitor %d beside %d slow ones: %v", i, slow, err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	s.await(t, "sent issue beside slow clients", s.sent)
	if s.relay.Count() != readers {
		t.Errorf("%d mails for %d readers", s.relay.Count(), readers)
	}

	before, _ := memoryOf(t, cmd.Process.Pid)
	large := bytes.Repeat([]byte("email=a@example.org&"), 10<<20/20)
	var bodies sync.WaitGroup
	for i := range 40 {
		path := []string{"/subscribe", "/u/x", "/lost", "/p/x/address", "/api/subscriptions", "/api/items", "/c/x", "/nothing"}[i%8]
		bodies.Go(func() {
			resp, err := client.Post("http://"+address+path, "application/x-www-form-urlencoded", bytes.NewReader(large))
			if err != nil {
				return // hung up on in mid-body: as good
			}
			resp.Body.Close()
			if resp.StatusCode < 400 {
				t.Errorf("10 MB to %s: %s", path, resp.Status)
			}
		})
	}
	bodies.Wait()
	if status := manyHeaders(t, address); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("10,000 headers: %d", status)
	}
	now, most := memoryOf(t, cmd.Process.Pid)
	t.Logf("memory: %d MB before the large bodies, %d after, %d at most", before, now, most)
	if most > 400 {
		t.Errorf("it held %d MB", most)
	}
	// The server gives a header ten seconds.
	s.await(t, "end of the slow clients", func(context.Context) bool { return hungUp.Load() == slow })
	close(stop)
	wait.Wait()
}

// drip sends a header octet by octet, or a body, and reports whether it was hung
// up on.
func drip(conn net.Conn, i int, stop <-chan struct{}) bool {
	head := "GET /subscribe HTTP/1.1\r\nHost: x\r\nX-Slow: "
	if i%4 == 0 && torture() { // these have half a minute, headers ten seconds
		head = "POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\nemail="
	}
	if _, err := io.WriteString(conn, head); err != nil {
		return true
	}
	gone := make(chan struct{})
	go func() { io.Copy(io.Discard, conn); close(gone) }()
	for {
		select {
		case <-stop:
			return false
		case <-gone:
			return true
		case <-time.After(500 * time.Millisecond):
			if _, err := conn.Write([]byte("a")); err != nil {
				return true
			}
		}
	}
}

func manyHeaders(t *testing.T, address string) int {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	go func() {
		w := bufio.NewWriter(conn)
		fmt.Fprint(w, "GET / HTTP/1.1\r\nHost: x\r\n")
		for i := range 10000 {
			fmt.Fprintf(w, "X-Header-%d: %d\r\n", i, i)
		}
		fmt.Fprint(w, "\r\n")
		w.Flush()
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}
