package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestLogShortensAddresses(t *testing.T) {
	reply := "550 5.1.1 <Reader.One@Example.org>: no such user; see https://weekly.news.example/p/abcdefghijklmnopqrstuv"
	for _, test := range []struct{ addresses, want, not string }{
		{"short", "<R…@Example.org>", "Reader.One"},
		{"none", "<(address)>", "Example.org"},
		{"full", "<Reader.One@Example.org>", "…"},
	} {
		for _, format := range []string{"text", "json"} {
			var b bytes.Buffer
			log := newLog(&b, LogConfig{Format: format, Addresses: test.addresses})
			log.With("letter", 7).Warn("a letter waits", "reply", reply, "err", errors.New(reply), "n", 12)
			log.Warn("for читатель@пример.рф", "group", reply)
			got := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(b.String())
			if strings.Count(got, test.want) != 3 || strings.Contains(got, test.not) || strings.Contains(got, "abcdefghijkl") || !strings.Contains(got, "12") {
				t.Errorf("%s, %s: %s", format, test.addresses, got)
			}
			if test.addresses == "short" && !strings.Contains(got, "ч…@пример.рф") {
				t.Errorf("%s", got)
			}
		}
	}
}

// Whatever a relay says, no address and no reader's key comes through, and
// nothing makes it panic.
func FuzzLog(f *testing.F) {
	f.Add("550 5.1.1 <reader@example.org>: gone")
	f.Add("see https://x.example/u/abcdefghijklmnopqrstuv\n")
	f.Add("a@b@c \xff@\x00 @@ ü@д.рф")
	f.Fuzz(func(t *testing.T, text string) {
		for _, mode := range []string{"short", "none", "full"} {
			said := withoutSecrets(text+" reader.one@example.org /p/0123456789abcdefghij", shorteners[mode])
			if mode != "full" && strings.Contains(said, "reader.one@") || strings.Contains(said, "0123456789abcdefghij") {
				t.Errorf("%s: %q", mode, said)
			}
		}
	})
}
