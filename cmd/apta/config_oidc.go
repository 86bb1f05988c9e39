package main

import (
	"cmp"
	"net/url"

	"apta/newsletter/desk"
)

// OIDCConfig names the identity provider at which editors may sign in.
type OIDCConfig struct {
	Name             string `toml:"name"`
	Issuer           string `toml:"issuer"`
	ClientID         string `toml:"client_id"`
	ClientSecret     string `toml:"client_secret"`
	ClientSecretFile string `toml:"client_secret_file"`
}

func (c *Config) checkOIDC(bad func(key, format string, args ...any)) {
	o := c.OIDC
	if o.Issuer == "" {
		if o.ClientID != "" {
			bad("oidc.issuer", "it is not set, but oidc.client_id is: it is the address of the identity provider")
		}
		return
	}
	if u, err := url.Parse(o.Issuer); err != nil || u.Scheme != "https" && u.Hostname() != "127.0.0.1" && u.Hostname() != "localhost" || u.Host == "" {
		bad("oidc.issuer", "%q is not the https address of an identity provider, such as https://login.news.example", o.Issuer)
	}
	if o.ClientID == "" {
		bad("oidc.client_id", "it is not set, but oidc.issuer is: it is the name by which the provider knows the desk")
	}
	if o.ClientSecret != "" && o.ClientSecretFile != "" {
		bad("oidc.client_secret", "it is set, and so is oidc.client_secret_file: choose one")
	}
}

// identity is the provider as the desk knows it; nil where none is set.
func (c *Config) identity() (*desk.Identity, error) {
	o := c.OIDC
	if o.Issuer == "" {
		return nil, nil
	}
	if o.ClientSecretFile != "" {
		var err error
		if o.ClientSecret, err = readSecret("oidc.client_secret_file", o.ClientSecretFile); err != nil {
			return nil, err
		}
	}
	return &desk.Identity{Name: cmp.Or(o.Name, "OpenID Connect"), Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret}, nil
}
