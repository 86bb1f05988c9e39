package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// build makes the binary that the benchmarks start.
func build(b *testing.B) string {
	b.Helper()
	bin := filepath.Join(b.TempDir(), "apta")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return bin
}

// From the start of the process to its first answered request, on a database
// that exists.
func BenchmarkColdStart(b *testing.B) {
	bin, dir := build(b), b.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	for b.Loop() {
		cmd := exec.Command(bin, "serve")
		cmd.Dir = dir
		cmd.Env = append(plainEnviron(), "APTA_LISTEN="+address, "APTA_BASE_URL=http://"+address, "APTA_MAIL_FROM=weekly@news.example")
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			res, err := http.Get("http://" + address + "/healthz")
			if err == nil {
				res.Body.Close()
				break
			}
			if time.Now().After(deadline) {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		http.DefaultClient.CloseIdleConnections()
		b.StartTimer()
	}
}

func BenchmarkImport100000Items(b *testing.B) {
	const items = 100_000
	var lines bytes.Buffer
	for n := range items {
		fmt.Fprintf(&lines, `{"url": "https://news.example/2024/10/story-%d", "title": "Council agrees to open bridge number %d", "summary": "The regional council agreed on Tuesday to open the second bridge over the river, which had been closed to lorries since the floods of last spring.", "source": "Orda", "theme": "Transport", "place": "Almaty", "language": "en", "published": "2024-10-%02dT09:00:00+05:00"}`+"\n", n, n, n%28+1)
	}
	for b.Loop() {
		b.StopTimer()
		cfg := defaults()
		for _, problem := range cfg.check() {
			b.Fatal(problem)
		}
		cfg.resolvePaths(filepath.Join(b.TempDir(), "apta.toml"))
		a := &app{stdout: io.Discard, stderr: io.Discard, now: time.Now, cfg: &cfg}
		if _, err := a.open(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := a.importItems(context.Background(), bytes.NewReader(lines.Bytes()), "items", int64(lines.Len())); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		a.close()
		b.StartTimer()
	}
	b.ReportMetric(float64(items*b.N)/b.Elapsed().Seconds(), "items/s")
}
