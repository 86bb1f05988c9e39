// Package feeds follows other people's feeds: it polls them when they are due,
// reads what they have, however broken, and makes items of what is new.
package feeds

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"apta/newsletter"
	"apta/subscribers/database"
)

// Role says what the items of a feed are for.
type Role string

// The roles. Latest is the default: what comes in by itself is a headline until an
// editor makes more of it.
const (
	Review Role = "review" // woven into the review
	Latest Role = "latest" // a headline of the latest news
)

// ParseRole reads a role.
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case Review, Latest:
		return r, nil
	}
	return "", fmt.Errorf("%q is no role: it is review or latest", s)
}

// Feed is one feed, what its items are given, and how it fared.
type Feed struct {
	ID       database.ID `json:"id"`
	URL      string      `json:"url"`
	Title    string      `json:"title,omitempty"`    // as the feed calls itself
	Source   string      `json:"source,omitempty"`   // who its items are reported by; its title where empty
	Theme    string      `json:"theme,omitempty"`    // of its items
	Place    string      `json:"place,omitempty"`    // of its items
	Language string      `json:"language,omitempty"` // of its items; what the feed says where empty
	Role     Role        `json:"role"`
	Rules    []Rule      `json:"rules,omitempty"`
	Added    time.Time   `json:"added"`

	Polled   time.Time `json:"polled,omitzero"`    // the last time it was asked
	Due      time.Time `json:"due"`                // when it is asked next
	Failures int       `json:"failures,omitempty"` // in a row
	Error    string    `json:"error,omitempty"`    // of the last poll
	Note     string    `json:"note,omitempty"`     // what was odd about the last poll that went well
	Entries  int       `json:"entries"`            // in the feed when it last had something to say
	New      int       `json:"new"`                // items that the last poll brought

	etag, modified string
}

// Rule changes what a feed's items are given, or leaves them out. It applies to an
// item that has its category and its word; an empty one asks for nothing.
type Rule struct {
	Category string // in full; case does not count
	Word     string // the beginning of a word in title or summary; case does not count
	Skip     bool
	Theme    string
	Place    string
	Role     Role
}

// ParseRule reads a rule such as "word=выбор; theme=Elections; role=review" or
// "category=Sport; skip".
func ParseRule(text string) (r Rule, err error) {
	for part := range strings.SplitSeq(text, ";") {
		part = strings.Join(strings.Fields(part), " ")
		key, value, given := strings.Cut(part, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if part == "" {
			continue
		}
		if given == (key == "skip") || given && value == "" {
			return Rule{}, fmt.Errorf("rule %q: %q is neither key=value nor skip", text, part)
		}
		switch key {
		case "category":
			r.Category = value
		case "word":
			r.Word = value
		case "theme":
			r.Theme = value
		case "place":
			r.Place = value
		case "skip":
			r.Skip = true
		case "role":
			if r.Role, err = ParseRole(value); err != nil {
				return Rule{}, fmt.Errorf("rule %q: %w", text, err)
			}
		default:
			return Rule{}, fmt.Errorf("rule %q: %q is none of category, word, skip, theme, place and role", text, key)
		}
	}
	if r.Category == "" && r.Word == "" {
		return Rule{}, fmt.Errorf("rule %q: it says of no item that it is meant: begin with category= or word=", text)
	}
	if !r.Skip && r.Theme == "" && r.Place == "" && r.Role == "" {
		return Rule{}, fmt.Errorf("rule %q: it does nothing: add skip, theme=, place= or role=", text)
	}
	return r, nil
}

// String gives the rule as ParseRule reads it.
func (r Rule) String() string {
	var parts []string
	for _, p := range [][2]string{{"category", r.Category}, {"word", r.Word}, {"theme", r.Theme}, {"place", r.Place}, {"role", string(r.Role)}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+p[1])
		}
	}
	if r.Skip {
		parts = append(parts, "skip")
	}
	return strings.Join(parts, "; ")
}

// MarshalText writes the rule as a person would.
func (r Rule) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (r *Rule) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRule(string(text))
	return err
}

func (r Rule) applies(it newsletter.Item, categories []string) bool {
	if r.Category != "" {
		found := false
		for _, c := range categories {
			found = found || strings.EqualFold(strings.TrimSpace(c), r.Category)
		}
		if !found {
			return false
		}
	}
	return r.Word == "" || hasWord(it.Title+" "+newsletter.PlainText(it.Summary), r.Word)
}

// dress gives an item what its feed and the feed's rules say. All rules that apply
// are heeded, later ones have the last word.
func (f *Feed) dress(it *newsletter.Item, categories []string) (keep bool) {
	role := f.Role
	it.Theme, it.Place = f.Theme, f.Place
	for _, r := range f.Rules {
		if !r.applies(*it, categories) {
			continue
		}
		if r.Skip {
			return false
		}
		if r.Theme != "" {
			it.Theme = r.Theme
		}
		if r.Place != "" {
			it.Place = r.Place
		}
		if r.Role != "" {
			role = r.Role
		}
	}
	it.Latest = role == Latest
	return true
}

// Check says what is wrong with a feed before it is stored.
func (f *Feed) Check() error {
	if _, err := ParseRole(string(f.Role)); err != nil {
		return err
	}
	if len(f.Language) > 35 || strings.Trim(strings.ToLower(f.Language), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("%q is not a language such as en", f.Language)
	}
	for _, s := range []string{f.Title, f.Source, f.Theme, f.Place} {
		if strings.ContainsAny(s, "\x00\r\n") {
			return errors.New("there is a line break in a feed's title, source, theme or place")
		}
	}
	return nil
}
