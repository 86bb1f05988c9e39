package delivery

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"apta/newsletter"
	"apta/newsletter/transport"
	"apta/newsletter/transport/smtptest"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// sinkEnv makes the test program a relay that counts and forgets, so that its
// work is not booked to the sender.
const sinkEnv = "APTA_DELIVERY_SINK"

func sinkProcess() {
	s, err := smtptest.Start(smtptest.Options{CountOnly: true})
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Port())
	io.Copy(io.Discard, os.Stdin) // until the benchmark is over
}

func startSink(b *testing.B) (port int) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), sinkEnv+"=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { stdin.Close(); cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	if port, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		b.Fatal(err)
	}
	return port
}

// benchReaders is how many mails each benchmark sends; APTA_BENCH_READERS sets another number.
func benchReaders() int {
	if n, err := strconv.Atoi(os.Getenv("APTA_BENCH_READERS")); err == nil {
		return n
	}
	return 100_000
}

// benchMail is a review of 40 KB with four reader slots in its bodies.
func benchMail(b *testing.B) *transport.Edition {
	b.Helper()
	u, p := newsletter.SlotUnsubscribe.Marker(), newsletter.SlotPreferences.Marker()
	prose := "The council agreed on Tuesday to open the second bridge over the river. "
	e, err := transport.Freeze(newsletter.Mail{Subject: "Week in Review", Text: strings.Repeat(prose+"\n", 110) + u + "\n" + p + "\n",
		HTML: "<p>" + strings.Repeat(prose, 410) + "</p><a href=\"" + u + "\">leave</a> <a href=\"" + p + "\">change</a>"},
		transport.Headers{From: mail.Address{Address: "weekly@news.example"}, ListID: "weekly.news.example", Date: time.Now()})
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// BenchmarkSending runs, three times in turn, a raw blaster that only writes
// prepared messages, pipelined, and the sender with its durable ledger, on the
// same connections to the same sink, and prints the median rates and their ratio.
func BenchmarkSending(b *testing.B) {
	for _, connections := range []int{8, 64, 128} {
		b.Run(fmt.Sprintf("sqlite/connections=%d", connections), func(b *testing.B) {
			compare(b, connections, func() string { return filepath.Join(b.TempDir(), "apta.db") })
		})
	}
	b.Run("postgres/connections=64", func(b *testing.B) {
		pg, err := databasetest.StartPostgreSQL(b.TempDir())
		if err != nil {
			b.Skip("skipped: " + err.Error())
		}
		b.Cleanup(func() { pg.Stop("immediate") })
		names := 0
		compare(b, 64, func() string {
			admin, err := database.Open(context.Background(), pg.URL("postgres"))
			if err != nil {
				b.Fatal(err)
			}
			defer admin.Close()
			names++
			if _, err := admin.Exec(context.Background(), fmt.Sprintf("CREATE DATABASE bench%d", names)); err != nil {
				b.Fatal(err)
			}
			return pg.URL(fmt.Sprintf("bench%d", names))
		})
	})
}

func compare(b *testing.B, connections int, fresh func() string) {
	port, edition, readers := startSink(b), benchMail(b), benchReaders()
	var raw, ours, cpu []float64
	for b.Loop() {
		for range 3 {
			raw = append(raw, blast(b, port, edition, readers, connections))
			rate, micros := sendAll(b, port, fresh(), edition, readers, connections)
			ours, cpu = append(ours, rate), append(cpu, micros)
		}
	}
	b.ReportMetric(median(raw), "raw-msg/s")
	b.ReportMetric(median(ours), "apta-msg/s")
	b.ReportMetric(median(ours)/median(raw), "ratio")
	b.ReportMetric(median(cpu), "cpu-µs/msg")
	b.ReportMetric(peakMB(b), "peak-MB")
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

// peakMB is the most memory that this process ever had in use, in megabytes.
func peakMB(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	kb, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
	if err != nil {
		b.Fatal(err)
	}
	return float64(kb) / 1024
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// blast sends one prepared message over and over: MAIL, RCPT, DATA and the body
// behind the message before, no ledger, nothing spliced. It gives messages a second.
func blast(b *testing.B, port int, e *transport.Edition, messages, connections int) float64 {
	b.Helper()
	body, err := e.Append(nil, &transport.Reader{Address: "reader@readers.example", MessageID: "m@news.example", UnsubscribeURL: "https://news.example/u/x", PreferencesURL: "https://news.example/p/x"})
	if err != nil {
		b.Fatal(err)
	}
	envelope := "MAIL FROM:<weekly@news.example>\r\nRCPT TO:<reader@readers.example>\r\nDATA\r\n"
	flight := append(append(body, ".\r\n"...), envelope...)
	began := time.Now()
	var all sync.WaitGroup
	for i := range connections {
		n := messages / connections
		if i < messages%connections {
			n++
		}
		all.Go(func() {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				b.Error(err)
				return
			}
			defer c.Close()
			in := bufio.NewReader(c)
			expect := func(lines int) {
				for range lines {
					if _, err := in.ReadSlice('\n'); err != nil {
						b.Error(err)
						return
					}
				}
			}
			expect(1)
			io.WriteString(c, "HELO blaster\r\n"+envelope)
			expect(4)
			for range n {
				c.Write(flight)
				expect(4)
			}
		})
	}
	all.Wait()
	return float64(messages) / time.Since(began).Seconds()
}

// sendAll sends an issue to so many readers and gives messages a second and this
// process's CPU time a message, in microseconds.
func sendAll(b *testing.B, port int, url string, e *transport.Edition, readers, connections int, sign ...transport.DKIM) (rate, micros float64) {
	b.Helper()
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			b.Helper()
			b.Fatal(err)
		}
	}
	db, err := database.Open(ctx, url)
	must(err)
	defer db.Close()
	must(db.Migrate(ctx, schemas...))
	ids := database.NewIDs(nil, nil)
	keys, err := subscribers.NewKeys([]byte(strings.Repeat("k", 32)))
	must(err)
	store, subs, ledger := newsletter.NewStore(db, ids, time.Now), subscribers.NewStore(db, ids, keys, time.Now).For("weekly"), NewLedger(db, time.Now)
	for first := 0; first < readers; first += 5000 {
		var batch []subscribers.Subscriber
		for n := first; n < min(first+5000, readers); n++ {
			batch = append(batch, subscribers.Subscriber{Email: fmt.Sprintf("reader%d@readers%d.example", n, n%50), Name: fmt.Sprintf("Reader %d", n)})
		}
		_, err := subs.AddAll(ctx, batch, "bench")
		must(err)
	}
	issue, err := store.SaveIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: "2024-W42", Language: "en"})
	must(err)
	must(store.Approve(ctx, issue, newsletter.Approval{Editions: map[string][]byte{"": e.Bytes()}}))
	issue.Status = newsletter.Approved
	relay := transport.Relay{Host: "127.0.0.1", Port: port, TLS: "none"}
	s := NewSender(ledger, store, keys, Options{
		Relays:      []Relay{{Name: "relay", Connections: connections, Dial: Dialer(relay)}},
		Newsletters: map[string]Newsletter{"": {DKIM: sign, BaseURL: "https://news.example", Domain: "news.example", ReturnPath: "bounces@news.example"}},
		Log:         slog.New(slog.DiscardHandler),
	})
	must(s.Start(ctx, issue))
	cpu, began := cpuTime(), time.Now()
	must(s.Work(ctx, issue.ID))
	elapsed := time.Since(began)
	c, err := ledger.Counts(ctx, issue.ID)
	must(err)
	if c.Accepted != readers {
		b.Fatalf("counts %+v", c)
	}
	return float64(readers) / elapsed.Seconds(), float64((cpuTime() - cpu).Microseconds()) / float64(readers)
}
