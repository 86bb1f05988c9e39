// Package check says of a rendered mail what does not come out as meant, where,
// and what happens instead: what mail programs do not support, what is too large,
// and what is missing. It is pure; editors' pages and apta issue check show it.
package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"apta/newsletter"
)

// Level says how bad a finding is.
type Level string

// An error is to be mended before the mail goes out; a warning is worth a look; a
// note says what comes out otherwise and is provided for.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Note    Level = "note"
)

// Finding is one thing that is not, or not everywhere, as it should be.
type Finding struct {
	Level    Level    `json:"level"`
	Kind     string   `json:"kind"`               // support, size, subject, preheader, image, link, structure
	What     string   `json:"what"`               // what it is about, such as "@media (prefers-color-scheme)"
	Text     string   `json:"text"`               // one sentence
	Count    int      `json:"count,omitempty"`    // how often it is in the mail
	Support  Support  `json:"support,omitempty"`  // the least that any program has
	Clients  []Client `json:"clients,omitempty"`  // those that lack it
	Fallback string   `json:"fallback,omitempty"` // what their readers see instead
	URL      string   `json:"url,omitempty"`      // where it was tested
}

// Mail gives the findings of a mail, the worst first.
func Mail(m newsletter.Mail) ([]Finding, error) {
	data, err := Load()
	if err != nil {
		return nil, fmt.Errorf("check: caniemail.json: %w", err)
	}
	findings := slices.Concat(support(scan(data, m.HTML), data), sizes(m), headers(m), structure(m))
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(rank(a), rank(b)) })
	return findings, nil
}

// rank sorts by level, and notes on support by how bad that is.
func rank(f Finding) int {
	return slices.Index([]Level{Error, Warning, Note}, f.Level)*10 + slices.Index([]Support{"", Unsupported, Partial, Unknown}, f.Support)
}

// support holds what a mail uses against the data.
func support(u uses, data *Data) []Finding {
	var list []Finding
	for slug, count := range u.features {
		f := data.features[slug]
		clients := f.clients()
		if len(clients) == 0 {
			continue
		}
		finding := Finding{Level: Note, Kind: "support", What: f.Title, Count: count, Support: worst(clients), Clients: clients, Fallback: fallbacks[slug], URL: f.URL}
		finding.Text = fmt.Sprintf("%s: %s.", f.Title, said(clients))
		if finding.Support == Unsupported && finding.Fallback == "" {
			finding.Level = Error
			finding.Text += " There is no fallback for it."
		}
		list = append(list, finding)
	}
	slices.SortFunc(list, func(a, b Finding) int { return strings.Compare(a.What, b.What) })
	return list
}

// said puts the clients into words: not supported in A and B, partly in C.
func said(clients []Client) string {
	var parts []string
	for _, s := range []struct {
		support Support
		words   string
	}{{Unsupported, "not supported in"}, {Partial, "partly in"}, {Unknown, "not tested in"}} {
		var names []string
		for _, c := range clients {
			if c.Support == s.support {
				names = append(names, c.Name)
			}
		}
		if len(names) > 0 {
			parts = append(parts, s.words+" "+strings.Join(names, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// Unlisted names what a mail uses and caniemail.com has no test of.
func Unlisted(m newsletter.Mail) ([]string, error) {
	data, err := Load()
	if err != nil {
		return nil, fmt.Errorf("check: caniemail.json: %w", err)
	}
	u := scan(data, m.HTML)
	list := make([]string, 0, len(u.unlisted))
	for name := range u.unlisted {
		list = append(list, name)
	}
	slices.Sort(list)
	return list, nil
}
