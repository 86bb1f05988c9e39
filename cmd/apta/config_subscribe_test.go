package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestSubscribeSettings(t *testing.T) {
	for key, set := range map[string]func(*Config){
		"subscribe.letters_per_address":    func(c *Config) { c.Subscribe.LettersAddress = 0 },
		"subscribe.letters_per_network":    func(c *Config) { c.Subscribe.LettersNetwork = -1 },
		"subscribe.letters_per_newsletter": func(c *Config) { c.Subscribe.LettersNewsletter = 1e9 },
		"subscribe.open":                   func(c *Config) { c.Subscribe.Open = "a week" },
		"subscribe.network_bits_ipv4":      func(c *Config) { c.Subscribe.NetworkBits4 = 33 },
		"subscribe.network_bits_ipv6":      func(c *Config) { c.Subscribe.NetworkBits6 = -1 },
		"subscribe.proof_of_work":          func(c *Config) { c.Subscribe.ProofOfWork = 64 },
		"proxies":                          func(c *Config) { c.Proxies = []string{"10.0.0.1", "localhost"} },
		"newsletter.slug":                  func(c *Config) { c.Newsletter.Slug = "subscribe" },
	} {
		c := defaults()
		c.file = "apta.toml"
		set(&c)
		if err := errors.Join(c.check()...); err == nil || !strings.HasPrefix(err.Error(), "apta.toml: "+key+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", key, err)
		}
	}
	c := defaults()
	c.Subscribe.LettersAddress, c.Subscribe.Open, c.Subscribe.NetworkBits4 = 5, "48h", 16
	if problems := c.check(); len(problems) > 0 || c.rules.PerAddress.Count != 5 || c.rules.Open != 48*time.Hour || c.rules.NetworkBits4 != 16 {
		t.Errorf("%v; the rules are %+v", problems, c.rules)
	}
}
