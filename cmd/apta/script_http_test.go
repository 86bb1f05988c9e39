package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// relaysOf is the SMTP server of each script, by the script's folder.
var relaysOf sync.Map

func pageAt(url string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second}
	res, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.Status + "\n" + string(body), err
}

// serveFolder serves a folder and puts its address into $SITE, also in the files named.
func serveFolder(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: site FOLDER [FILE...]")
	}
	s := httptest.NewServer(http.FileServer(http.Dir(ts.MkAbs(args[0]))))
	ts.Defer(s.Close)
	ts.Setenv("SITE", s.URL)
	for _, file := range args[1:] {
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(strings.ReplaceAll(ts.ReadFile(file), "$SITE", s.URL)), 0o644))
	}
}

// call makes a request with the token that is in a file: call TOKENFILE METHOD
// PATH BODYFILE|- [WORDS...]. The answer, status line first, is held against the words.
func call(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 4 {
		ts.Fatalf("usage: call TOKENFILE METHOD PATH BODYFILE|- [WORDS...]")
	}
	var body io.Reader
	if args[3] != "-" {
		body = strings.NewReader(ts.ReadFile(args[3]))
	}
	req, err := http.NewRequest(args[1], ts.Getenv("APTA_BASE_URL")+args[2], body)
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile(args[0])))
	if body != nil {
		req.Header.Set("Content-Type", "application/jsonl")
	}
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	ts.Check(err)
	for _, words := range args[4:] {
		if answer := res.Status + "\n" + string(text); !strings.Contains(answer, words) {
			ts.Fatalf("%s %s: nothing of %q in\n%s", args[1], args[2], words, answer)
		}
	}
}
