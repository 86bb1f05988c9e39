// Package fetch gets what stands at addresses that others have chosen: feeds,
// pages, and whatever they redirect to. It connects to public addresses only,
// and what it reads is bounded in time and in size.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// What bounds one fetch where Options say nothing else.
const (
	DefaultTimeout  = 10 * time.Second // from the connection's opening to the last byte
	DefaultMaxBytes = 5 << 20          // of the body, unpacked
	DefaultPerHost  = 2                // fetches from one host at the same time

	maxRedirects = 5
	maxHeader    = 64 << 10 // bytes
)

// Options are what a fetcher may do. The zero value is a good one.
type Options struct {
	Allow     []netip.Prefix // networks that are not public and may be reached all the same
	AllowKey  string         // the setting that Allow comes from; intake.allow where empty
	Timeout   time.Duration
	MaxBytes  int64
	PerHost   int
	UserAgent string
	Resolver  *net.Resolver // the system's where nil
}

// Fetcher gets pages. It is safe for concurrent use.
type Fetcher struct {
	options   Options
	transport *http.Transport
	hosts     hosts
}

// New makes a fetcher.
func New(o Options) *Fetcher {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.PerHost <= 0 {
		o.PerHost = DefaultPerHost
	}
	if o.UserAgent == "" {
		o.UserAgent = "Apta"
	}
	if o.AllowKey == "" {
		o.AllowKey = "intake.allow"
	}
	dialer := &net.Dialer{Resolver: o.Resolver, ControlContext: guard{o.Allow, o.AllowKey}.control}
	return &Fetcher{options: o, hosts: hosts{limit: o.PerHost}, transport: &http.Transport{
		// No Proxy: it would connect on our behalf, unguarded. No connection is
		// kept, so that each fetch resolves its name and is checked anew.
		DialContext:            dialer.DialContext,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: maxHeader,
	}}
}

// Request is what to get. ETag and LastModified are those of the last answer:
// a server that has nothing newer answers 304 to them.
type Request struct {
	URL          string
	Accept       string
	ETag         string
	LastModified string
}

// Page is what a server answered.
type Page struct {
	URL         string // where it was found, after redirects
	Moved       string // where the server says it is to be asked for from now on; empty where it has not moved
	NotModified bool   // there is nothing newer, and no body
	ContentType string
	ETag        string
	Modified    string // the Last-Modified field, as it was
	Body        []byte
}

// Get fetches one page. A status other than 200 and 304 is a *StatusError, a
// forbidden address wraps ErrForbidden. Waiting for other fetches from the same
// host does not count as the fetch's own time.
func (f *Fetcher) Get(ctx context.Context, r Request) (*Page, error) {
	page, err := f.get(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", shown(r.URL), reason(err))
	}
	return page, nil
}

func (f *Fetcher) get(ctx context.Context, r Request) (*Page, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, errors.New("it is not a URL")
	}
	if err := checkURL(u); err != nil {
		return nil, err
	}
	release, err := f.hosts.enter(ctx, u.Host)
	if err != nil {
		return nil, err
	}
	defer release()
	ctx, cancel := context.WithTimeoutCause(ctx, f.options.Timeout, fmt.Errorf("it was not answered in full within %v", f.options.Timeout))
	defer cancel()
	var path trail
	client := &http.Client{Transport: f.transport, CheckRedirect: path.follow}
	res, err := client.Do(f.request(ctx, u, r))
	if err != nil {
		return nil, ended(ctx, err)
	}
	defer res.Body.Close()
	page := &Page{
		URL: res.Request.URL.String(), Moved: path.moved, NotModified: res.StatusCode == http.StatusNotModified,
		ContentType: res.Header.Get("Content-Type"), ETag: res.Header.Get("ETag"), Modified: res.Header.Get("Last-Modified"),
	}
	if page.NotModified {
		return page, nil
	}
	if res.StatusCode != http.StatusOK {
		return nil, &StatusError{Code: res.StatusCode, RetryAfter: retryAfter(res.Header)}
	}
	page.Body, err = f.read(res.Body)
	return page, ended(ctx, err)
}

func (f *Fetcher) request(ctx context.Context, u *url.URL, r Request) *http.Request {
	header := http.Header{"User-Agent": {f.options.UserAgent}}
	for name, value := range map[string]string{"Accept": r.Accept, "If-None-Match": r.ETag, "If-Modified-Since": r.LastModified} {
		if value != "" {
			header.Set(name, value)
		}
	}
	return (&http.Request{Method: http.MethodGet, URL: u, Header: header}).WithContext(ctx)
}

// read takes a body of bounded size. The transport unpacks gzip as it is read, so
// the bound is that of what comes out.
func (f *Fetcher) read(body io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, f.options.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > f.options.MaxBytes {
		return nil, fmt.Errorf("it is larger than %d bytes: %w", f.options.MaxBytes, ErrTooLarge)
	}
	return text, nil
}

// trail follows redirects and learns from them.
type trail struct {
	moved  string
	broken bool // a redirect on the way was only for now
}

func (t *trail) follow(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("it redirects more than %d times", maxRedirects)
	}
	if err := checkURL(next.URL); err != nil {
		return fmt.Errorf("it redirects to %s: %w", shown(next.URL.String()), err)
	}
	next.Header.Del("Referer") // the other site need not know
	code := next.Response.StatusCode
	if code != http.StatusMovedPermanently && code != http.StatusPermanentRedirect {
		t.broken = true
	}
	if !t.broken {
		t.moved = next.URL.String()
	}
	return nil
}

// ended says in words why a fetch's own time was over.
func ended(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return context.Cause(ctx)
}

// reason takes away what net/http puts before an error: the address is said already.
func reason(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var op *net.OpError
	if errors.As(err, &op) && errors.Is(err, ErrForbidden) {
		return op.Err
	}
	return err
}

// shown is an address as a message may show it: short, and without a password.
func shown(address string) string {
	if u, err := url.Parse(address); err == nil {
		address = u.Redacted()
	}
	if len(address) > 200 {
		address = address[:200] + "…"
	}
	return fmt.Sprintf("%q", address)
}
