package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that the threat model names is there.
func TestTheThreatModelNamesRealTests(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	err = filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		tests.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 30 {
		t.Errorf("it names only %d tests", len(named))
	}
	for _, m := range named {
		if !strings.Contains(tests.String(), "func "+m[1]+"(") {
			t.Errorf("there is no %s", m[1])
		}
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| Threat") && !strings.HasPrefix(line, "| ---") && !strings.Contains(line, "`Test") && !strings.Contains(line, "`Fuzz") {
			t.Errorf("no test stands beside: %s", line)
		}
	}
}

// The units that a package brings are ones that systemd understands, and the
// sandbox is a tight one by its own measure.
func TestSystemdUnits(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not here")
	}
	dir := t.TempDir()
	for _, name := range []string{"apta.service", "apta-backup.service", "apta-backup.timer"} {
		text, err := os.ReadFile("../../docs/ops/" + name)
		if err != nil {
			t.Fatal(err)
		}
		// Neither the program nor its man pages are installed here.
		unit := strings.ReplaceAll(string(text), "/usr/bin/apta", "/bin/true")
		unit = regexp.MustCompile(`(?m)^Documentation=.*$`).ReplaceAllString(unit, "")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"apta.service", "apta-backup.service", "apta-backup.timer"} {
		out, err := exec.Command("systemd-analyze", "verify", filepath.Join(dir, name)).CombinedOutput()
		if err != nil || strings.Contains(string(out), "Unknown") {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=30", filepath.Join(dir, "apta.service")).CombinedOutput()
	if err != nil {
		t.Errorf("the sandbox is wider than 3.0: %v\n%s", err, out)
	}
}
