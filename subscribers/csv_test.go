package subscribers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func importCSV(t testing.TB, s *subscribers.Store, text string) (subscribers.Report, []string, error) {
	t.Helper()
	var bad []string
	rep, err := s.Import(context.Background(), strings.NewReader(text), subscribers.ImportOptions{Source: "test",
		Bad: func(line int, err error) { bad = append(bad, fmt.Sprintf("%d: %v", line, err)) }})
	return rep, bad, err
}

func TestImportCSV(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *subscribers.Store) {
		rep, bad, err := importCSV(t, s, "\ufeffE-Mail;Vorname;First Name;Last Name;Language\r\na@example.org;x;Ada;Lovelace;EN\r\n\r\nnot an address;;;;\r\n\"b@example.org\";;\"Б;Б\";;ru\r\nA@EXAMPLE.org;;;;\r\na@example.org;;;;\n")
		if err != nil || rep != (subscribers.Report{Added: 3, Duplicates: 1, Refused: 1}) {
			t.Errorf("report %+v (%v)", rep, err)
		}
		if len(bad) != 1 || !strings.HasPrefix(bad[0], "4: ") {
			t.Errorf("complaints %q", bad)
		}
		rep, _, err = importCSV(t, s, "email,status,format\na@example.org,active,html\nc@example.org,unsubscribed,text\nd@example.org,maybe,\ne@example.org,,pdf\n\"f\x00@example.org\",,\n")
		if err != nil || rep != (subscribers.Report{Added: 1, Present: 1, Refused: 3}) {
			t.Errorf("report %+v (%v)", rep, err)
		}
		// Who left is not brought back.
		if rep, _, err = importCSV(t, s, "email\nc@example.org\n"); err != nil || rep != (subscribers.Report{Left: 1}) {
			t.Errorf("report %+v (%v)", rep, err)
		}
		_, _, err = importCSV(t, s, "name,city\nA,B\n")
		if !errors.Is(err, subscribers.ErrNoEmail) || !strings.Contains(err.Error(), "name, city") {
			t.Errorf("without an email column: %v", err)
		}
		for _, empty := range []string{"", "\xff\xfee\x00m\x00"} {
			if _, _, err = importCSV(t, s, empty); err == nil {
				t.Errorf("%q was imported", empty)
			}
		}
		var names []string
		if err := s.Each(context.Background(), func(sub subscribers.Subscriber) error {
			names = append(names, sub.Email+"/"+sub.Name+"/"+sub.Language+"/"+sub.Format+"/"+string(sub.Status))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		want := "a@example.org/Ada Lovelace/en/html/active b@example.org/Б;Б/ru/html/active A@example.org//" +
			"/html/active c@example.org///text/unsubscribed"
		if got := strings.Join(names, " "); got != want {
			t.Errorf("stored are\n%s, not\n%s", got, want)
		}
	})
}

func FuzzCSV(f *testing.F) {
	f.Add("email,name\na@example.org,A\n")
	f.Add("\"email\n;;\t")
	f.Add("email;status\n\"a@example.org\";\"x\n\"\"y\"\nb@example.org;\"\n")
	db, err := database.Open(context.Background(), f.TempDir()+"/apta.db")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	if err := db.Migrate(context.Background(), subscribers.Schema()); err != nil {
		f.Fatal(err)
	}
	s := subscribers.NewStore(db, database.NewIDs(nil, nil), keys(f, "k"), time.Now)
	// Every line that is not empty is the header's, a subscriber's or complained of.
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "\"\r") || strings.HasPrefix(text, "\ufeff") {
			importCSV(t, s, text)
			return
		}
		rep, bad, err := importCSV(t, s, text)
		lines := len(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })) - 1
		if err == nil && (rep.Refused != len(bad) || rep.Added+rep.Changed+rep.Present+rep.Duplicates+rep.Left+rep.Suppressed+rep.Refused != lines) {
			t.Fatalf("%q has %d lines, the report is %+v with %q", text, lines, rep, bad)
		}
	})
}

func TestFault_W8_FormulasAreDefused(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *subscribers.Store) {
		for n, name := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "plain"} {
			if _, err := s.Add(context.Background(), subscribers.Subscriber{Email: fmt.Sprintf("r%d@example.org", n), Name: name}, "test"); err != nil {
				t.Fatal(err)
			}
		}
		var b bytes.Buffer
		if err := s.ExportCSV(context.Background(), &b); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{",'=1+1,", ",'+1,", ",'-1,", ",'@SUM(A1),", ",plain,"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("the export lacks %s:\n%s", want, b.String())
			}
		}
	})
}

