package main

import (
	"strconv"
	"strings"

	"apta/newsletter/transport/smtptest"

	"github.com/rogpeppe/go-internal/testscript"
)

// mailsTo checks how many messages the server took for an address, and that each
// of them has the words in it.
func mailsTo(ts *testscript.TestScript, neg bool, args []string) {
	v, ok := relaysOf.Load(ts.Getenv("WORK"))
	if !ok || len(args) < 2 || neg {
		ts.Fatalf("usage: mailsto ADDRESS N [WORDS...], after relay")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	count := 0
	for _, m := range v.(*smtptest.Server).Messages() {
		if !strings.Contains(m.To, "<"+args[0]+">") {
			continue
		}
		count++
		for _, words := range args[2:] {
			if !strings.Contains(m.Data, words) {
				ts.Fatalf("a message to %s lacks %q:\n%s", args[0], words, m.Data)
			}
		}
	}
	if count != want {
		ts.Fatalf("%s was sent %d messages, not %d", args[0], count, want)
	}
}
