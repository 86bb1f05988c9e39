package pages

import (
	"crypto/sha256"
	"math/bits"
	"net/url"
	"strings"
	"time"

	"apta/subscribers"
)

// What keeps machines from having us write to people who never asked. It stands
// before the limits of the store, which hold for everybody.
const (
	leastTime = 2 * time.Second // no person fills in a form faster
	patience  = 30 * time.Second
	stampLife = 24 * time.Hour
	trapField = "comment" // hidden from people: who fills it in is none
)

// verdict says what to do with a form.
type verdict int

const (
	good    verdict = iota
	trapped         // a machine: it is told the same as everybody
	quick           // press once more
	unproved
	unseen // it does not come from a page of ours, or of long ago: show ours
)

// judge looks at how a form was filled in, for which so many bits of work are asked.
func (p *Pages) judge(form url.Values, bits int) verdict {
	if form.Get(trapField) != "" {
		return trapped
	}
	stamp := form.Get("stamp")
	shown, err := p.keys.StampedAt(stamp)
	age := p.options.Now().Sub(shown)
	switch {
	case err != nil || age > stampLife || age < 0:
		return unseen
	case age < leastTime:
		return quick
	// Who has no JavaScript gives their time instead of their processor's.
	case age < patience && !proved(bits, stamp, form.Get("email"), form.Get("proof")):
		return unproved
	}
	return good
}

// proved reports whether a browser has done the work for this form and address:
// SHA-256 over them and the proof begins with so many bits of zero.
func proved(wanted int, stamp, email, proof string) bool {
	sum := sha256.Sum256([]byte(stamp + " " + strings.TrimSpace(email) + " " + proof))
	zeros := 0
	for _, b := range sum {
		zeros += bits.LeadingZeros8(b)
		if b != 0 {
			break
		}
	}
	return zeros >= wanted
}

// address reads an address from a form. Where it is none, or is to be looked at
// once more, key is what to say and meant what was probably meant.
func address(text string, sure bool) (address, key, meant string) {
	text = strings.TrimSpace(text)
	address, err := subscribers.ParseAddress(text)
	if err == nil {
		if meant = subscribers.Meant(address); meant != "" && !sure {
			return address, "error_email_meant", meant
		}
		return address, "", ""
	}
	if refused, ok := err.(*subscribers.AddressError); ok && refused.Meant != "" {
		return "", "error_email_meant", refused.Meant
	}
	_, domain, found := strings.Cut(text, "@")
	switch {
	case text == "":
		return "", "error_email_empty", ""
	case !found:
		return "", "error_email_at", ""
	case strings.ContainsAny(text, " \t\u00a0"):
		return "", "error_email_space", ""
	case !strings.Contains(strings.Trim(domain, "."), "."):
		return "", "error_email_domain", ""
	}
	return "", "error_email", ""
}
