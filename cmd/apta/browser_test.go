package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// browsing is how long a script may work in the browser.
const browsing = 8 * time.Minute

// wants skips a test that is for make e2e, or for programs that are not here.
func wants(t *testing.T, programs ...string) {
	t.Helper()
	if os.Getenv("APTA_E2E") == "" {
		t.Skip("make e2e runs it")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(p + " is not installed here")
		}
	}
}

// npm installs what the scripts in e2e need, where a module of it is missing.
func npm(t *testing.T, module string) {
	t.Helper()
	if _, err := os.Stat("e2e/node_modules/" + module); err == nil {
		return
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = "e2e"
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
}

// runScript has a script of e2e work in Debian's Chromium, with what it is to know in
// its environment.
func runScript(t *testing.T, name string, env ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), browsing)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", name)
	cmd.Dir = "e2e"
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// openPort opens a free port of this machine.
func openPort(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// serveUntilTheEnd has the newsroom do all that apta serve does until the test ends.
func (n *newsroom) serveUntilTheEnd(t *testing.T, listener net.Listener) {
	t.Helper()
	done := make(chan error, 1)
	serving, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	go func() { done <- n.serve(serving, n.rooms, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
