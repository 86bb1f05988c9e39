package intake

import (
	"errors"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"
)

// tracking are the query parameters that say how a reader came to a page and
// change nothing in it. A trailing star stands for any ending.
var tracking = []string{
	"utm_*", "fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "ysclid", "ymclid", "_openstat", "twclid", "ttclid", "igshid", "igsh",
	"li_fat_id", "mc_cid", "mc_eid", "mkt_tok", "vero_*", "_hsenc", "_hsmi", "__hs*", "hsctatracking", "oly_anon_id", "oly_enc_id", "rb_clickid", "s_cid",
	"wickedid", "pk_*", "piwik_*", "mtm_*", "matomo_*", "at_medium", "at_campaign", "ns_campaign", "ns_mchannel", "ns_source", "xtor", "cmpid", "ocid", "ref_src", "ref_url", "spm",
}

// Canonical gives the one address of a story: scheme and host in lower case, no
// default port, no fragment, no tracking parameters. It takes what CheckURL takes.
func Canonical(address string) (string, error) {
	checked, err := CheckURL(address)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(checked)
	if err != nil {
		return "", errors.New("it is not a URL")
	}
	if host, port, err := net.SplitHostPort(u.Host); err == nil && (port == "" || u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443") {
		u.Host = host
		if strings.Contains(host, ":") {
			u.Host = "[" + host + "]"
		}
	}
	u.Host = strings.TrimSuffix(u.Host, ".")
	if u.Host == "" {
		return "", errors.New("it has no host")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.RawQuery, u.ForceQuery = withoutTracking(u.RawQuery), false
	return u.String(), nil
}

// withoutTracking keeps the order and the spelling of what stays: some sites are
// particular about both.
func withoutTracking(query string) string {
	if query == "" {
		return ""
	}
	return strings.Join(slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		name = strings.ToLower(name)
		return pair == "" || slices.ContainsFunc(tracking, func(pattern string) bool {
			ok, err := path.Match(pattern, name)
			return err == nil && ok
		})
	}), "&")
}
