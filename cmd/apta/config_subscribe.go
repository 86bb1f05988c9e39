package main

import (
	"net/netip"
	"time"

	"apta/subscribers"
)

// SubscribeConfig is what keeps the pages on which people subscribe from being abused.
type SubscribeConfig struct {
	LettersAddress    int    `toml:"letters_per_address"`
	LettersNetwork    int    `toml:"letters_per_network"`
	LettersNewsletter int    `toml:"letters_per_newsletter"`
	Open              string `toml:"open"`
	NetworkBits4      int    `toml:"network_bits_ipv4"`
	NetworkBits6      int    `toml:"network_bits_ipv6"`
	ProofOfWork       int    `toml:"proof_of_work"`
}

// defaultSubscribe says what subscribers.DefaultRules says.
func defaultSubscribe() SubscribeConfig {
	r := subscribers.DefaultRules()
	return SubscribeConfig{LettersAddress: r.PerAddress.Count, LettersNetwork: r.PerNetwork.Count, LettersNewsletter: r.PerNewsletter.Count,
		Open: "168h", NetworkBits4: r.NetworkBits4, NetworkBits6: r.NetworkBits6}
}

// maxProof bounds the work a browser can be asked for: a minute or so.
const maxProof = 24

func (c *Config) checkSubscribe(bad func(key, format string, args ...any)) {
	s := c.Subscribe
	c.rules = subscribers.DefaultRules()
	for _, limit := range []struct {
		key   string
		value int
		into  *int
		most  int
	}{
		{"letters_per_address", s.LettersAddress, &c.rules.PerAddress.Count, 1000},
		{"letters_per_network", s.LettersNetwork, &c.rules.PerNetwork.Count, 1_000_000},
		{"letters_per_newsletter", s.LettersNewsletter, &c.rules.PerNewsletter.Count, 10_000_000},
	} {
		if limit.value < 1 || limit.value > limit.most {
			bad("subscribe."+limit.key, "%d is not between 1 and %d", limit.value, limit.most)
		}
		*limit.into = limit.value
	}
	for _, bits := range []struct {
		key         string
		value, most int
		into        *int
	}{
		{"network_bits_ipv4", s.NetworkBits4, 32, &c.rules.NetworkBits4},
		{"network_bits_ipv6", s.NetworkBits6, 128, &c.rules.NetworkBits6},
		{"proof_of_work", s.ProofOfWork, maxProof, new(int)},
	} {
		if bits.value < 0 || bits.value > bits.most {
			bad("subscribe."+bits.key, "%d is not between 0 and %d", bits.value, bits.most)
		}
		*bits.into = bits.value
	}
	var err error
	if c.rules.Open, err = time.ParseDuration(s.Open); err != nil || c.rules.Open < time.Hour {
		bad("subscribe.open", "%q is not a duration of an hour or more, such as 168h", s.Open)
	}
	c.proxies = nil
	for _, text := range c.Proxies {
		prefix, err := netip.ParsePrefix(text)
		if address, plain := netip.ParseAddr(text); plain == nil {
			prefix, err = address.Unmap().Prefix(address.Unmap().BitLen())
		}
		if err != nil {
			bad("proxies", "%q is neither an address nor a network such as 10.0.0.0/8", text)
			continue
		}
		c.proxies = append(c.proxies, prefix.Masked())
	}
}
