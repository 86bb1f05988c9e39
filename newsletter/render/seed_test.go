package render

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"apta/newsletter"
)

// maxHTML is what the HTML of a full week may weigh: Gmail cuts a mail off at 102 KB.
const maxHTML = 45 << 10

// seedWeek strings the items of a real week together as they stand; how they
// become good paragraphs is assembling's matter.
func seedWeek(t testing.TB) newsletter.Issue {
	t.Helper()
	f, err := os.Open("../../../shared/seed-week/items.jsonl")
	if err != nil {
		t.Skip("the seed week is not here")
	}
	defer f.Close()
	issue := newsletter.Issue{
		Newsletter: "weekly", Week: "2024-W42", Language: "en",
		From: time.Date(2024, 10, 13, 19, 0, 0, 0, time.UTC), To: time.Date(2024, 10, 20, 19, 0, 0, 0, time.UTC),
		Title: "Week in Review: Announcements, Trade, and More", Standfirst: "A brief synopsis of the past week.",
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var it newsletter.Item
		if err := json.Unmarshal(lines.Bytes(), &it); err != nil {
			t.Fatal(err)
		}
		if it.Latest {
			issue.Latest = append(issue.Latest, newsletter.Headline{Title: it.Title, URL: it.URL})
			continue
		}
		p := newsletter.Piece{Title: it.Title, URL: it.URL, Text: strings.TrimSpace(it.Bridge + " " + it.Summary), Anchor: strings.Join(strings.Fields(it.Summary)[:4], " ")}
		if n := len(issue.Strands); n == 0 || issue.Strands[n-1].Name != it.Strand {
			issue.Strands = append(issue.Strands, newsletter.Strand{Name: it.Strand})
		}
		s := &issue.Strands[len(issue.Strands)-1]
		s.Text = strings.TrimSpace(s.Text + " " + p.Text)
		s.Items = append(s.Items, p)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return issue
}

func TestSeedWeek(t *testing.T) {
	issue := seedWeek(t)
	if len(issue.Strands) != 16 || len(issue.Latest) != 20 {
		t.Fatalf("%d strands and %d headlines", len(issue.Strands), len(issue.Latest))
	}
	mail, err := newRenderer(t).Mail(issue, masthead("en"))
	if err != nil {
		t.Fatal(err)
	}
	sameWords(t, issue, mail)
	markersLast(t, mail)
	if len(mail.HTML) >= maxHTML {
		t.Errorf("the HTML has %d bytes, %d are allowed", len(mail.HTML), maxHTML)
	}
	for _, s := range issue.Strands {
		for _, p := range s.Items {
			if !strings.Contains(mail.HTML, `href="`+p.URL+`"`) || !strings.Contains(mail.Text, "] "+p.URL+"\n") {
				t.Errorf("no link to %s", p.URL)
			}
		}
	}
}
