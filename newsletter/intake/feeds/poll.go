package feeds

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"apta/newsletter"
	"apta/newsletter/intake/fetch"

	"golang.org/x/sync/errgroup"
)

// Shelf is where new items are put.
type Shelf interface {
	// AddItems leaves items whose address is known as they are, and without an ID.
	AddItems(ctx context.Context, items []newsletter.Item) (added int, err error)
	// AddTellings keeps who else told an item's story.
	AddTellings(ctx context.Context, list []newsletter.Telling) error
	ItemsIn(ctx context.Context, w newsletter.Window) ([]newsletter.Item, error)
}

// Poller asks feeds for what is new.
type Poller struct {
	Store  *Store
	Shelf  Shelf
	Fetch  *fetch.Fetcher
	Reader *Reader
	Every  time.Duration // between two polls of one feed
	Now    func() time.Time

	reading sync.Mutex // one feed is read at a time, so that memory is bounded however many are large
}

// How feeds are polled.
const (
	atOnce     = 8                // feeds that are waited for at the same time
	longestGap = 24 * time.Hour   // between two polls of a feed that fails
	firstGap   = 10 * time.Minute // after its first failure, where Every is longer
)

const accept = "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"

// PollDue polls the feeds that are due. It begins none after the time given, and
// reports how many are left, those included during which ctx ended; they go on
// being due.
func (p *Poller) PollDue(ctx context.Context, begin time.Duration) (left int, err error) {
	list, err := p.Store.Due(ctx)
	if err != nil {
		return 0, err
	}
	until := time.Now().Add(begin)
	return p.poll(ctx, list, func() bool { return time.Now().After(until) }, func(Feed) {})
}

// Poll polls feeds now, due or not, and tells how each fared.
func (p *Poller) Poll(ctx context.Context, list []Feed, done func(Feed)) error {
	_, err := p.poll(ctx, list, func() bool { return false }, done)
	return errors.Join(err, ctx.Err())
}

func (p *Poller) poll(ctx context.Context, list []Feed, late func() bool, done func(Feed)) (left int, err error) {
	known := &stories{}
	var group errgroup.Group
	group.SetLimit(atOnce)
	var mu sync.Mutex
	for _, f := range list {
		group.Go(func() error {
			if late() || ctx.Err() != nil {
				mu.Lock()
				defer mu.Unlock()
				left++
				return nil
			}
			f, err := p.one(ctx, f, known)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case ctx.Err() != nil: // it was we who hung up
				left++
			case err != nil:
				return err
			default:
				done(f)
			}
			return nil
		})
	}
	return left, group.Wait()
}

// one polls one feed and stores how that went. An error is the database's: one of
// the feed's is part of what is stored.
func (p *Poller) one(ctx context.Context, f Feed, known *stories) (Feed, error) {
	page, err := p.Fetch.Get(ctx, fetch.Request{URL: f.URL, Accept: accept, ETag: f.etag, LastModified: f.modified})
	if ctx.Err() != nil {
		return f, ctx.Err()
	}
	p.reading.Lock()
	defer p.reading.Unlock()
	f.Polled, f.New = p.Now().UTC().Truncate(time.Millisecond), 0
	var shown []int64
	if err == nil && !page.NotModified {
		shown, err = p.take(ctx, &f, page, known)
		var stop *shelfError
		if errors.As(err, &stop) {
			return f, stop.err
		}
	}
	if err != nil {
		p.failed(&f, err)
	} else {
		f.Failures, f.Error, f.Due = 0, "", f.Polled.Add(p.Every)
		if page.Moved != "" {
			f.URL = page.Moved
		}
	}
	return f, p.Store.settle(ctx, f, shown)
}

// shelfError is one that is not the feed's fault.
type shelfError struct{ err error }

func (e *shelfError) Error() string { return e.err.Error() }

// take puts a feed's new items on the shelf.
func (p *Poller) take(ctx context.Context, f *Feed, page *fetch.Page, known *stories) (shown []int64, err error) {
	parsed, err := p.Reader.Read(page.Body, page.ContentType, page.URL)
	if err != nil {
		return nil, fmt.Errorf("feed %q: %w", page.URL, err)
	}
	seen, err := p.Store.seen(ctx, f.ID)
	if err != nil {
		return nil, &shelfError{err}
	}
	var items []newsletter.Item
	for _, e := range parsed.Entries {
		last, before := seen[e.Mark]
		if !before || f.Polled.Sub(last) > renewAfter {
			shown = append(shown, e.Mark)
		}
		if before {
			continue
		}
		it := e.Item
		it.Source, it.Language = or(f.Source, parsed.Title), language(f.Language, parsed.Language)
		if f.dress(&it, e.Categories) {
			items = append(items, it)
		}
	}
	if f.New, err = known.put(ctx, p.Shelf, items, f.Polled); err != nil {
		return nil, &shelfError{err}
	}
	f.Title, f.Note, f.Entries = or(parsed.Title, f.Title), parsed.Note, len(parsed.Entries)
	f.etag, f.modified = page.ETag, page.Modified
	return shown, nil
}

// failed says when a feed that failed is asked again: sooner than usual at first,
// then ever later, and not before the server wants it.
func (p *Poller) failed(f *Feed, err error) {
	f.Failures++
	f.Error = strings.ToValidUTF8(strings.ReplaceAll(err.Error(), "\x00", ""), "")
	gap := min(min(p.Every, firstGap)<<min(f.Failures-1, 20), max(longestGap, p.Every))
	var status *fetch.StatusError
	if errors.As(err, &status) {
		gap = max(gap, status.RetryAfter)
		if status.Code == 410 { // Gone, and meant to be
			gap = max(gap, 7*24*time.Hour)
		}
	}
	f.Due = f.Polled.Add(gap)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// language is the feed's own, or the first part of what it says of itself: ru of ru-RU.
func language(set, said string) string {
	if set != "" {
		return set
	}
	main, _, _ := strings.Cut(said, "-")
	if len(main) < 2 || len(main) > 3 || strings.Trim(main, "abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return main
}
