package intake

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// months are the beginnings of the months' names in English, Russian and Kazakh.
var months = [12][]string{
	{"jan", "янв", "қаң"}, {"feb", "фев", "ақп"}, {"mar", "мар", "нау"}, {"apr", "апр", "сәу"}, {"may", "май", "мая", "мам"}, {"jun", "июн", "мау"},
	{"jul", "июл", "шіл"}, {"aug", "авг", "там"}, {"sep", "сен", "қыр"}, {"oct", "окт", "қаз"}, {"nov", "ноя", "қар"}, {"dec", "дек", "жел"},
}

// fillers are what stands in a date and says nothing about it: the beginnings of
// weekdays' names, and whole words.
var (
	weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun", "пон", "вто", "сре", "чет", "пят", "суб", "вос", "дүй", "сей", "сәр", "бей", "жұм", "сен", "жек"}
	fillers  = []string{"at", "of", "the", "on", "и", "в", "г", "год", "года", "от", "пн", "вт", "ср", "чт", "пт", "сб", "вс", "дс", "сс", "бс", "жм", "жс", "ж", "жылы", "жылғы", "сағат", "времени", "время"}
)

// zones are the abbreviations that feeds write, in minutes east of UTC. Those of
// Kazakhstan are what they have been since March 2024.
var zones = map[string]int{
	"z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 60, "bst": 60, "cet": 60, "cest": 120, "met": 60, "mest": 120, "eet": 120, "eest": 180, "trt": 180,
	"msk": 180, "мск": 180, "msd": 240, "samt": 240, "get": 240, "azt": 240, "amt": 240, "yekt": 300, "uzt": 300, "tmt": 300, "tjt": 300, "pkt": 300,
	"almt": 300, "aqtt": 300, "qyzt": 300, "oralt": 300, "алматы": 300, "астана": 300, "ist": 330, "npt": 345, "kgt": 360, "omst": 360, "novt": 420, "krat": 420,
	"ict": 420, "irkt": 480, "hkt": 480, "sgt": 480, "awst": 480, "yakt": 540, "jst": 540, "kst": 540, "acst": 570, "aest": 600, "vlat": 600, "aedt": 660, "magt": 660,
	"pett": 720, "nzst": 720, "nzdt": 780, "nst": -210, "ndt": -150, "ast": -240, "adt": -180, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
	"pst": -480, "pdt": -420, "akst": -540, "akdt": -480, "hst": -600, "brt": -180, "art": -180,
}

// ParseDate reads a date as feeds and pages write it: RFC 3339 and RFC 2822 and
// what goes for them, with months in English, Russian or Kazakh. A date without a
// zone is taken to be in zone.
func ParseDate(text string, zone *time.Location) (time.Time, error) {
	d := date{zone: zone}
	for _, word := range words(text) {
		if !d.take(word) {
			return time.Time{}, fmt.Errorf("%q is not a date: there is %q in it", short(text), short(word))
		}
	}
	if d.year == 0 || d.month == 0 || d.day == 0 {
		return time.Time{}, fmt.Errorf("%q is not a date: its year, month or day is missing", short(text))
	}
	t := time.Date(d.year, d.month, d.day, d.hour(), d.minute, d.second, 0, d.zone)
	day := time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC)
	if day.Day() != d.day || day.Month() != d.month || d.hours > 24 || d.minute > 59 || d.second > 60 || d.year < 1970 || d.year > 2200 {
		return time.Time{}, fmt.Errorf("%q is not a day and time that there is", short(text))
	}
	return t.UTC(), nil
}

func short(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// words parts a date at spaces, commas and brackets. The T of RFC 3339 parts, and
// so does what stands between a clock and its zone.
func words(text string) []string {
	if len(text) > 120 {
		return []string{text}
	}
	return strings.FieldsFunc(strings.ToLower(strings.ReplaceAll(text, "−", "-")), func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",;()[]«»\"", r)
	})
}

// date is what has been read of one.
type date struct {
	year                  int
	month                 time.Month
	day                   int
	hours, minute, second int
	clock, pm, am, zoned  bool
	zone                  *time.Location
}

func (d *date) hour() int {
	switch {
	case d.pm && d.hours < 12:
		return d.hours + 12
	case d.am && d.hours == 12:
		return 0
	}
	return d.hours
}

func (d *date) take(word string) bool {
	bare := strings.TrimRight(word, ".")
	switch bare {
	case "am", "a.m":
		d.am = true
		return true
	case "pm", "p.m":
		d.pm = true
		return true
	case "", "-", "–", "—", "|", "/":
		return true
	}
	if r, _ := utf8.DecodeRuneInString(bare); !unicode.IsDigit(r) && r != '+' && r != '-' {
		return d.name(bare)
	}
	return d.full(bare) || d.time(bare) || d.offset(bare) || d.number(bare)
}

