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
	i.allow = networks(i.Allow, func(part string) {
		bad("intake.allow", "%q is neither an address nor a network such as 10.1.0.0/16", part)
	})
}

// networks reads addresses and networks parted by commas; bad is told each that is
// neither.
func networks(text string, bad func(part string)) (list []netip.Prefix) {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		network, err := netip.ParsePrefix(part)
		if address, aerr := netip.ParseAddr(part); aerr == nil {
			network, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			bad(part)
			continue
		}
		list = append(list, network.Masked())
	}
	return list
}
