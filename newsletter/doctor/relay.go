package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/smtp"
	"net/url"
	"strconv"
	"strings"
	"time"

	"apta/newsletter/transport"

	"github.com/miekg/dns"
)

func reverseName(ip netip.Addr) string {
	name, err := dns.ReverseAddr(ip.String())
	if err != nil {
		return ip.String()
	}
	return name
}

// soon is when a certificate should have been renewed.
const soon = 14 * 24 * time.Hour

func (l *look) relays(ctx context.Context) (list []Finding) {
	find := about("relay", "All mail leaves over it. Without TLS anybody on the way reads addresses, passwords and readers' links; Gmail wants TLS of bulk senders.")
	for _, r := range l.Relays {
		name := net.JoinHostPort(r.Host, strconv.Itoa(r.Port))
		conn, err := r.Dial(ctx)
		switch {
		case errors.Is(err, transport.ErrTLS):
			list = append(list, find(name, Failure, "%v", err).do("see that its certificate is for "+r.Host+" and valid, and that smtp.tls fits"))
			continue
		case errors.Is(err, transport.ErrAuth):
			list = append(list, find(name, Failure, "%v", err).do("check smtp.username and smtp.password_file"))
			continue
		case err != nil:
			list = append(list, find(name, Failure, "%v", err).do("check smtp.host, smtp.port and the firewall"))
			continue
		}
		conn.Quit()
		if r.TLS == "none" {
			if ip, err := netip.ParseAddr(r.Host); err == nil && ip.IsLoopback() || r.Host == "localhost" {
				list = append(list, find(name, Good, "is on this machine"))
			} else {
				list = append(list, find(name, Failure, "mails go to it in clear").do("set smtp.tls = \"starttls\""))
			}
			continue
		}
		ends, version, err := certificate(ctx, r, l.helo())
		list = append(list, l.expiry(find, name, "takes mail over "+version, ends, err))
	}
	return list
}

// expiry is a finding about a certificate.
func (l *look) expiry(find func(string, Severity, string, ...any) Finding, name, says string, ends time.Time, err error) Finding {
	left := ends.Sub(l.Now())
	switch {
	case err != nil:
		return find(name, Failure, "its TLS: %v", err).do("renew its certificate")
	case left < 0:
		return find(name, Failure, "its certificate ended %s", ends.Format(time.DateOnly)).do("renew it")
	case left < soon:
		return find(name, Warning, "%s; its certificate ends %s", says, ends.Format(time.DateOnly)).do("see why it was not renewed")
	}
	return find(name, Good, "%s; its certificate is good until %s", says, ends.Format(time.DateOnly))
}

// certificate gives when a relay's ends.
func certificate(ctx context.Context, r transport.Relay, helo string) (ends time.Time, version string, err error) {
	config := r.Config
	if config == nil {
		config = &tls.Config{ServerName: r.Host, MinVersion: tls.VersionTLS12}
	}
	dialer := net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(r.Host, strconv.Itoa(r.Port)))
	if err != nil {
		return ends, "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	var state tls.ConnectionState
	if r.TLS == "tls" {
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return ends, "", err
		}
		state = secure.ConnectionState()
	} else {
		client, err := smtp.NewClient(conn, r.Host)
		if err != nil {
			return ends, "", err
		}
		if err := client.Hello(helo); err != nil {
			return ends, "", err
		}
		if err := client.StartTLS(config); err != nil {
			return ends, "", err
		}
		state, _ = client.TLSConnectionState()
		client.Quit()
	}
	return earliest(state), tls.VersionName(state.Version), nil
}

// earliest is when the first certificate of the chain ends.
func earliest(state tls.ConnectionState) (ends time.Time) {
	for _, c := range state.PeerCertificates {
		if ends.IsZero() || c.NotAfter.Before(ends) {
			ends = c.NotAfter
		}
	}
	return ends
}

func (l *look) site(ctx context.Context) []Finding {
	find := about("site", "The links in every mail lead there: leaving, preferences, the page of the issue. Mail providers press the unsubscribe link by https only (RFC 8058).")
	u, err := url.Parse(l.BaseURL)
	if err != nil || l.BaseURL == "" {
		return nil
	}
	if u.Scheme != "https" {
		return []Finding{find(l.BaseURL, Failure, "it does not begin with https").do("put a web server with TLS in front, or set [tls], and set base_url (docs/operations.md)")}
	}
	resp, err := l.ask(ctx, http.MethodGet, l.BaseURL+"/healthz", "")
	if err != nil {
		return []Finding{find(l.BaseURL, Failure, "cannot be reached: %v", err).do("see that apta serve runs and that the name leads here")}
	}
	if resp.StatusCode != http.StatusOK {
		return []Finding{find(l.BaseURL, Failure, "answers /healthz with %s: it does not lead to apta", resp.Status).do("look at the web server in front")}
	}
	return []Finding{l.expiry(find, l.BaseURL, "answers over "+tls.VersionName(resp.TLS.Version), earliest(*resp.TLS), nil)}
}

// ask makes one request, as a stranger would: no cookie, no redirect followed.
func (l *look) ask(ctx context.Context, method, address, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{TLSClientConfig: l.SiteTLS, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	var failed *url.Error
	if errors.As(err, &failed) {
		return nil, failed.Err // without the address, which has a key in it
	}
	if err != nil {
		return nil, err
	}
	return resp, resp.Body.Close()
}

// unsubscribe presses the link as a mail provider does, with a key that is nobody's.
func (l *look) unsubscribe(ctx context.Context) []Finding {
	find := about("unsubscribe", "Gmail, Yahoo and Outlook want one click: their POST must unsubscribe without a page between (RFC 8058). Where it fails, readers press \"spam\".")
	if l.Probe == "" {
		return nil
	}
	where := strings.TrimSuffix(l.Probe, l.Probe[strings.LastIndex(l.Probe, "/")+1:]) + "…"
	resp, err := l.ask(ctx, http.MethodPost, l.BaseURL+l.Probe, "List-Unsubscribe=One-Click")
	if err != nil {
		return []Finding{find(where, Failure, "cannot be reached: %v", err).do("see that apta serve runs and that " + l.BaseURL + " leads there")}
	}
	switch code := resp.StatusCode; {
	case code >= 300 && code < 400:
		return []Finding{find(where, Failure, "leads on to %s: providers follow no redirect", resp.Header.Get("Location")).do("have base_url be the final address")}
	case code == http.StatusForbidden || code == http.StatusUnauthorized || code == http.StatusTooManyRequests:
		return []Finding{find(where, Failure, "is kept from strangers (%s)", resp.Status).do("let everybody reach /u/, without cookie, login or challenge")}
	case code != http.StatusOK && code != http.StatusNotFound:
		return []Finding{find(where, Failure, "answers %s", resp.Status).do("look at the log, and at the web server in front")}
	}
	return []Finding{find(where, Good, "answers a mail provider's press (%s for a key that is nobody's)", fmt.Sprint(resp.StatusCode))}
}
