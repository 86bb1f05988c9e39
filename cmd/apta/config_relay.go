package main

import (
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"time"

	"apta/newsletter/delivery"
	"apta/newsletter/transport"
	"apta/subscribers"
)

// RelayConfig is a relay that takes the mails: the one of [smtp], or one of
// several [[relay]] tables.
type RelayConfig struct {
	Name         string  `toml:"name"`
	Host         string  `toml:"host"`
	Port         int     `toml:"port"`
	TLS          string  `toml:"tls"`
	Auth         string  `toml:"auth"`
	Username     string  `toml:"username"`
	Password     string  `toml:"password"`
	PasswordFile string  `toml:"password_file"`
	HELO         string  `toml:"helo"`
	Timeout      string  `toml:"timeout"`
	Connections  int     `toml:"connections"`
	Notify       string  `toml:"notify"` // of what the relay is to send a report (RFC 3461)
	MaxMessages  int     `toml:"max_messages"`
	Idle         string  `toml:"idle"`
	Weight       float64 `toml:"weight"`
	Rate         float64 `toml:"rate"`
	WarmUpStart  string  `toml:"warmup_start"`
	WarmUpFirst  int     `toml:"warmup_first"`
	WarmUpFactor float64 `toml:"warmup_factor"`

	key string // how messages name its table
}

// LimitsConfig is messages a second to the domains of recipients; 0 is no limit.
type LimitsConfig struct {
	PerDomain float64            `toml:"per_domain"`
	Domains   map[string]float64 `toml:"domains"`
}

func defaultRelay() RelayConfig {
	return RelayConfig{Name: "smtp", Host: "127.0.0.1", Port: 25, TLS: "starttls", Auth: "auto", Timeout: "30s", Connections: 8, Idle: "10s", Notify: "failure", key: "smtp"}
}

// fillRelays gives the keys that a [[relay]] table leaves out their defaults. A
// relay without a name is named after its host.
func (c *Config) fillRelays() {
	usual := reflect.ValueOf(defaultRelay())
	for i := range c.Relay {
		r := &c.Relay[i]
		host, name := r.Host, r.Name
		v := reflect.ValueOf(r).Elem()
		for f := range v.NumField() {
			if v.Field(f).CanSet() && v.Field(f).IsZero() {
				v.Field(f).Set(usual.Field(f))
			}
		}
		r.Host, r.Name = host, name
		if name == "" {
			r.Name = host
		}
		r.key = fmt.Sprintf("relay %d", i+1)
		if r.Name != "" {
			r.key = fmt.Sprintf("relay %q", r.Name)
		}
	}
}

// relays are those that mails go over.
func (c *Config) relays() []RelayConfig {
	if len(c.Relay) > 0 {
		return c.Relay
	}
	return []RelayConfig{c.SMTP}
}

func (c *Config) checkRelays(bad func(key, format string, args ...any), oneOf func(key, value string, allowed ...string)) {
	if len(c.Relay) > 0 && c.SMTP != defaultRelay() {
		bad("smtp", "it is set, and so are [[relay]] tables, which take its place: make it one of them, or leave it out")
	}
	names := map[string]bool{}
	for _, r := range c.relays() {
		if names[r.Name] {
			bad(r.key+".name", "two relays have it: give each a name of its own")
		}
		names[r.Name] = true
		r.check(c, bad, oneOf)
	}
}

func (r RelayConfig) check(c *Config, bad func(key, format string, args ...any), oneOf func(key, value string, allowed ...string)) {
	if r.Host == "" {
		bad(r.key+".host", "it is not set: write the relay's name or address")
	}
	oneOf(r.key+".tls", r.TLS, "none", "starttls", "tls")
	oneOf(r.key+".notify", r.Notify, "failure", "failure,delay", "never")
	oneOf(r.key+".auth", r.Auth, "auto", "none", "plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256")
	if r.Port < 1 || r.Port > 65535 {
		bad(r.key+".port", "%d is not a port", r.Port)
	}
	for _, d := range [][2]string{{"timeout", r.Timeout}, {"idle", r.Idle}} {
		if v, err := time.ParseDuration(d[1]); err != nil || v <= 0 {
			bad(r.key+"."+d[0], "%q is not a duration such as 30s", d[1])
		}
	}
	if r.Connections < 1 || r.Connections > 1000 {
		bad(r.key+".connections", "%d is not between 1 and 1000", r.Connections)
	}
	if r.MaxMessages < 0 {
		bad(r.key+".max_messages", "%d is negative; 0 is no limit", r.MaxMessages)
	}
	if !plausible(r.Weight) {
		bad(r.key+".weight", "%g is not between 0.001 and 1000000; leave it out for a relay that takes as much as it can", r.Weight)
	}
	if !plausible(r.Rate) {
		bad(r.key+".rate", "%g is not between 0.001 and 1000000 messages a second; 0 is no limit", r.Rate)
	}
	r.checkWarmUp(c, bad)
}

