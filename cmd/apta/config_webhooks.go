package main

import "net/netip"

// WebhooksConfig says what webhooks may reach.
type WebhooksConfig struct {
	Allow string `toml:"allow"` // networks, parted by commas

	allow []netip.Prefix
}

func (c *Config) checkWebhooks(bad func(key, format string, args ...any)) {
	c.Webhooks.allow = networks(c.Webhooks.Allow, func(part string) {
		bad("webhooks.allow", "%q is neither an address nor a network such as 10.1.0.0/16", part)
	})
}
