package feeds

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
	"strings"
	"time"

	"apta/newsletter"
	"apta/newsletter/intake"

	"github.com/mmcdole/gofeed"
)

// ErrNoFeed marks what is something else, such as a page.
var ErrNoFeed = errors.New("it is no feed: neither RSS, Atom nor JSON Feed")

// maxEntries bounds the entries that are taken from a feed at once.
const maxEntries = 500

// Parsed is what a feed has.
type Parsed struct {
	Title    string
	Language string
	Entries  []Entry
	Note     string // what was wrong with it, where it could be read all the same
}

// Entry is one story of a feed: an item that lacks what its feed knows.
type Entry struct {
	Item       newsletter.Item
	Categories []string
	Mark       int64 // tells it from the feed's other entries
}

// Reader reads feeds. It is safe for concurrent use.
type Reader struct {
	Zone *time.Location // of dates without one
	Now  func() time.Time

	scrub intake.Scrubber
}

// NewReader makes a reader of feeds.
func NewReader(zone *time.Location, now func() time.Time) *Reader {
	return &Reader{Zone: zone, Now: now, scrub: intake.NewScrubber()}
}

// Read reads a feed of any kind that was found at address. Entries that cannot be
// an item, having no address or no title, are passed over and counted in the note.
func (r *Reader) Read(body []byte, contentType, address string) (*Parsed, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("feeds: %q is not a URL", address)
	}
	text := toUTF8(body, contentType)
	sound := soundXML
	switch start := bytes.TrimSpace(text); {
	case bytes.HasPrefix(start, []byte("{")) && bytes.Contains(start, []byte(`"items"`)):
		sound = soundJSON
	case !bytes.HasPrefix(start, []byte("<")) || gofeed.DetectFeedType(bytes.NewReader(start[:min(len(start), 4096)])) == gofeed.FeedTypeUnknown:
		return nil, ErrNoFeed
	}
	whole, cut, err := sound(text)
	if err != nil {
		return nil, err
	}
	parser := gofeed.NewParser()
	// A picture in a text is more often one that counts readers.
	parser.RSSTranslator = &gofeed.DefaultRSSTranslator{DisableContentImageScan: true}
	feed, err := parser.Parse(bytes.NewReader(whole))
	if errors.Is(err, gofeed.ErrFeedTypeNotDetected) {
		return nil, ErrNoFeed
	}
	if err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	p := r.parsed(feed, base)
	if cut {
		p.note("it breaks off; what was whole was taken")
	}
	return p, nil
}

func (p *Parsed) note(format string, args ...any) {
	if p.Note != "" {
		p.Note += "; "
	}
	p.Note += fmt.Sprintf(format, args...)
}

func (r *Reader) parsed(feed *gofeed.Feed, base *url.URL) *Parsed {
	p := &Parsed{Title: r.scrub.Words(feed.Title), Language: strings.ToLower(strings.TrimSpace(feed.Language))}
	passed, why := 0, error(nil)
	for i, in := range feed.Items {
		if i == maxEntries {
			p.note("only its first %d entries were looked at", maxEntries)
			break
		}
		e, err := r.entry(in, base)
		if err != nil {
			passed++
			why = err
			continue
		}
		p.Entries = append(p.Entries, e)
	}
	if passed > 0 {
		p.note("%d entries were passed over (%v)", passed, why)
	}
	return p
}

func (r *Reader) entry(in *gofeed.Item, base *url.URL) (Entry, error) {
	link := in.Link
	if link == "" && strings.Contains(in.GUID, "://") {
		link = in.GUID
	}
	ref, err := base.Parse(strings.TrimSpace(link))
	if link == "" || err != nil {
		return Entry{}, errors.New("one has no address")
	}
	address, err := intake.Canonical(ref.String())
	if err != nil {
		return Entry{}, fmt.Errorf("the address of one: %w", err)
	}
	e := Entry{Categories: in.Categories, Item: newsletter.Item{URL: address, Title: r.scrub.Words(in.Title), Published: r.published(in)}}
	if e.Item.Title == "" {
		return Entry{}, errors.New("one has no title")
	}
	text := in.Description
	if strings.TrimSpace(text) == "" {
		text = in.Content
	}
	e.Item.Summary = r.scrub.Summary(text)
	if in.Author != nil {
		e.Item.Author = r.scrub.Words(in.Author.Name)
	}
	e.Item.Image = image(in, base)
	mark := in.GUID
	if mark == "" {
		mark = address
	}
	h := fnv.New64a()
	h.Write([]byte(mark))
	e.Mark = int64(h.Sum64())
	return e, nil
}

// published is when an entry says it was. One that says nothing that is understood,
// or says that it is yet to come, is of now.
func (r *Reader) published(in *gofeed.Item) time.Time {
	now := r.Now().UTC().Truncate(time.Millisecond)
	for _, text := range []string{in.Published, in.Updated} {
		if t, err := intake.ParseDate(text, r.Zone); err == nil {
			if t.After(now) {
				return now
			}
			return t
		}
	}
	return now
}

// image is the entry's own picture, or the first one attached to it.
func image(in *gofeed.Item, base *url.URL) string {
	var found []string
	if in.Image != nil {
		found = append(found, in.Image.URL)
	}
	for _, e := range in.Enclosures {
		if strings.HasPrefix(e.Type, "image/") {
			found = append(found, e.URL)
		}
	}
	i := slices.IndexFunc(found, func(s string) bool { return strings.TrimSpace(s) != "" })
	if i < 0 {
		return ""
	}
	ref, err := base.Parse(strings.TrimSpace(found[i]))
	if err != nil {
		return ""
	}
	address, err := intake.CheckURL(ref.String())
	if err != nil {
		return ""
	}
	return address
}
