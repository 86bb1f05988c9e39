package delivery

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"apta/newsletter/transport"
)

func benchKey(b *testing.B, kind string) transport.DKIM {
	b.Helper()
	key, err := transport.GenerateKey(kind)
	if err != nil {
		b.Fatal(err)
	}
	return transport.DKIM{Domain: "news.example", Selector: "bench", Key: key}
}

// BenchmarkSendingEd25519 is BenchmarkSending with every message signed, beside
// the raw blaster that signs nothing.
func BenchmarkSendingEd25519(b *testing.B) {
	port, edition, readers, key := startSink(b), benchMail(b), benchReaders(), benchKey(b, "ed25519")
	const connections = 64
	var raw, ours, cpu []float64
	for b.Loop() {
		for range 3 {
			raw = append(raw, blast(b, port, edition, readers, connections))
			rate, micros := sendAll(b, port, filepath.Join(b.TempDir(), "apta.db"), edition, readers, connections, key)
			ours, cpu = append(ours, rate), append(cpu, micros)
		}
	}
	b.ReportMetric(median(raw), "raw-msg/s")
	b.ReportMetric(median(ours), "apta-msg/s")
	b.ReportMetric(median(ours)/median(raw), "ratio")
	b.ReportMetric(median(cpu), "cpu-µs/msg")
}

// BenchmarkSendingRSA sends signed with RSA-2048, beside the signatures that all
// cores make when they do nothing else. A tenth of the readers is enough.
func BenchmarkSendingRSA(b *testing.B) {
	port, edition, readers, key := startSink(b), benchMail(b), benchReaders()/10, benchKey(b, "rsa")
	var alone, aloneCPU, ours, cpu []float64
	for b.Loop() {
		for range 3 {
			rate, micros := signOnly(b, key.Key, readers)
			alone, aloneCPU = append(alone, rate), append(aloneCPU, micros)
			rate, micros = sendAll(b, port, filepath.Join(b.TempDir(), "apta.db"), edition, readers, 64, key)
			ours, cpu = append(ours, rate), append(cpu, micros)
		}
	}
	b.ReportMetric(median(alone), "signatures/s")
	b.ReportMetric(median(ours), "apta-msg/s")
	b.ReportMetric(median(ours)/median(alone), "ratio")
	b.ReportMetric(median(cpu), "cpu-µs/msg")
	b.ReportMetric(median(aloneCPU), "cpu-µs/signature")
}

// signOnly gives how many signatures a second all cores make, and the CPU time of
// one in microseconds, which a busy machine does not change.
func signOnly(b *testing.B, key crypto.Signer, signatures int) (rate, micros float64) {
	b.Helper()
	digest := sha256.Sum256([]byte("a header"))
	var made atomic.Int64
	var all sync.WaitGroup
	cpu, began := cpuTime(), time.Now()
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for made.Add(1) <= int64(signatures) {
				if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	return float64(signatures) / time.Since(began).Seconds(), float64((cpuTime() - cpu).Microseconds()) / float64(signatures)
}
