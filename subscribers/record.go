package subscribers

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// record is a subscriber as a file describes them.
type record struct {
	Email, Name, Language, Format, Status string
	Topics                                []string
	Every                                 int
	PausedUntil, Agreed                   string
}

// arrival checks a record; the error says what is wrong with it.
func (r *record) arrival() (a arrival, err error) {
	if a.Email, err = ParseAddress(r.Email); err != nil {
		return a, err
	}
	w := Wishes{Name: r.Name, Language: r.Language, Format: strings.ToLower(r.Format), Topics: r.Topics, Every: r.Every}
	if err := w.check(); err != nil {
		return a, err
	}
	a.Name, a.Language, a.Format, a.Topics, a.Every = w.Name, w.Language, w.Format, w.Topics, w.Every
	var known bool
	if a.Status, known = statusWords[strings.ToLower(r.Status)]; !known {
		return a, fmt.Errorf("status %q is neither active, pending, paused, unsubscribed, bounced nor complained", r.Status)
	}
	if r.PausedUntil != "" && a.Status == Paused {
		if a.PausedUntil, known = parseTime(r.PausedUntil); !known {
			return a, fmt.Errorf("paused_until: %q is no date such as 2024-10-18", r.PausedUntil)
		}
	}
	// When somebody agreed is worth keeping; a date that cannot be read is no
	// reason to refuse them.
	a.agreed, _ = parseTime(r.Agreed)
	return a, nil
}

// timeForms are those that other programs write.
var timeForms = []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05.999Z", "2006-01-02", "2006-01-02 15:04:05.999999-07:00", "2006-01-02 15:04:05Z07:00"}

func parseTime(s string) (t time.Time, ok bool) {
	for _, form := range timeForms {
		if t, err := time.Parse(form, s); err == nil && t.Year() > 1970 && t.Year() < 2200 {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// statusWords are our own words for a status and those of other programs.
var statusWords = map[string]Status{
	"": Active, "active": Active, "subscribed": Active, "enabled": Active, "confirmed": Active,
	"regular": Active, "premium": Active, "gifted": Active, "trialed": Active, "churned": Active, "past_due": Active, "free": Active, "paid": Active,
	"pending": Pending, "unconfirmed": Pending, "unactivated": Pending,
	"paused":       Paused,
	"unsubscribed": Unsubscribed, "disabled": Unsubscribed, "blocklisted": Unsubscribed, "removed": Unsubscribed, "blocked": Unsubscribed, "suppressed": Unsubscribed,
	"bounced": Bounced, "cleaned": Bounced, "undeliverable": Bounced,
	"complained": Complained, "spam": Complained,
}

// unprintable reports what a name must not have: controls, line separators, and
// the marks that turn the direction of what stands around it. The joiners that
// Persian or Hindi names need are allowed.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) && r != '\u200e' && r != '\u200f'
}
