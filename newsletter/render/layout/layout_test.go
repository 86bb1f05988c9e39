package layout

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// data is like what mails are made of.
type data struct {
	Title string
	List  []int
	Words map[string]string
}

func load(t *testing.T, name, text string) (*Set, error) {
	t.Helper()
	return Load(fstest.MapFS{name: {Data: []byte(text)}}, fstest.MapFS{"other.html": {Data: []byte("shipped")}})
}

// What is wrong is named by file, line and column, and what a template must not do is wrong.
func TestFault_E1_LineAndColumn(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a.html", "<p>\n{{.Title}} {{if}}</p>", "a.html:2:12: missing value for if"},
		{"a.html", "<p>\n\n  {{.Title}", "a.html:3:3: "},
		{"a.html", "{{nonesuch .Title}}", `a.html:1:1: function "nonesuch" not defined`},
		{"a.html", "<p>{{printf \"%1000000000d\" 1}}", `a.html:1:6: a template has no function "printf"`},
		{"a.html", "x\n{{with .Title}}{{call .}}{{end}}", `a.html:2:18: a template has no function "call"`},
		{"a.txt", "{{if true}}x", "a.txt:1"},
		{"a.txt", "\n\n{{range .List}}{{(js .).x}}{{end}}", `no function "js"`},
		{"a.txt", "{{else}}", "a.txt:1:1: "},
		{"a.html", "{{template \"x\" (html .)}}", `no function "html"`},
		{"a.html", strings.Repeat("x", maxFile+1), "a.html: a template is a file of at most"},
	} {
		if _, err := load(t, tt.name, tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, not %s", tt.text[:min(len(tt.text), 60)], err, tt.want)
		}
	}
	for _, tt := range []struct{ text, want string }{
		{"<p>\n  {{.Nonesuch}}</p>", "a.html:2:5: executing"},
		{"{{.Words.nonesuch}}", "a.html:1:9: executing"},
		{"{{index .List 9}}", "a.html:1:3: executing"},
		{"<a href=\"{{.Title}}\n", "ends in a non-text context"},
		{"{{template \"nonesuch\"}}", "nonesuch"},
	} {
		s, err := load(t, "a.html", tt.text)
		if err == nil {
			_, err = s.HTML("a.html", data{Title: "T", List: []int{1}})
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, not %s", tt.text, err, tt.want)
		}
	}
}

// Templates that never end, or that fill the memory, are stopped.
func TestFault_E1_EndlessTemplates(t *testing.T) {
	for _, text := range []string{
		"{{range 1000000000}}{{end}}",
		"{{range 100000}}{{range 100000}}{{end}}{{end}}",
		"{{range 1000000000}}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{{end}}",
		`{{$x := "xxxxxxxx"}}{{range 100}}{{$x = print $x $x}}{{end}}{{$x}}`,
		`{{define "b"}}{{template "b" .}}{{template "b" .}}{{end}}{{template "b" .}}`,
		`{{define "c"}}{{range 9}}{{template "d" .}}{{end}}{{end}}{{define "d"}}{{range 9}}{{template "c" .}}{{end}}{{end}}{{template "c" .}}`,
	} {
		for _, name := range []string{"a.html", "a.txt"} {
			s, err := load(t, name, text)
			if err != nil {
				if !strings.Contains(err.Error(), "uses itself") {
					t.Errorf("%s: %v", text, err)
				}
				continue
			}
			began := time.Now()
			if name == "a.txt" {
				_, err = s.Text(name, data{})
			} else {
				_, err = s.HTML(name, data{})
			}
			if err == nil {
				t.Errorf("%s ended well", text)
			}
			if took := time.Since(began); took > 10*maxTime {
				t.Errorf("%s took %v", text, took)
			}
		}
	}
}

// Neither a name in a template nor a link in the folder leads to another file,
// and no function leads to the environment or to the network.
func TestFault_E1_NoWayOut(t *testing.T) {
	dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret.html")
	if err := os.WriteFile(secret, []byte("SECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, "issue.html")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if s, err := Load(root.FS(), fstest.MapFS{}); err == nil {
		text, _ := s.HTML("issue.html", data{})
		t.Errorf("a link out of the folder was read: %q", text)
	}
	t.Setenv("APTA_SECRET", "SECRET")
	for _, text := range []string{
		`{{template "/etc/passwd"}}`, `{{template "../secret.html"}}`, `{{env "APTA_SECRET"}}`, `{{getenv "APTA_SECRET"}}`, `{{include "/etc/passwd"}}`, `{{readFile "/etc/passwd"}}`, `{{file "x"}}`,
		`{{.Title.Func}}`, `{{call .Title}}`, `{{urlquery .Title}}`, `{{println .Title}}`, `{{html .Title}}`,
	} {
		s, err := load(t, "a.html", text)
		if err != nil {
			continue
		}
		if out, err := s.HTML("a.html", data{Title: "T"}); err == nil {
			t.Errorf("%s gave %q", text, out)
		}
	}
}

// A file that the folder lacks is the shipped one, and two at once do not meet.
func TestSet(t *testing.T) {
	s, err := load(t, "a.html", `{{template "other.html"}} {{range .List}}{{print . "!"}}{{end}}{{raw "<!--[if mso]>x<![endif]-->"}}`)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan string)
	for range 8 {
		go func() {
			out, err := s.HTML("a.html", data{List: []int{1, 2}})
			if err != nil {
				out = err.Error()
			}
			done <- out
		}()
	}
	for range 8 {
		if out := <-done; out != "shipped 1!2!<!--[if mso]>x<![endif]-->" {
			t.Errorf("%q", out)
		}
	}
}
