package desk

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// provider is an identity provider that vouches for whoever its claims name.
type provider struct {
	server *httptest.Server
	key    *rsa.PrivateKey
	h      *house

	mu     sync.Mutex
	asked  url.Values     // the last request for a code
	claims map[string]any // what it says of them, over what is right
}

func newProvider(t *testing.T, h *house) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{key: key, h: h}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"issuer": p.server.URL, "authorization_endpoint": p.server.URL + "/authorize", "token_endpoint": p.server.URL + "/token", "jwks_uri": p.server.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /token", p.token)
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	h.Identity = &Identity{Name: "Quay Post", Issuer: p.server.URL, ClientID: "desk", ClientSecret: "s3cret"}
	return p
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if r.FormValue("code") != "good" || p.asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	claims := map[string]any{"iss": p.server.URL, "aud": "desk", "sub": "7", "email": "aigerim@quaypost.example", "email_verified": true,
		"nonce": p.asked.Get("nonce"), "iat": p.h.now().Unix(), "exp": p.h.now().Add(time.Minute).Unix()}
	for k, v := range p.claims {
		claims[k] = v
	}
	payload, _ := json.Marshal(claims)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.key, KeyID: "1"}}, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	text, _ := signed.CompactSerialize()
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": text})
}

// begin sends a browser to the provider and gives the address to come back to.
func (p *provider) begin(t *testing.T, b *browser, claims map[string]any) (state string) {
	t.Helper()
	to := mustURL(t, b.get("/desk/oidc?next=/desk/numbers").want(t, http.StatusFound).header.Get("Location"))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked, p.claims = to.Query(), claims
	if !strings.HasPrefix(to.String(), p.server.URL+"/authorize?") || p.asked.Get("code_challenge_method") != "S256" || p.asked.Get("redirect_uri") != b.h.server.URL+"/desk/oidc/back" {
		t.Fatal(to)
	}
	return p.asked.Get("state")
}

func TestIdentityProvider(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.browser(t).get("/desk/oidc").want(t, http.StatusNotFound)
		_, e := h.editor(t, "Aigerim", Owner)
		p := newProvider(t, h)
		h.browser(t).get("/desk/signin").want(t, 200, "/desk/oidc?next=", "Quay Post")
		b := h.browser(t)
		state := p.begin(t, b, nil)
		b.get("/desk/oidc/back?code=good&state="+state).to(t, "/desk/numbers")
		b.get("/desk/").want(t, 200, "Aigerim")
		// From now on the provider's own name for them counts, whatever their address is.
		b = h.browser(t)
		state = p.begin(t, b, map[string]any{"email": "renamed@quaypost.example"})
		b.get("/desk/oidc/back?code=good&state="+state).to(t, "/desk/numbers")
		if !h.did(t, "signin.oidc", e.Email) {
			t.Error("the audit log has nothing of it")
		}
	})
}

// An answer to another request, for another client, of another time, unverified, of
// a stranger, or of somebody who has an editor's old address, lets nobody in.
func TestFault_W7_IdentityProvider(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.editor(t, "Aigerim", Owner)
		p := newProvider(t, h)
		for name, claims := range map[string]map[string]any{
			"nonce": {"nonce": "another"}, "audience": {"aud": "another"}, "issuer": {"iss": "https://evil.example"}, "expired": {"exp": h.now().Add(-time.Hour).Unix()},
			"unverified": {"email_verified": false}, "stranger": {"email": "mallory@example.org"}, "none": {"email": "", "sub": "9"},
		} {
			b := h.browser(t)
			state := p.begin(t, b, claims)
			if got := b.get("/desk/oidc/back?code=good&state=" + state); got.status != http.StatusForbidden {
				t.Errorf("%s: %d %s", name, got.status, words(got.body))
			}
			b.get("/desk/").want(t, http.StatusSeeOther)
		}
		b := h.browser(t)
		state := p.begin(t, b, nil)
		h.browser(t).get("/desk/oidc/back?code=good&state="+state).want(t, http.StatusGone) // another browser
		b.get("/desk/oidc/back?code=good&state=wrong").want(t, http.StatusGone)
		b.get("/desk/oidc/back?code=good&state="+state).want(t, http.StatusGone) // used up
		state = p.begin(t, b, nil)
		b.get("/desk/oidc/back?code=bad&state="+state).want(t, http.StatusForbidden)
		state = p.begin(t, b, nil)
		b.get("/desk/oidc/back?code=good&state="+state).to(t, "/desk/numbers")
		b = h.browser(t)
		state = p.begin(t, b, map[string]any{"sub": "8"}) // the same address, somebody else
		b.get("/desk/oidc/back?code=good&state="+state).want(t, http.StatusForbidden)
		if !h.did(t, "signin.refused", "mallory@example.org") {
			t.Error("the audit log has nothing of it")
		}
	})
}
