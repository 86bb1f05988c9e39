package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// guard lets through whoever has a token with the scope of a route. It looks at
// the Authorization field and at nothing else: there is no cookie that another
// site could make a browser send.
func (a *API) guard(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		name := ""
		if r.scope != Public {
			t, err := a.admit(req, r.scope)
			if err != nil {
				a.refuse(w, req, r.scope, err)
				return
			}
			name = t.Name
			req = req.WithContext(context.WithValue(req.Context(), callerKey{}, name))
		}
		if err := r.handle(w, req); err != nil {
			a.fail(w, req, err)
			return
		}
		if name != "" && req.Method != http.MethodGet && req.Method != http.MethodHead {
			a.Log.Info("done through the API", "token", name, "method", req.Method, "path", req.URL.Path)
		}
	})
}

// callerKey is where a request keeps the name of its token.
type callerKey struct{}

// caller is the name of the token that a request was let in with.
func caller(r *http.Request) string {
	name, _ := r.Context().Value(callerKey{}).(string)
	return name
}

// Reasons to turn somebody away that no token has of itself.
var (
	errMissing = errors.New("this needs a token: send it in the field Authorization, as Bearer and the token")
	errScope   = errors.New("the token is not good for this")
)

func (a *API) admit(r *http.Request, s Scope) (Token, error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return Token{}, errMissing
	}
	t, err := a.Tokens.Find(r.Context(), strings.TrimSpace(secret))
	if err == nil && !t.May(s) {
		err = errScope
	}
	return t, err
}

// refuse answers as RFC 6750 section 3 wants it. A good token is never slowed
// down by somebody's bad ones: behind a proxy all have one address.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, s Scope, err error) {
	switch {
	case errors.Is(err, errMissing):
		w.Header().Set("WWW-Authenticate", `Bearer realm="apta"`)
	case errors.Is(err, errScope):
		w.Header().Set("WWW-Authenticate", `Bearer realm="apta", error="insufficient_scope", scope="`+string(s)+`"`)
		write(w, &Problem{Status: http.StatusForbidden, Detail: "the token is good, but not for this: it needs the scope " + string(s)})
		return
	case errors.Is(err, ErrToken), errors.Is(err, ErrExpired):
		if wait := a.failures.note(r.RemoteAddr); wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
			write(w, &Problem{Status: http.StatusTooManyRequests, Detail: "too many wrong tokens came from this address: wait, then try with the right one"})
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="apta", error="invalid_token"`)
	default:
		a.fail(w, r, err)
		return
	}
	write(w, &Problem{Status: http.StatusUnauthorized, Detail: err.Error()})
}

// Wrong tokens allowed from one network in so long a time, and how many networks
// are remembered at once.
const (
	failuresAllowed = 20
	failureWindow   = time.Minute
	failureNetworks = 10_000
)

// failures counts the wrong tokens of each network.
type failures struct {
	now func() time.Time
	mu  sync.Mutex
	of  map[netip.Prefix]*failure
}

type failure struct {
	count int
	until time.Time // the count begins anew then
}

func newFailures(now func() time.Time) *failures {
	return &failures{now: now, of: map[netip.Prefix]*failure{}}
}

// note counts one and says how long to wait where it is one too many.
func (f *failures) note(remote string) (wait time.Duration) {
	network, now := networkOf(remote), f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.of[network]
	if c == nil || !now.Before(c.until) {
		if len(f.of) >= failureNetworks {
			f.forget(now)
		}
		c = &failure{until: now.Add(failureWindow)}
		f.of[network] = c
	}
	if c.count++; c.count <= failuresAllowed {
		return 0
	}
	return c.until.Sub(now)
}

// forget makes room: those whose time is over go first, and where that is not
// enough, all do.
func (f *failures) forget(now time.Time) {
	for n, c := range f.of {
		if !now.Before(c.until) {
			delete(f.of, n)
		}
	}
	if len(f.of) >= failureNetworks {
		clear(f.of)
	}
}

// networkOf is the address of a peer, of IPv6 the first 64 bits: that is what one
// customer has.
func networkOf(remote string) netip.Prefix {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 32
	if addr = addr.Unmap().WithZone(""); addr.Is6() {
		bits = 64
	}
	p, _ := addr.Prefix(bits) // never wrong for these
	return p
}
