package feeds

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"apta/newsletter/intake/fetch"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
)

// Find gives the feed at an address, or the one that the page at an address says
// it has. Where it says several the first is taken.
func (p *Poller) Find(ctx context.Context, address string) (found string, parsed *Parsed, err error) {
	page, parsed, err := p.look(ctx, address)
	if !errors.Is(err, ErrNoFeed) {
		if err != nil {
			return "", nil, err
		}
		return or(page.Moved, address), parsed, nil
	}
	links := alternates(page)
	if len(links) == 0 {
		return "", nil, fmt.Errorf("%s is no feed, and a page that names none (<link rel=\"alternate\">): give the feed's own address", address)
	}
	page, parsed, err = p.look(ctx, links[0])
	if err != nil {
		return "", nil, err
	}
	return or(page.Moved, links[0]), parsed, nil
}

func (p *Poller) look(ctx context.Context, address string) (*fetch.Page, *Parsed, error) {
	page, err := p.Fetch.Get(ctx, fetch.Request{URL: address, Accept: accept})
	if err != nil {
		return nil, nil, err
	}
	parsed, err := p.Reader.Read(page.Body, page.ContentType, page.URL)
	if err != nil {
		err = fmt.Errorf("feed %q: %w", page.URL, err)
	}
	return page, parsed, err
}

// alternates are the feeds that a page names in its head.
func alternates(page *fetch.Page) (list []string) {
	base, err := url.Parse(page.URL)
	if err != nil {
		return nil
	}
	text, err := charset.NewReader(bytes.NewReader(page.Body), page.ContentType)
	if err != nil {
		return nil
	}
	for z := html.NewTokenizer(text); ; {
		switch z.Next() {
		case html.ErrorToken:
			return list
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			attr := map[string]string{}
			for _, a := range t.Attr {
				attr[a.Key] = strings.TrimSpace(a.Val)
			}
			if t.Data == "base" && attr["href"] != "" {
				if b, err := base.Parse(attr["href"]); err == nil {
					base = b
				}
			}
			if t.Data != "link" || !strings.Contains(" "+strings.ToLower(attr["rel"])+" ", " alternate ") || !isFeedType(attr["type"]) {
				continue
			}
			if ref, err := base.Parse(attr["href"]); err == nil && attr["href"] != "" {
				list = append(list, ref.String())
			}
		}
	}
}

func isFeedType(t string) bool {
	switch strings.ToLower(t) {
	case "application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml":
		return true
	}
	return false
}
