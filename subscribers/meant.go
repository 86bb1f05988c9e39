package subscribers

import (
	"slices"
	"strings"
)

// domains are those at which most readers have their mailboxes, the most common
// first: what looks like two of them is more likely the first.
var domains = []string{
	"gmail.com", "mail.ru", "yandex.ru", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com", "bk.ru", "list.ru", "inbox.ru", "rambler.ru",
	"yandex.kz", "mail.kz", "googlemail.com", "live.com", "protonmail.com", "proton.me", "yandex.com", "gmx.de", "gmx.net", "web.de", "ukr.net", "aol.com", "msn.com",
}

// namesakes are domains of their own that look like others.
var namesakes = []string{"mail.com", "email.com", "ymail.com", "gmx.com", "gmx.at", "gmx.ch", "ya.ru", "mail.by", "mail.ua", "mail.de", "mail.bg", "live.ru", "yahoo.ca"}

// halves are what people type when they forget the end.
var halves = map[string]string{"gmail": "gmail.com", "gmail.": "gmail.com", "yandex": "yandex.ru", "mail": "mail.ru", "hotmail": "hotmail.com", "outlook": "outlook.com", "yahoo": "yahoo.com", "icloud": "icloud.com"}

// Meant gives what the writer of a valid address probably meant, or "": nobody
// is refused for a domain that merely looks mistyped.
func Meant(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	return meantAddress(local, domain)
}

func meantAddress(local, domain string) string {
	if m := meantDomain(strings.ToLower(domain)); m != "" {
		return local + "@" + m
	}
	return ""
}

func meantDomain(domain string) string {
	if m := halves[domain]; m != "" {
		return m
	}
	if slices.Contains(domains, domain) || slices.Contains(namesakes, domain) {
		return ""
	}
	best, least := "", 3
	for _, d := range domains {
		// One slip in a short domain, two in a long one.
		allowed := 1
		if len(d) >= 9 {
			allowed = 2
		}
		if n := distance(domain, d, allowed); n <= allowed && n < least {
			best, least = d, n
		}
	}
	return best
}

// distance counts the slips that make b of a: a letter too many, too few, wrong,
// or two that changed places (optimal string alignment). Where there must be more
// than most they are not counted.
func distance(a, b string, most int) int {
	if n := len(a) - len(b); n > most || -n > most {
		return most + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
