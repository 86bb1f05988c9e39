package bounce

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCorpus measures Parse over mails that others have sorted. It is skipped
// unless APTA_BOUNCE_CORPUS names a folder of folders, each with a truth.tsv: a
// line has a file's name, its kind (? where nobody said) and its recipients, with
// commas between them, parted by tabs. APTA_BOUNCE_SHOW=1 prints what differs.
func TestCorpus(t *testing.T) {
	root := os.Getenv("APTA_BOUNCE_CORPUS")
	if root == "" {
		t.Skip("set APTA_BOUNCE_CORPUS to a folder of sorted mails")
	}
	lists, err := filepath.Glob(filepath.Join(root, "*", "truth.tsv"))
	if err != nil || len(lists) == 0 {
		t.Fatalf("no truth.tsv below %s: %v", root, err)
	}
	for _, list := range lists {
		measure(t, list)
	}
}

func measure(t *testing.T, list string) {
	t.Helper()
	f, err := os.Open(list)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dir := filepath.Dir(list)
	var mails, kinds, rightKinds, recipients, rightRecipients int
	show := os.Getenv("APTA_BOUNCE_SHOW") != ""
	for in := bufio.NewScanner(f); in.Scan(); {
		row := strings.Split(in.Text(), "\t")
		raw, err := os.ReadFile(filepath.Join(dir, row[0]))
		if err != nil {
			t.Fatal(err)
		}
		r, err := Parse(raw)
		if err != nil {
			t.Logf("%s: %v", row[0], err)
		}
		mails++
		if row[1] != "?" {
			kinds++
			if string(r.Kind) == row[1] {
				rightKinds++
			} else if show {
				fmt.Printf("KIND %s/%s: %s, should be %s: %+v\n", filepath.Base(dir), row[0], r.Kind, row[1], r.Recipients)
			}
		}
		if row[2] == "" {
			continue
		}
		var got []string
		for _, to := range r.Recipients {
			got = append(got, strings.ToLower(to.Address))
		}
		want := strings.Split(strings.ToLower(row[2]), ",")
		slices.Sort(got)
		slices.Sort(want)
		if recipients++; slices.Equal(got, want) {
			rightRecipients++
		} else if show {
			fmt.Printf("TO   %s/%s: %s, should be %s\n", filepath.Base(dir), row[0], got, want)
		}
	}
	t.Logf("%-14s %4d mails: recipient %d of %d (%.1f %%), kind %d of %d (%.1f %%)", filepath.Base(dir), mails,
		rightRecipients, recipients, 100*float64(rightRecipients)/float64(max(recipients, 1)), rightKinds, kinds, 100*float64(rightKinds)/float64(max(kinds, 1)))
}