// name takes a word of letters: a month, a zone, or a filler.
func (d *date) name(word string) bool {
	if minutes, ok := zones[word]; ok {
		d.setZone(minutes)
		return true
	}
	for _, prefix := range []string{"gmt", "utc"} {
		if rest, ok := strings.CutPrefix(word, prefix); ok && d.offset(rest) {
			return true
		}
	}
	if slices.Contains(fillers, word) {
		return true
	}
	if r := []rune(word); len(r) >= 3 {
		head := string(r[:3])
		// "сен" begins September in Russian and Saturday in Kazakh, "мар" nothing else.
		if head == "сен" && strings.HasPrefix(word, "сенбі") {
			return true
		}
		for m, names := range months {
			if slices.Contains(names, head) && d.month == 0 {
				d.month = time.Month(m + 1)
				return true
			}
		}
		if slices.Contains(weekdays, head) {
			return true
		}
	}
	if strings.Contains(word, "/") { // Europe/Moscow, whose case was folded
		parts := strings.Split(word, "/")
		for i, p := range parts {
			if p != "" {
				parts[i] = strings.ToUpper(p[:1]) + p[1:]
			}
		}
		if zone, err := time.LoadLocation(strings.Join(parts, "/")); err == nil {
			d.zone, d.zoned = zone, true
			return true
		}
	}
	return d.zoned // a zone said in words behind its offset, as in "+0300 (Moscow Standard Time)"
}

func (d *date) setZone(minutes int) {
	// What follows an offset only names it.
	if !d.zoned {
		d.zone, d.zoned = time.FixedZone("", minutes*60), true
	}
}

// isoTime is where the clock begins in 2024-10-14T09:00.
var isoTime = regexp.MustCompile(`\dt\d`)

// full takes 2024-10-14, 2024/10/14, 14.10.2024 and 14/10/2024, with or without
// a clock behind a T.
func (d *date) full(word string) bool {
	day, clock, timed := word, "", false
	if m := isoTime.FindStringIndex(word); m != nil {
		day, clock, timed = word[:m[0]+1], word[m[0]+2:], true
	}
	sep := strings.IndexAny(day, "-./")
	if sep < 1 || d.day != 0 {
		return false
	}
	parts := strings.Split(day, day[sep:sep+1])
	if len(parts) != 3 {
		return false
	}
	var n [3]int
	for i, p := range parts {
		var err error
		if n[i], err = strconv.Atoi(p); err != nil {
			month := date{}
			if i != 1 || !month.name(p) || month.month == 0 {
				return false
			}
			n[i] = int(month.month)
		}
	}
	if len(parts[0]) != 4 { // the day first, as everywhere but in the United States
		n[0], n[2] = n[2], n[0]
	}
	d.year, d.month, d.day = century(n[0], max(len(parts[0]), len(parts[2]))), time.Month(n[1]), n[2]
	return !timed || d.time(clock)
}

// century makes a year of two digits one of four.
func century(year, digits int) int {
	switch {
	case digits > 2:
		return year
	case year < 70:
		return year + 2000
	}
	return year + 1900
}

// time takes 15:04, 15:04:05.678, either with a zone at its end.
func (d *date) time(word string) bool {
	if d.clock || !strings.Contains(word, ":") {
		return false
	}
	end := strings.IndexFunc(word, func(r rune) bool { return !strings.ContainsRune("0123456789:.", r) })
	zone := ""
	if end >= 0 {
		word, zone = word[:end], word[end:]
	}
	parts := strings.Split(word, ":")
	if len(parts) > 3 {
		return false
	}
	var n [3]int
	for i, p := range parts {
		p, _, _ = strings.Cut(p, ".")
		var err error
		if n[i], err = strconv.Atoi(p); err != nil || len(p) > 2 {
			return false
		}
	}
	d.hours, d.minute, d.second, d.clock = n[0], n[1], n[2], true
	switch zone {
	case "":
		return true
	case "am", "pm":
		d.am, d.pm = zone == "am", zone == "pm"
		return true
	}
	return d.offset(zone) || d.name(zone)
}

// offset takes +0500, +05:00, -5 and +05.
func (d *date) offset(word string) bool {
	if len(word) < 2 || word[0] != '+' && word[0] != '-' || !d.clock {
		return false
	}
	digits := strings.ReplaceAll(word[1:], ":", "")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || len(digits) > 4 {
		return false
	}
	if len(digits) > 2 {
		n = n/100*60 + n%100
	} else {
		n *= 60
	}
	if n > 14*60 {
		return false
	}
	if word[0] == '-' {
		n = -n
	}
	d.setZone(n)
	return true
}

// number takes a day or a year.
func (d *date) number(word string) bool {
	for _, ending := range []string{"st", "nd", "rd", "th", "-го", "-шы", "-ші"} {
		word = strings.TrimSuffix(word, ending)
	}
	n, err := strconv.Atoi(word)
	switch {
	case err != nil || n <= 0:
		return false
	case len(word) == 4 && d.year == 0:
		d.year = n
	case len(word) <= 2 && d.day == 0 && n <= 31:
		d.day = n
	case len(word) == 2 && d.year == 0:
		d.year = century(n, 2)
	default:
		return false
	}
	return true
}
