package transport

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is how a step of a delivery ended.
type Kind int

// Ready says that the relay waits for the body. Retry says that nothing was
// handed over and nobody is to blame; Doubtful that the body and its final dot
// left and no reply came.
const (
	Ready Kind = iota
	Accepted
	Deferred
	Refused
	Doubtful
	Retry
)

// Stage is the command that a reply was given to.
type Stage int

// AtNone is where no reply came, or the connection itself refused the letter.
const (
	AtNone Stage = iota
	AtMail
	AtRcpt
	AtData
	AtDot
)

// Outcome is how a step of a delivery ended and what the relay said.
type Outcome struct {
	Kind  Kind
	Stage Stage  // of a refusal or a deferral
	Code  int    // the reply code; 0 where none came
	Text  string // printable, at most maxText octets, enhanced code included
	Err   error  // what broke, for Retry and Doubtful
}

const (
	maxText  = 200  // octets of a reply that are kept
	maxLines = 100  // of one reply
	maxReply = 2048 // octets of one reply line; RFC 5321 allows 512
)

// reply is one SMTP reply.
type reply struct {
	code int
	text string
}

var errReply = errors.New("the relay's reply cannot be read")

// readReply reads one reply of any number of lines (RFC 5321, 4.2). An error
// leaves the connection useless.
func readReply(in *bufio.Reader) (reply, error) {
	var r reply
	var text strings.Builder
	for n := range maxLines {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) || len(line) > maxReply {
			return reply{}, fmt.Errorf("%w: a line is longer than %d octets", errReply, maxReply)
		}
		if err != nil {
			return reply{}, err
		}
		for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
			line = line[:len(line)-1]
		}
		code, more, ok := parseLine(line)
		if !ok || n > 0 && code != r.code {
			return reply{}, fmt.Errorf("%w: %q", errReply, printable(line))
		}
		r.code = code
		if n == 0 && !more { // nearly every reply
			r.text = printable(line[min(len(line), 4):])
			return r, nil
		}
		if len(line) > 4 && text.Len() < maxText {
			if n > 0 {
				text.WriteByte(' ')
			}
			text.WriteString(printable(line[4:]))
		}
		if !more {
			r.text = cut(text.String())
			return r, nil
		}
	}
	return reply{}, fmt.Errorf("%w: it has more than %d lines", errReply, maxLines)
}

func parseLine(line []byte) (code int, more, ok bool) {
	if len(line) < 3 || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		return 0, false, false
	}
	for _, c := range line[:3] {
		if c < '0' || c > '9' {
			return 0, false, false
		}
		code = code*10 + int(c-'0')
	}
	return code, len(line) > 3 && line[3] == '-', code >= 200 && code < 600
}

// printable makes a relay's words fit for a log and a terminal.
func printable(b []byte) string {
	b = b[:min(len(b), 2*maxText)]
	if !slices.ContainsFunc(b, func(c byte) bool { return c < ' ' || c >= 0x7f }) {
		return string(b[:min(len(b), maxText)])
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return '?'
		}
		return r
	}, cut(string(b)))
}

func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "")
}

// outcome judges a reply that is not the one hoped for.
func (r reply) outcome() Outcome {
	o := Outcome{Kind: Refused, Code: r.code, Text: r.text}
	if r.code < 500 {
		o.Kind = Deferred
	}
	return o
}
