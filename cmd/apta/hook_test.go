package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// hearing is what arrived at the receivers of each script, by the script's folder.
var hearing sync.Map

// heard is what one receiver got: the bodies whose signature is good, each
// webhook-id once.
type heard struct {
	mu     sync.Mutex
	bodies []string
}

// hear starts a receiver of webhooks at $HOOK: hear SECRETFILE, in which the
// secret is the last word.
func hear(ts *testscript.TestScript, _ bool, args []string) {
	h, seen, file := &heard{}, map[string]bool{}, ts.MkAbs(args[0])
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		secret, _ := os.ReadFile(file)
		words := strings.Fields(string(secret))
		if err != nil || len(words) == 0 {
			w.WriteHeader(500)
			return
		}
		verify, err := standard.NewWebhook(words[len(words)-1])
		if err == nil {
			err = verify.Verify(body, r.Header)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if id := r.Header.Get("Webhook-Id"); !seen[id] {
			seen[id], h.bodies = true, append(h.bodies, string(body))
		}
	}))
	ts.Defer(server.Close)
	ts.Setenv("HOOK", server.URL)
	hearing.Store(ts.Getenv("WORK"), h)
}

// toldOf waits until the nth event, from 1, has arrived and holds it against words:
// told N WORDS...
func toldOf(ts *testscript.TestScript, _ bool, args []string) {
	v, _ := hearing.Load(ts.Getenv("WORK"))
	h := v.(*heard)
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		h.mu.Lock()
		bodies := append([]string{}, h.bodies...)
		h.mu.Unlock()
		if len(bodies) < n && time.Now().Before(deadline) {
			continue
		}
		if len(bodies) < n {
			ts.Fatalf("%d events arrived: %q", len(bodies), bodies)
		}
		for _, words := range args[1:] {
			if !strings.Contains(bodies[n-1], words) {
				ts.Fatalf("nothing of %q in %s", words, bodies[n-1])
			}
		}
		return
	}
}
