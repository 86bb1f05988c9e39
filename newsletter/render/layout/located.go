package layout

import (
	"errors"
	"fmt"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	texttemplate "text/template"
)

// parseError is how text/template says where: without a column.
var parseError = regexp.MustCompile(`(?s)^template: ([^:]+):(\d+): (.*)$`)

// located adds the column to an error of parsing, and says it as compilers do:
// file:line:column: what.
func located(f source, err error) error {
	m := parseError.FindStringSubmatch(err.Error())
	if m == nil {
		return tidy(err)
	}
	line, _ := strconv.Atoi(m[2])
	return fmt.Errorf("%s:%d:%d: %s", m[1], line, column(f, line, m[3]), m[3])
}

// column is that of the action in the line with which parsing goes wrong: the
// first at whose end a file that stopped there has the same error.
func column(f source, line int, message string) int {
	start := 0
	for range line - 1 {
		next := strings.IndexByte(f.text[start:], '\n')
		if next < 0 {
			break
		}
		start += next + 1
	}
	end := len(f.text)
	if n := strings.IndexByte(f.text[start:], '\n'); n >= 0 {
		end = start + n
	}
	first := 0
	for at := start; at < end; {
		open := strings.Index(f.text[at:end], "{{")
		if open < 0 {
			break
		}
		open += at
		if first == 0 {
			first = open - start + 1
		}
		stop := end
		if n := strings.Index(f.text[open:end], "}}"); n >= 0 {
			stop = open + n + 2
		}
		if _, err := texttemplate.New(f.name).Funcs(names).Parse(f.text[:stop]); err != nil && strings.HasSuffix(err.Error(), message) {
			return open - start + 1
		}
		at = stop
	}
	return max(first, 1)
}

// tidy takes away what the template packages put before a place, and keeps the
// place: issue.html:12:5: what.
func tidy(err error) error {
	var escape *template.Error
	if errors.As(err, &escape) {
		return errors.New(strings.TrimPrefix(escape.Error(), "html/template:"))
	}
	return errors.New(counted(strings.TrimPrefix(err.Error(), "template: ")))
}

var byteColumn = regexp.MustCompile(`^([^:\n]+:\d+):(\d+):`)

// counted counts columns from one, as editors do; the template packages begin with nought.
func counted(message string) string {
	m := byteColumn.FindStringSubmatchIndex(message)
	if m == nil {
		return message
	}
	n, _ := strconv.Atoi(message[m[4]:m[5]])
	return message[:m[4]] + strconv.Itoa(n+1) + message[m[5]:]
}
