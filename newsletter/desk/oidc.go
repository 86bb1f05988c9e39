package desk

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Identity is the newsroom's own identity provider, by OpenID Connect: an editor
// whom it knows under the same address signs in there.
type Identity struct {
	Name                   string // on the button
	Issuer                 string
	ClientID, ClientSecret string

	mu       sync.Mutex
	provider *oidc.Provider
}

// identityLife is how long somebody may take at the provider's.
const identityLife = 10 * time.Minute

// identityTimeout bounds what is asked of the provider at once.
const identityTimeout = 10 * time.Second

// ask finds out where the provider's doors are, once it can be reached: a provider
// that is down keeps nobody from the other ways in.
func (p *Identity) ask(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.provider == nil {
		// The provider outlives the request in which it was found.
		client := &http.Client{Timeout: identityTimeout}
		found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), client), p.Issuer)
		if err != nil {
			return nil, fmt.Errorf("desk: identity provider %s: %w", p.Issuer, err)
		}
		p.provider = found
	}
	return p.provider, nil
}

func (d *Desk) identityClient(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: d.Identity.ClientID, ClientSecret: d.Identity.ClientSecret, Endpoint: p.Endpoint(),
		RedirectURL: d.BaseURL + "/desk/oidc/back", Scopes: []string{oidc.ScopeOpenID, "email", "profile"}}
}

// toIdentity sends somebody to the provider. What only this browser knows (state,
// nonce and the verifier of PKCE) stays in it as a cookie.
func (d *Desk) toIdentity(w http.ResponseWriter, r *http.Request) error {
	if d.Identity == nil {
		return d.nothing(w, r)
	}
	p, err := d.Identity.ask(r.Context())
	if err != nil {
		return err
	}
	state, _, err := d.Editors.secret()
	if err != nil {
		return err
	}
	nonce, _, err := d.Editors.secret()
	if err != nil {
		return err
	}
	verifier := oauth2.GenerateVerifier()
	d.setCookie(w, "oidc", strings.Join([]string{state, nonce, verifier, spelling.EncodeToString([]byte(inside(r.URL.Query().Get("next"))))}, "."), int(identityLife.Seconds()))
	http.Redirect(w, r, d.identityClient(p).AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), http.StatusFound)
	return nil
}

// fromIdentity takes in whoever comes back from the provider.
func (d *Desk) fromIdentity(w http.ResponseWriter, r *http.Request) error {
	if d.Identity == nil {
		return d.nothing(w, r)
	}
	c, err := r.Cookie(d.cookie("oidc"))
	if err != nil {
		return ErrLink
	}
	d.setCookie(w, "oidc", "", -1)
	parts := strings.Split(c.Value, ".")
	if len(parts) != 4 || subtle.ConstantTimeCompare([]byte(parts[0]), []byte(r.URL.Query().Get("state"))) != 1 {
		return ErrLink
	}
	who, err := d.identify(r.Context(), r.URL.Query().Get("code"), parts[1], parts[2])
	if err != nil {
		d.Log.Warn("the identity provider's answer was refused", "err", err)
		return errors.Join(errIdentity, d.Editors.Audit(r.Context(), Editor{}, "signin.refused", "OpenID Connect", d.network(r)))
	}
	secret, err := d.Editors.SignInAs(r.Context(), who, r.UserAgent(), d.network(r))
	if errors.Is(err, ErrNoEditor) {
		return errors.Join(errIdentity, d.Editors.Audit(r.Context(), Editor{Email: who.Email}, "signin.refused", who.Email, d.network(r)))
	}
	if err != nil {
		return err
	}
	d.setSession(w, secret)
	next, err := spelling.DecodeString(parts[3])
	if err != nil {
		next = nil
	}
	http.Redirect(w, r, inside(string(next)), http.StatusSeeOther)
	return nil
}

// identified is whom a provider vouches for.
type identified struct{ Issuer, Subject, Email string }

// identify trades a code for what the provider says, and checks that it says it to
// us and in answer to this browser's request.
func (d *Desk) identify(ctx context.Context, code, nonce, verifier string) (identified, error) {
	p, err := d.Identity.ask(ctx)
	if err != nil {
		return identified{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, identityTimeout)
	defer cancel()
	token, err := d.identityClient(p).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return identified{}, err
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return identified{}, errors.New("there is no id_token")
	}
	id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: d.Identity.ClientID, Now: d.Now}).Verify(ctx, raw)
	if err != nil {
		return identified{}, err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return identified{}, errors.New("it answers another request")
	}
	var claims struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	if err := id.Claims(&claims); err != nil {
		return identified{}, err
	}
	who := identified{Issuer: id.Issuer, Subject: id.Subject}
	if claims.Verified {
		if who.Email, err = address(claims.Email); err != nil {
			return identified{}, err
		}
	}
	return who, nil
}

// SignInAs signs in the editor whom a provider vouches for: by the provider's name
// for them, or the first time by a verified address. Nobody becomes an editor by it.
func (s *Editors) SignInAs(ctx context.Context, who identified, agent, network string) (secret string, err error) {
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		e, err := scanEditor(tx.QueryRowContext(ctx, selectEditor+`WHERE id = (SELECT editor FROM editor_identities WHERE issuer = $1 AND subject = $2)`, who.Issuer, who.Subject))
		if errors.Is(err, ErrNoEditor) && who.Email != "" {
			e, err = scanEditor(tx.QueryRowContext(ctx, selectEditor+`WHERE email = $1 AND NOT EXISTS (SELECT 1 FROM editor_identities i WHERE i.issuer = $2 AND i.editor = editors.id)`, who.Email, who.Issuer))
			if err == nil {
				_, err = tx.ExecContext(ctx, `INSERT INTO editor_identities (issuer, subject, editor) VALUES ($1, $2, $3)`, who.Issuer, who.Subject, e.ID)
			}
		}
		if err != nil {
			return err
		}
		if secret, err = s.begin(ctx, tx, e.ID, agent, network); err != nil {
			return err
		}
		return s.audit(ctx, tx, e, "signin.oidc", e.Email, network)
	})
	if err != nil {
		return "", fmt.Errorf("desk: sign in by OpenID Connect: %w", err)
	}
	return secret, nil
}
