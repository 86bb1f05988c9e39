package bounce

import (
	"regexp"
	"strings"
)

// mailbox finds an address in running text. Quoted local parts are rare but real.
var mailbox = regexp.MustCompile(`(?:"[^"\s@<>]{1,64}"|[\pL\pN!#$%&'*+/=?^_{|}~.-]{1,128})@(?:[\pL\pN](?:[\pL\pN_-]{0,62})(?:\.[\pL\pN][\pL\pN_-]{0,62}){0,10}|\[[0-9A-Fa-f.:]{3,45}\])`)

// findAddresses gives the addresses of a text in their order.
func findAddresses(s string) (list []string) {
	if !strings.Contains(s, "@") {
		return nil
	}
	for _, a := range mailbox.FindAllString(s, 100) {
		if a = tidy(a); a != "" {
			list = append(list, a)
		}
	}
	return list
}

// firstAddress is the first of a text, or "".
func firstAddress(s string) string {
	if list := findAddresses(s); len(list) > 0 {
		return list[0]
	}
	return ""
}

// tidy takes away what clings to an address in a sentence.
func tidy(a string) string {
	a = strings.Trim(a, "'.,;:")
	if !strings.HasPrefix(a, "=?") {
		a = strings.TrimLeft(a, "=")
	}
	a = strings.TrimPrefix(a, "mailto:")
	if at := strings.LastIndex(a, "SMTP="); at >= 0 {
		a = a[at+len("SMTP="):] // in an address of X.400
	}
	if local, _, _ := strings.Cut(a, "@"); local == "" || local == `""` {
		return ""
	}
	return a
}

// machine reports whether an address is no reader's but a mail system's.
func machine(a string) bool {
	local, _, _ := strings.Cut(strings.ToLower(a), "@")
	return local == "postmaster" || local == "post_master" || strings.HasPrefix(local, "mailer-daemon") || strings.HasPrefix(local, "mail-daemon") || local == "mdaemon" ||
		local == "abuse" || local == "helpdesk" || local == "noreply" || local == "no-reply" || local == "maildaemon" || local == "support"
}

// same compares addresses as they are mostly written.
func same(a, b string) bool { return strings.EqualFold(a, b) }
