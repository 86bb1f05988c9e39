// Package page makes an item of a page: what it says of itself in Open Graph,
// JSON-LD and its other metadata, and where it says nothing, what it looks like.
package page

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"strings"
	"time"

	"apta/newsletter"
	"apta/newsletter/intake"

	"codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
	"golang.org/x/net/publicsuffix"
)

// Up to here a page is looked at as a whole: beyond, only its metadata are read.
const (
	maxWhole = 2 << 20 // bytes
	maxTags  = 20_000
)

// Accept is what a fetch asks for.
const Accept = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"

// Read makes an item of a page that was found at address. Dates without a zone are
// in zone; a page without a date gives an item without one. The address is the
// page's canonical one, where that is of the same site.
func Read(body []byte, contentType, address string, zone *time.Location) (newsletter.Item, error) {
	base, err := url.Parse(address)
	if err != nil {
		return newsletter.Item{}, fmt.Errorf("page: %q is not a URL", address)
	}
	if kind, _, err := mime.ParseMediaType(contentType); err == nil && kind != "text/html" && kind != "application/xhtml+xml" && kind != "text/plain" {
		return newsletter.Item{}, fmt.Errorf("page %q: it is no page, but %s", address, kind)
	}
	decoded, err := charset.NewReader(bytes.NewReader(body), contentType)
	if err != nil {
		return newsletter.Item{}, fmt.Errorf("page %q: %w", address, err)
	}
	text, err := io.ReadAll(decoded)
	if err != nil {
		return newsletter.Item{}, fmt.Errorf("page %q: %w", address, err)
	}
	m := readMeta(text)
	m.look(text, base)
	it, err := m.item(base, zone)
	if err != nil {
		return newsletter.Item{}, fmt.Errorf("page %q: %w", address, err)
	}
	return it, nil
}

// look takes what readability sees, behind what the page says.
func (m *meta) look(text []byte, base *url.URL) {
	if len(text) > maxWhole || m.tags > maxTags {
		return
	}
	article, err := readability.FromReader(bytes.NewReader(text), base)
	if err != nil {
		return // the metadata are what there is
	}
	m.title = append(m.title, article.Title())
	m.summary = append(m.summary, article.Excerpt())
	m.image = append(m.image, article.ImageURL())
}

func (m *meta) item(base *url.URL, zone *time.Location) (it newsletter.Item, err error) {
	scrub := intake.NewScrubber()
	words := func(list []string) string {
		for _, s := range list {
			if s = scrub.Words(html.EscapeString(s)); s != "" {
				return s
			}
		}
		return ""
	}
	if it.URL, err = m.address(base); err != nil {
		return it, err
	}
	it.Title = words(append(m.title, m.documentTitle))
	if it.Title == "" {
		return it, errors.New("it has no title")
	}
	it.Summary = scrub.Summary(html.EscapeString(first(m.summary)))
	it.Source, it.Author = words(m.source), words(m.author)
	if it.Source == "" {
		it.Source = strings.TrimPrefix(base.Hostname(), "www.")
	}
	for _, s := range m.published {
		if t, err := intake.ParseDate(s, zone); err == nil {
			it.Published = t
			break
		}
	}
	for _, s := range m.language {
		main, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), "_", "-"), "-")
		if len(main) >= 2 && len(main) <= 3 && strings.Trim(main, "abcdefghijklmnopqrstuvwxyz") == "" {
			it.Language = main
			break
		}
	}
	for _, s := range m.image {
		if ref, err := base.Parse(strings.TrimSpace(s)); err == nil && strings.TrimSpace(s) != "" {
			if it.Image, err = intake.CheckURL(ref.String()); err == nil {
				break
			}
		}
	}
	return it, nil
}

func first(list []string) string {
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" {
			return s
		}
	}
	return ""
}

// address is the page's canonical address. One of another site is not believed:
// it would let a page pass for another's story.
func (m *meta) address(base *url.URL) (string, error) {
	for _, s := range m.canonical {
		ref, err := base.Parse(strings.TrimSpace(s))
		if err != nil || site(ref.Hostname()) != site(base.Hostname()) {
			continue
		}
		// Some pages name the front page, for all of them.
		if strings.Trim(ref.Path, "/") == "" && strings.Trim(base.Path, "/") != "" && ref.RawQuery == "" {
			continue
		}
		if address, err := intake.Canonical(ref.String()); err == nil {
			return address, nil
		}
	}
	return intake.Canonical(base.String())
}

// site is the part of a host that its owner registered.
func site(host string) string {
	host = strings.ToLower(host)
	if s, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return s
	}
	return host
}
