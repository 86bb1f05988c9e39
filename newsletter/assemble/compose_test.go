package assemble

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"apta/newsletter"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func readItems(t testing.TB, file string) []newsletter.Item {
	t.Helper()
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not here", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var items []newsletter.Item
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var it newsletter.Item
		if err := json.Unmarshal(lines.Bytes(), &it); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		items = append(items, it)
	}
	return items
}

func week(t testing.TB, name, zone string) newsletter.Window {
	t.Helper()
	z, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newsletter.ParseWeek(name, z)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func style(newsroom string) Style {
	return Style{Language: "en", Newsroom: newsroom, TitlePrefix: "Week in Review", Standfirst: "{newsroom} has put together a brief synopsis of the past week.", MaxLatest: 20}
}

// golden holds an issue against its file, and writes the page as text beside it
// for whoever reads it.
func golden(t *testing.T, name string, issue newsletter.Issue) {
	t.Helper()
	got, err := json.MarshalIndent(issue, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)+"\n"); d != "" {
		t.Errorf("%s differs (-want +got), -update writes it:\n%s", file, d)
	}
}

// page is the issue as expected.txt of the seed week has it.
func page(issue newsletter.Issue) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n\n", issue.Title, issue.Standfirst)
	for _, s := range issue.Strands {
		fmt.Fprintf(&b, "%s\n\n", s.Text)
	}
	b.WriteString("Latest news\n\n")
	for _, h := range issue.Latest {
		fmt.Fprintf(&b, "- %s\n", h.Title)
	}
	return b.String()
}

// The measure of assembly is the page that a human newsroom made of its week.
func TestSeedWeekWordForWord(t *testing.T) {
	items := readItems(t, "../../../shared/seed-week/items.jsonl")
	issue, reasons, err := Compose(items, week(t, "2024-W42", "Asia/Almaty"), style("Orda"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../../shared/seed-week/expected.txt")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(bytes.TrimSpace(want)), strings.TrimSpace(page(issue))); d != "" {
		t.Errorf("the page differs (-want +got):\n%s", d)
	}
	if len(issue.Strands) != 16 || len(issue.Latest) != 20 || len(reasons.Items) != len(items) {
		t.Errorf("%d strands, %d headlines, %d reasons for %d items", len(issue.Strands), len(issue.Latest), len(reasons.Items), len(items))
	}
	for _, s := range issue.Strands {
		for _, p := range s.Items {
			t.Logf("%q <- %s", p.Anchor, p.Title)
		}
	}
}
