package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
)

// LogConfig is how the log looks.
type LogConfig struct {
	Format    string `toml:"format"`
	Addresses string `toml:"addresses"` // how mail addresses are written
}

// newLog makes the log that is configured. Relays repeat addresses in their
// replies and errors carry what they failed at, so what is written is looked
// through, not what is handed over: nobody who adds a line can forget it.
func newLog(w io.Writer, c LogConfig) *slog.Logger {
	shorten := shorteners[c.Addresses]
	o := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Value.Kind() {
		case slog.KindString:
			a.Value = slog.StringValue(withoutSecrets(a.Value.String(), shorten))
		case slog.KindAny:
			// Errors, and whatever else is no number or time, by their words.
			a.Value = slog.StringValue(withoutSecrets(fmt.Sprint(a.Value.Any()), shorten))
		}
		return a
	}}
	var h slog.Handler = slog.NewTextHandler(w, o)
	if c.Format == "json" {
		h = slog.NewJSONHandler(w, o)
	}
	return slog.New(h)
}

// address finds mail addresses as they stand in relays' replies; what it takes
// for one and is none loses a few letters.
var address = regexp.MustCompile(`([^\s<>(),;:"'=/@\\]+)@([\pL\pN][\pL\pN.-]*[\pL\pN])`)

// shorteners write an address as log.addresses says.
var shorteners = map[string]func(string) string{
	"none":  func(string) string { return "(address)" },
	"short": func(s string) string { return address.ReplaceAllStringFunc(s, firstLetter) },
	"full":  nil,
}

// firstLetter keeps the first letter and the domain: r…@example.org.
func firstLetter(s string) string {
	part := address.FindStringSubmatch(s)
	for _, r := range part[1] {
		return string(r) + "…@" + part[2]
	}
	return s
}

// link finds readers' own links, whose last part is the reader's key.
var link = regexp.MustCompile(`/([cpuon])/[A-Za-z0-9_-]{16,}`)

func withoutSecrets(s string, shorten func(string) string) string {
	if shorten != nil {
		s = address.ReplaceAllStringFunc(s, shorten)
	}
	return link.ReplaceAllString(s, "/$1/(key)")
}

// errorLog is the log for http.Server, which knows only lines.
type errorLog struct{ log *slog.Logger }

func (e errorLog) Write(line []byte) (int, error) {
	e.log.Log(context.Background(), slog.LevelWarn, "web server", "said", string(line))
	return len(line), nil
}
