package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"apta/newsletter/transport/smtptest"
	"apta/subscribers/database/databasetest"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(databasetest.Tests{M: m}, map[string]func(){"apta": main, "apta-soak": soakProcess})
}

// The program as an operator uses it. Beyond testscript's own, the scripts know
//
//	relay [refuse|defer ADDRESS-PART]   starts an SMTP server; $SMTP_PORT is where
//	received N [WORDS...]         checks that the server took N messages, the last with the words in it
//	mailsto ADDRESS N [WORDS...]  checks that the server took N messages for an address, each with the words in it
//	waitfor URL [WORDS...]        asks a page until it answers and holds it against the words
//	done KIND                     waits until a job of the kind was done
//	sourcesof TITLE               asks who else told the story of the item with the title
//	site FOLDER [FILE...]         serves a folder at $SITE
//	call TOKEN METHOD PATH BODY   makes a request of the API; see there
//	hear SECRETFILE               starts a receiver of webhooks at $HOOK that checks their signatures
//	told N [WORDS...]             waits for the nth event there and holds it against the words
//	$LISTEN                       is a free address for a web server
//	seed                          copies the seed week to items.jsonl, or skips the script where it is not
func TestScripts(t *testing.T) {
	sample, err := filepath.Abs("demo/items.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	seed, err := filepath.Abs("../../../shared/seed-week")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("SAMPLE", sample)
			env.Setenv("SEED", seed)
			listen, err := freeAddress()
			env.Setenv("LISTEN", listen)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"relay": startRelay, "received": received, "mailsto": mailsTo, "waitfor": waitFor, "done": jobDone, "call": call, "site": serveFolder, "hear": hear, "told": toldOf, "sourcesof": sourcesOf,
			"seed": func(ts *testscript.TestScript, _ bool, _ []string) {
				items, err := os.ReadFile(filepath.Join(seed, "items.jsonl"))
				if os.IsNotExist(err) {
					ts.Logf("the seed week is not here")
					ts.Check(os.WriteFile(ts.MkAbs("noseed"), nil, 0o644))
					return
				}
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs("items.jsonl"), items, 0o644))
			},
		},
		Condition: func(cond string) (bool, error) {
			if cond == "seed" {
				_, err := os.Stat(seed)
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}

func startRelay(ts *testscript.TestScript, _ bool, args []string) {
	s, err := smtptest.Start(smtptest.Options{Script: func(stage smtptest.Stage, to string) smtptest.Action {
		if len(args) == 2 && args[0] == "refuse" && stage == smtptest.Rcpt && strings.Contains(to, args[1]) {
			return smtptest.Action{Reply: "550 5.1.1 no such user"}
		}
		if len(args) == 2 && args[0] == "defer" && stage == smtptest.Rcpt && strings.Contains(to, args[1]) {
			return smtptest.Action{Reply: "451 4.7.1 greylisted"}
		}
		return smtptest.Action{}
	}})
	ts.Check(err)
	ts.Defer(s.Close)
	ts.Setenv("SMTP_PORT", strconv.Itoa(s.Port()))
	relaysOf.Store(ts.Getenv("WORK"), s)
}

func received(ts *testscript.TestScript, neg bool, args []string) {
	v, ok := relaysOf.Load(ts.Getenv("WORK"))
	if !ok || len(args) < 1 {
		ts.Fatalf("usage: received N [WORDS...], after relay")
	}
	s := v.(*smtptest.Server)
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	for deadline := time.Now().Add(20 * time.Second); s.Count() < want && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	messages := s.Messages()
	if (len(messages) == want) == neg {
		ts.Fatalf("%d messages arrived", len(messages))
	}
	for _, words := range args[1:] {
		if last := messages[len(messages)-1]; !strings.Contains(last.Data, words) {
			ts.Fatalf("the last message lacks %q:\n%s", words, last.Data)
		}
	}
}

func jobDone(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		ts.Check(ts.Exec("apta", "jobs", "list", "--done"))
		if strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
	}
	ts.Fatalf("no job %s was done", args[0])
}

func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	var said string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		body, err := pageAt(args[0])
		if err != nil {
			said = err.Error()
			continue
		}
		said = body
		missing := false
		for _, words := range args[1:] {
			missing = missing || !strings.Contains(body, words)
		}
		if missing == neg {
			return
		}
	}
	ts.Fatalf("%s never said what it should; it says:\n%s", args[0], said)
}

// freeAddress is one of 127.0.0.1 that nobody listens on at this moment.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func sourcesOf(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("apta", "item", "list", "--json", "--limit", "1000"))
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		var it struct{ ID, Title string }
		ts.Check(json.Unmarshal([]byte(line), &it))
		if it.Title == args[0] {
			ts.Check(ts.Exec("apta", "item", "sources", it.ID))
			return
		}
	}
	ts.Fatalf("no item has the title %q", args[0])
}
