package main

import (
	"time"

	"apta/newsletter"
	"apta/newsletter/schedule"
	"apta/subscribers"
)

// flowTimes are the keys of the flow as it needs them.
type flowTimes struct {
	cutOff, reminder, coolOff time.Duration
	skips                     []schedule.Skip
}

// checkFlow reads what happens to an issue between its draft and its send.
func (c *Config) checkFlow(bad func(key, format string, args ...any), oneOf func(key, value string, allowed ...string)) {
	s := c.Schedule
	for _, d := range []struct {
		key, value string
		into       *time.Duration
	}{{"cut_off", s.CutOff, &c.flow.cutOff}, {"reminder", s.Reminder, &c.flow.reminder}, {"cool_off", s.CoolOff, &c.flow.coolOff}} {
		var err error
		if *d.into, err = time.ParseDuration(d.value); err != nil || *d.into < 0 {
			bad("schedule."+d.key, "%q is not a duration such as 4h or 15m (0s is none)", d.value)
		}
	}
	if c.flow.cutOff > 0 && c.flow.reminder >= c.flow.cutOff {
		bad("schedule.reminder", "%s before the cut-off is no time after assembling: the cut-off comes %s after that", s.Reminder, s.CutOff)
	}
	oneOf("schedule.at_cut_off", s.AtCutOff, "hold", "send")
	oneOf("newsletter.below_minimum", c.Newsletter.BelowMinimum, "roll", "skip")
	for _, address := range s.Editors {
		if _, err := subscribers.ParseAddress(address); err != nil {
			bad("schedule.editors", "%v; write something like editors = [\"desk@news.example\"]", err)
		}
	}
	c.flow.skips = nil
	for _, span := range s.Skip {
		skip, err := schedule.ParseSkip(newsletter.Skip{Span: span})
		if err != nil {
			bad("schedule.skip", "%v", err)
			continue
		}
		c.flow.skips = append(c.flow.skips, skip)
	}
}

// noIssue is what becomes of the items of a week without an issue.
func (c *Config) noIssue() newsletter.Fate {
	if c.Newsletter.BelowMinimum == "skip" {
		return newsletter.Drop
	}
	return newsletter.Roll
}
