package render

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/idna"

	"apta/newsletter"
	"apta/templates"
)

// Story is a title that leads somewhere, made safe to show.
type Story struct {
	Title string // one line
	URL   string // http or https; empty where the item has no such address
}

// Latest gives the latest news of an issue as it may be shown.
func Latest(issue newsletter.Issue) []Story {
	list := make([]Story, len(issue.Latest))
	for i, h := range issue.Latest {
		list[i] = Story{Title: OneLine(h.Title), URL: WebURL(h.URL)}
	}
	return list
}

// WebURL gives back an absolute http or https URL in ASCII, as RFC 3986 has it
// and every mail program finds it, and "" for every other.
func WebURL(s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return ""
	}
	if !isASCII(u.Host) {
		host, err := idna.Lookup.ToASCII(u.Hostname())
		if err != nil {
			return ""
		}
		if u.Port() != "" {
			host += ":" + u.Port()
		}
		u.Host = host
	}
	return escapeRest.Replace(u.String())
}

// escapeRest escapes what net/url leaves alone in a query but ends an address
// in running text or in an attribute.
var escapeRest = strings.NewReplacer(" ", "%20", `"`, "%22", "<", "%3C", ">", "%3E")

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c > unicode.MaxASCII })
}

// OneLine turns line ends and other control characters into blanks: neither a
// header nor a line of the text part may be broken by somebody's title.
func OneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == '\u2028' || c == '\u2029' {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

// Dates writes an issue's days in its language: the first and the last that its
// window holds, as 14–20 October 2024. It is empty where the issue has no window.
func Dates(w templates.Words, i newsletter.Issue, zone *time.Location) string {
	if i.From.IsZero() || !i.To.After(i.From) {
		return ""
	}
	if zone == nil {
		zone = time.UTC
	}
	// To is the first moment after the window, mostly a midnight.
	first, last := i.From.In(zone), i.To.Add(-1).In(zone)
	sameYear := first.Year() == last.Year()
	switch {
	case sameYear && first.YearDay() == last.YearDay():
		return days(w, w["date"], first, last)
	case sameYear && first.Month() == last.Month():
		return days(w, w["range_month"], first, last)
	case sameYear:
		return days(w, w["range"], first, last)
	}
	return days(w, w["date"], first, first) + " – " + days(w, w["date"], last, last)
}

// days fills a locale's pattern: {d1} and {m1} are of the first day, {d2}, {m2}
// and {y2} of the last, and a single date is {d}, {m} and {y}.
func days(w templates.Words, pattern string, first, last time.Time) string {
	month := func(t time.Time) string { return w.Months()[t.Month()-1] }
	d, m, y := strconv.Itoa(last.Day()), month(last), strconv.Itoa(last.Year())
	return strings.NewReplacer("{d1}", strconv.Itoa(first.Day()), "{m1}", month(first),
		"{d2}", d, "{m2}", m, "{y2}", y, "{d}", d, "{m}", m, "{y}", y).Replace(pattern)
}
