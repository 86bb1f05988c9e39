package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxReply is how much of the answer to a Post is read, in bytes: nobody looks at it.
const maxReply = 64 << 10

// Post sends a body to an address and waits for the answer. A status
// beyond 299 is a *StatusError: a redirect is not followed, since what was sent
// was meant for this address and no other. It is guarded as Get is.
func (f *Fetcher) Post(ctx context.Context, address string, header http.Header, body []byte) error {
	if err := f.post(ctx, address, header, body); err != nil {
		return fmt.Errorf("post %s: %w", shown(address), reason(err))
	}
	return nil
}

func (f *Fetcher) post(ctx context.Context, address string, header http.Header, body []byte) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("it is not a URL")
	}
	if err := checkURL(u); err != nil {
		return err
	}
	release, err := f.hosts.enter(ctx, u.Host)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeoutCause(ctx, f.options.Timeout, fmt.Errorf("it was not answered in full within %v", f.options.Timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", f.options.UserAgent)
	client := &http.Client{Transport: f.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return ended(ctx, err)
	}
	defer res.Body.Close()
	// Read so that the other side can end in peace; what it says makes no difference.
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, maxReply)); err != nil && ctx.Err() != nil {
		return ended(ctx, err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return &StatusError{Code: res.StatusCode, RetryAfter: retryAfter(res.Header)}
	}
	return nil
}

// CheckAddress says what is wrong with an address without asking anybody for it.
func CheckAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("it is not a URL")
	}
	return checkURL(u)
}
