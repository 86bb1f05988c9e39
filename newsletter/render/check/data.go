package check

import (
	_ "embed"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// caniemail is what caniemail.com has tested, as make caniemail wrote it down.
//
//go:embed caniemail.json
var caniemail []byte

// Data is what is known of mail programs.
type Data struct {
	Source  string // where it is from
	Version string // of the npm package
	Updated string // the day of the newest test, such as 2026-05-13

	features map[string]feature // by slug
}

type feature struct {
	Slug    string            `json:"slug"`
	Title   string            `json:"title"`
	URL     string            `json:"url"`
	Support map[string]string `json:"support"` // by client: y, a (partly), n or u (unknown), and the numbers of notes
	Notes   map[string]string `json:"notes"`
}

// Load gives the data as it was vendored.
var Load = sync.OnceValues(func() (*Data, error) {
	var file struct {
		Source, Version, Updated string
		Features                 []feature
	}
	if err := json.Unmarshal(caniemail, &file); err != nil {
		return nil, err
	}
	d := &Data{Source: file.Source, Version: file.Version, Updated: file.Updated, features: map[string]feature{}}
	for _, f := range file.Features {
		d.features[f.Slug] = f
	}
	return d, nil
})

// programs are the mail programs that a mail is held against, by their keys in
// the data. The new Outlook for Windows is Outlook on the web in a window of its
// own. Yandex is not tested by caniemail.com: a finding says nothing of it.
var programs = []struct{ key, name string }{
	{"gmail.desktop-webmail", "Gmail (web)"}, {"gmail.ios", "Gmail (iOS)"}, {"gmail.android", "Gmail (Android)"},
	{"outlook.windows", "Outlook (Windows)"}, {"outlook.outlook-com", "Outlook (new, web)"}, {"outlook.macos", "Outlook (Mac)"},
	{"apple-mail.macos", "Apple Mail (Mac)"}, {"apple-mail.ios", "Apple Mail (iOS)"},
	{"yahoo.desktop-webmail", "Yahoo (web)"}, {"yahoo.ios", "Yahoo (iOS)"}, {"yahoo.android", "Yahoo (Android)"},
	{"samsung-email.android", "Samsung Email"}, {"thunderbird.macos", "Thunderbird"}, {"mail-ru.desktop-webmail", "Mail.ru"},
}

// Untested are the mail programs that a mail should look right in and of which
// there is no data.
var Untested = []string{"Yandex Mail"}

// Support is how well a mail program does what a mail asks of it.
type Support string

// What the data knows; of what is supported in full there is no finding.
const (
	Partial     Support = "partial"
	Unsupported Support = "unsupported"
	Unknown     Support = "unknown"
)

// Client is a mail program that does not do something, or not all of it.
type Client struct {
	Name    string   `json:"name"`
	Support Support  `json:"support"`
	Notes   []string `json:"notes,omitempty"`
}

var noteNumber = regexp.MustCompile(`#(\d+)`)

// clients are those of the named programs that do not support a feature in full.
func (f feature) clients() []Client {
	var list []Client
	for _, p := range programs {
		said, known := f.Support[p.key]
		c := Client{Name: p.name}
		switch {
		case !known || strings.HasPrefix(said, "u"):
			c.Support = Unknown
		case strings.HasPrefix(said, "a"):
			c.Support = Partial
		case strings.HasPrefix(said, "n"):
			c.Support = Unsupported
		default:
			continue
		}
		for _, n := range noteNumber.FindAllStringSubmatch(said, -1) {
			c.Notes = append(c.Notes, f.Notes[n[1]])
		}
		list = append(list, c)
	}
	return list
}

// worst is the least support that any of the clients has.
func worst(list []Client) Support {
	order := []Support{Unsupported, Partial, Unknown}
	for _, s := range order {
		if slices.ContainsFunc(list, func(c Client) bool { return c.Support == s }) {
			return s
		}
	}
	return ""
}
