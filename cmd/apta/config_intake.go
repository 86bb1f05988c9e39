package main

import (
	"net/netip"
	"strings"
	"time"
)

// IntakeConfig says how feeds are polled, and what may be fetched.
type IntakeConfig struct {
	Poll  string `toml:"poll"`
	Allow string `toml:"allow"` // networks, parted by commas

	poll  time.Duration
	allow []netip.Prefix
}

func (c *Config) checkIntake(bad func(key, format string, args ...any)) {
	i := &c.Intake
	var err error
	if i.poll, err = time.ParseDuration(i.Poll); err != nil || i.poll < 0 || i.poll > 0 && i.poll < time.Minute {
		bad("intake.poll", "%q is not a duration of a minute or more, such as 30m, nor 0s for never", i.Poll)
	}
	i.allow = nil
	for part := range strings.SplitSeq(i.Allow, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		network, err := netip.ParsePrefix(part)
		if address, aerr := netip.ParseAddr(part); aerr == nil {
			network, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			bad("intake.allow", "%q is neither an address nor a network such as 10.1.0.0/16", part)
			continue
		}
		i.allow = append(i.allow, network.Masked())
	}
}
