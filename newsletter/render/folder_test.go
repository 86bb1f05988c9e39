package render

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"apta/newsletter"
)

// A folder of templates is read anew when it has changed; while it has an error
// the one before stays in use, and the log names the place, once.
func TestFault_E1_TheOldOneStays(t *testing.T) {
	dir := t.TempDir()
	own := "{{.Title}}\n{{range .Paragraphs}}{{.Text}}\n{{end}}{{range .Latest}}{{.Title}}\n{{end}}{{.Postal}} {{.Unsubscribe}}\n"
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "issue.txt"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, m := newRenderer(t), masthead("en")
	var log bytes.Buffer
	r.LogTo(slog.New(slog.NewTextHandler(&log, nil)))
	m.Templates = dir
	begins := func(want string) {
		t.Helper()
		mail, err := r.Mail(sample(t, "en"), m)
		if err != nil || !strings.HasPrefix(mail.Text, want) {
			t.Fatalf("%.40q (%v), not %q", mail.Text, err, want)
		}
	}
	write("{{.Nonesuch}}" + own)
	if err := r.UseFolder(dir); err == nil || !strings.Contains(err.Error(), "issue.txt:1:3: ") {
		t.Fatalf("a template with an error: %v", err)
	}
	write("First: " + own)
	begins("First: ")
	write("Second: " + own)
	begins("Second: ")
	for _, broken := range []string{"{{if}}" + own, "{{.Nonesuch}}   " + own, "nothing of it", "{{range 1000000000}}{{end}}" + own} {
		log.Reset()
		write(broken)
		begins("Second: ")
		begins("Second: ")
		if n := strings.Count(log.String(), "the one before stays in use"); n != 1 || !strings.Contains(log.String(), "issue.txt") {
			t.Errorf("%.20q: said %d times: %s", broken, n, log.String())
		}
	}
	write("Third time: " + own)
	begins("Third time: ")
	m = newsletter.Masthead{Name: "Other", BaseURL: "https://other.example"}
	begins("The Week: Rivers")
}