// A quote that nobody closed, a line without end, foreign bytes: each spoils its
// own line, and those around it are read.
func TestFault_W8_RubbishSpoilsItsOwnLineOnly(t *testing.T) {
	good := "email,name,note\nfirst@example.org,,\n"
	for name, c := range map[string]struct{ rubbish, complaint string }{
		"quote opened":        {`a@example.org,"oops`, "3: a quote is opened"},
		"quote on two lines":  {"a@example.org,\"oops\nb@example.org,\"again", "3: a quote is opened|4: a quote is opened"},
		"quote in quotes":     {`a@example.org,"An "Odd" Name"`, "3: a quote is opened"},
		"name on two lines":   {"a@example.org,\"one\ntwo\"", "3: name: it has control characters or more than 200 octets (a quote joins it to the lines up to 4)"},
		"NUL":                 {"a@example.org,A\x00B", "3: the line is not UTF-8"},
		"another encoding":    {"a@example.org,\xc0\xed\xed\xe0", "3: the line is not UTF-8"},
		"direction turned":    {"a@example.org,A\u202eB", "3: name: it has control"},
		"endless line":        {strings.Repeat("x", 1<<20), "3: the line is longer"},
		"endless quoted note": {"a@example.org,A,\"" + strings.Repeat("a line of a note\n", 1<<10), "3: a quote is opened"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sqliteStore(t)
			rep, bad, err := importCSV(t, s, good+c.rubbish+"\nlast@example.org,,\n")
			if err != nil {
				t.Fatal(err)
			}
			for _, email := range []string{"first@example.org", "last@example.org"} {
				if _, err := s.ByEmail(context.Background(), email); err != nil {
					t.Errorf("%s: %v (report %+v)", email, err, rep)
				}
			}
			want := strings.Split(c.complaint, "|")
			if len(bad) < len(want) {
				t.Fatalf("complaints %q, not %q", bad, want)
			}
			for i := range want {
				if !strings.HasPrefix(bad[i], want[i]) {
					t.Errorf("complaint %q, not %q", bad[i], want[i])
				}
			}
		})
	}
}

func TestQuotedFields(t *testing.T) {
	s := sqliteStore(t)
	rep, bad, err := importCSV(t, s, "note,email,name\r\n\"said \"\"yes\"\",\r\non \"\"two\"\" lines\",a@example.org,\"Lovelace, \"\"Ada\"\"\"\r\n,b@example.org,Ann \"Annie\" Lee")
	if err != nil || rep.Added != 2 || len(bad) > 0 {
		t.Fatalf("report %+v, %q (%v)", rep, bad, err)
	}
	for email, want := range map[string]string{"a@example.org": `Lovelace, "Ada"`, "b@example.org": `Ann "Annie" Lee`} {
		if sub, err := s.ByEmail(context.Background(), email); err != nil || sub.Name != want {
			t.Errorf("%s is %q, not %q (%v)", email, sub.Name, want, err)
		}
	}
}

// rubbish is a file of one line again and again, left bytes of it.
type rubbish struct {
	line string
	at   int
	left int
}

func (r *rubbish) Read(b []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), r.left)], r.line[r.at:])
	r.at, r.left = (r.at+n)%len(r.line), r.left-n
	return n, nil
}

func TestFault_W8_RubbishTakesNoMemory(t *testing.T) {
	for line, times := range map[string]int{
		strings.Repeat("x", 1000): 10_000, // no line ends
		"rubbish;rubbish\n":       100_000,
		"a\",\"b\n":               20_000, // every line opens a quote, and no other closes it
		"\n":                      1_000_000,
	} {
		name := fmt.Sprintf("%.20q", line)
		s := sqliteStore(t)
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var most uint64
		lines := 0
		in := io.MultiReader(strings.NewReader("email,name\n"), &rubbish{line: line, left: times * len(line)})
		rep, err := s.Import(context.Background(), in, subscribers.ImportOptions{Source: "test", Bad: func(int, error) {
			if lines++; lines%10_000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc)
			}
		}})
		if err != nil || rep.Added > 0 || rep.Refused != lines {
			t.Errorf("%s: report %+v, %d complaints (%v)", name, rep, lines, err)
		}
		if grown := int64(most) - int64(before.HeapAlloc); grown > 8<<20 {
			t.Errorf("%s: %d MB more in use", name, grown>>20)
		}
	}
}

func TestImportStopsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	in := io.MultiReader(strings.NewReader("email,name\n"), &rubbish{line: "rubbish\n", left: 1 << 40})
	_, err := sqliteStore(t).Import(ctx, in, subscribers.ImportOptions{Source: "test", Bad: func(int, error) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// What is exported can be imported: the same people, and nobody else.
func TestExportComesBack(t *testing.T) {
	each(t, func(t *testing.T, _ *database.DB, s *subscribers.Store) {
		ctx := context.Background()
		subs := []subscribers.Subscriber{
			{Email: "+tag@example.org", Name: "=1+1"}, {Email: "o'brien@example.org", Name: "'quoted'"}, {Email: "пётр@почта.рф", Name: "Пётр; \"П\"", Language: "kk-KZ"},
			{Email: "left@example.org", Status: subscribers.Unsubscribed, Format: "text"}, {Email: "dead@example.org", Status: subscribers.Bounced},
			{Email: "spam@example.org", Status: subscribers.Complained}, {Email: "new@example.org", Status: subscribers.Pending}, {Email: "away@example.org", Status: subscribers.Paused},
		}
		if _, err := s.AddAll(ctx, subs, "test"); err != nil {
			t.Fatal(err)
		}
		var out, again bytes.Buffer
		if err := s.ExportCSV(ctx, &out); err != nil {
			t.Fatal(err)
		}
		if rep, bad, err := importCSV(t, s, out.String()); err != nil || rep.Added+rep.Refused > 0 {
			t.Errorf("into the same: report %+v, %q (%v)", rep, bad, err)
		}
		other := sqliteStore(t)
		if rep, bad, err := importCSV(t, other, out.String()); err != nil || rep.Added != len(subs) {
			t.Errorf("into another: report %+v, %q (%v)", rep, bad, err)
		}
		if err := other.ExportCSV(ctx, &again); err != nil || withoutDates(again.String()) != withoutDates(out.String()) {
			t.Errorf("exported again (%v):\n%s", err, again.String())
		}
	})
}

// withoutDates cuts off the last column.
func withoutDates(csv string) string {
	lines := strings.Split(csv, "\n")
	for i, l := range lines {
		lines[i] = l[:max(0, strings.LastIndexByte(l, ','))]
	}
	return strings.Join(lines, "\n")
}

// A list of those who left elsewhere takes them off; it brings nobody back.
func TestImportOfThoseWhoLeft(t *testing.T) {
	each(t, func(t *testing.T, db *database.DB, s *subscribers.Store) {
		ctx := context.Background()
		importCSV(t, s, "email\na@example.org\nb@example.org\n")
		rep, _, err := importCSV(t, s, "email,status\nA@example.org,unsubscribed\na@example.org,unsubscribed\nb@example.org,active\n")
		if err != nil || rep != (subscribers.Report{Added: 1, Present: 1, Changed: 1}) {
			t.Errorf("report %+v (%v)", rep, err)
		}
		for email, want := range map[string]subscribers.Status{"a@example.org": subscribers.Unsubscribed, "b@example.org": subscribers.Active} {
			if sub, err := s.ByEmail(ctx, email); err != nil || sub.Status != want {
				t.Errorf("%s is %s (%v)", email, sub.Status, err)
			}
		}
		var n int
		if err := db.QueryRow(ctx, `SELECT count(*) FROM consents WHERE what = 'unsubscribed' AND source = 'test'`).Scan(&n); err != nil || n != 2 {
			t.Errorf("%d entries in the consent log (%v)", n, err)
		}
	})
}

// Addresses in no order, as lists have them. APTA_IMPORT_ROWS=1000000 is the
// figure of docs/performance.md.
func BenchmarkImportCSV(b *testing.B) {
	rows := 50_000
	if n, err := strconv.Atoi(os.Getenv("APTA_IMPORT_ROWS")); err == nil {
		rows = n
	}
	var csv bytes.Buffer
	csv.WriteString("email,name,status,created_at\n")
	random := rand.New(rand.NewPCG(1, 2))
	for n := range rows {
		fmt.Fprintf(&csv, "%x.reader%d@example%d.org,Reader %d,enabled,2021-05-06 07:08:09\n", random.Uint32(), n, n%100, n)
	}
	for name, store := range map[string]func(testing.TB) *subscribers.Store{
		"sqlite": sqliteStore, "postgres": func(t testing.TB) *subscribers.Store { return storeAt(t, databasetest.PostgreSQL(t)) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := store(b)
				b.StartTimer()
				rep, err := s.Import(context.Background(), bytes.NewReader(csv.Bytes()), subscribers.ImportOptions{Source: "bench", Digest: "bench", Bad: func(int, error) {}})
				if err != nil || rep.Added != rows {
					b.Fatalf("report %+v (%v)", rep, err)
				}
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