// plausible is what a rate or a weight may be. 0 says that there is none.
func plausible(v float64) bool { return v == 0 || v >= 0.001 && v <= 1e6 }

func (r RelayConfig) checkWarmUp(c *Config, bad func(key, format string, args ...any)) {
	if r.WarmUpStart == "" && r.WarmUpFirst == 0 && r.WarmUpFactor == 0 {
		return
	}
	if _, err := time.Parse(time.DateOnly, r.WarmUpStart); err != nil {
		bad(r.key+".warmup_start", "%q is not a day such as 2026-12-01", r.WarmUpStart)
	}
	if r.WarmUpFirst < 1 {
		bad(r.key+".warmup_first", "%d is not how many mails go out on the first day, such as 200", r.WarmUpFirst)
	}
	if !(r.WarmUpFactor >= 1 && r.WarmUpFactor <= 10) {
		bad(r.key+".warmup_factor", "%g is not between 1 and 10: each day has so many times the mails of the day before, such as 1.5", r.WarmUpFactor)
	}
}

func (c *Config) checkLimits(bad func(key, format string, args ...any)) {
	if !plausible(c.Limits.PerDomain) {
		bad("limits.per_domain", "%g is not between 0.001 and 1000000 messages a second; 0 is no limit", c.Limits.PerDomain)
	}
	limits := map[string]float64{}
	for domain, rate := range c.Limits.Domains {
		key := fmt.Sprintf("limits.domains.%q", domain)
		if !plausible(rate) {
			bad(key, "%g is not between 0.001 and 1000000 messages a second; 0 is no limit", rate)
		}
		address, err := subscribers.ParseAddress("reader@" + domain)
		if err != nil {
			bad(key, "it is not a domain such as mail.example")
			continue
		}
		_, domain, _ = strings.Cut(address, "@")
		limits[domain] = rate
	}
	c.Limits.Domains = limits
}

// transport is the relay as it is dialled.
func (r RelayConfig) transport(c *Config) (transport.Relay, error) {
	password := r.Password
	if r.PasswordFile != "" {
		var err error
		if password, err = readSecret(r.key+".password_file", r.PasswordFile); err != nil {
			return transport.Relay{}, err
		}
	}
	timeout, err := time.ParseDuration(r.Timeout)
	if err != nil {
		return transport.Relay{}, fmt.Errorf("%s.timeout: %w", r.key, err)
	}
	helo := r.HELO
	if helo == "" {
		if site, err := url.Parse(c.BaseURL); err == nil {
			helo = site.Hostname()
		}
	}
	return transport.Relay{Name: r.Name, Host: r.Host, Port: r.Port, TLS: r.TLS, Auth: r.Auth, Username: r.Username, Password: password, HELO: helo, Timeout: timeout, Notify: r.Notify}, nil
}

// delivery is the relay as the sender knows it.
func (r RelayConfig) delivery(c *Config, log *slog.Logger) (delivery.Relay, error) {
	server, err := r.transport(c)
	if err != nil {
		return delivery.Relay{}, err
	}
	server.Manners = transport.NewManners(log.With("relay", r.Name))
	idle, err := time.ParseDuration(r.Idle)
	if err != nil {
		return delivery.Relay{}, fmt.Errorf("%s.idle: %w", r.key, err)
	}
	warmUp, err := r.warmUp(c.zone)
	if err != nil {
		return delivery.Relay{}, fmt.Errorf("%s.warmup_start: %w", r.key, err)
	}
	return delivery.Relay{Name: r.Name, Dial: delivery.Dialer(server), Connections: r.Connections, Weight: r.Weight, Rate: r.Rate, MaxMessages: r.MaxMessages, Idle: idle, WarmUp: warmUp}, nil
}

// warmUp is the relay's plan; the zero plan is none.
func (r RelayConfig) warmUp(zone *time.Location) (delivery.WarmUp, error) {
	if r.WarmUpFirst == 0 {
		return delivery.WarmUp{}, nil
	}
	start, err := time.ParseInLocation(time.DateOnly, r.WarmUpStart, zone)
	return delivery.WarmUp{Start: start, First: r.WarmUpFirst, Factor: r.WarmUpFactor}, err
}

// warmUps are the plans of the relays that have one.
func (c *Config) warmUps() map[string]delivery.WarmUp {
	plans := map[string]delivery.WarmUp{}
	for _, r := range c.relays() {
		if plan, err := r.warmUp(c.zone); err == nil && plan.First > 0 {
			plans[r.Name] = plan
		}
	}
	return plans
}
