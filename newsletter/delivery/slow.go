package delivery

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"apta/subscribers/database"
)

// SlowDomain is a domain of recipients with deliveries that were put off.
type SlowDomain struct {
	Domain   string    `json:"domain"`
	Deferred int       `json:"deferred"`
	Next     time.Time `json:"next"` // when the first of them is due
	Code     int       `json:"code,omitempty"`
	Why      string    `json:"why"` // of the one that was put off last
}

// slowScan is how many deferred deliveries are looked at for SlowDomains. With
// more of them the numbers are those of a sample.
const slowScan = 50_000

// SlowDomains gives the domains with the most deferred deliveries of an issue,
// with the last reason, at most limit of them.
func (l *Ledger) SlowDomains(ctx context.Context, issue database.ID, limit int) ([]SlowDomain, error) {
	rows, err := l.db.Query(ctx, `
SELECT s.email, d.until, d.at, d.code, d.why FROM deliveries d JOIN subscribers s ON s.id = d.subscriber_id
WHERE d.issue_id = $1 AND d.state = 3 LIMIT $2`, issue, slowScan)
	if err != nil {
		return nil, fmt.Errorf("delivery: slow domains: %w", err)
	}
	defer rows.Close()
	// Grouped here: the two databases cut strings with different functions.
	found, last := map[string]*SlowDomain{}, map[string]int64{}
	for rows.Next() {
		var email, why string
		var until, at int64
		var code int
		if err := rows.Scan(&email, &until, &at, &code, &why); err != nil {
			return nil, fmt.Errorf("delivery: slow domains: %w", err)
		}
		domain := domainOf(email)
		s := found[domain]
		if s == nil {
			s = &SlowDomain{Domain: domain, Next: database.FromMillis(until)}
			found[domain] = s
		}
		s.Deferred++
		if due := database.FromMillis(until); due.Before(s.Next) {
			s.Next = due
		}
		if at >= last[domain] {
			last[domain], s.Code, s.Why = at, code, why
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("delivery: slow domains: %w", err)
	}
	list := make([]SlowDomain, 0, len(found))
	for _, s := range found {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b SlowDomain) int {
		return cmp.Or(cmp.Compare(b.Deferred, a.Deferred), cmp.Compare(a.Domain, b.Domain))
	})
	return list[:min(len(list), limit)], nil
}

// Untried is how many deliveries of a running send wait for their first try: in
// the queue, or for a limit.
func (l *Ledger) Untried(ctx context.Context, issue database.ID) (n int, err error) {
	err = l.db.QueryRow(ctx, `SELECT count(*) FROM deliveries d JOIN sends ON sends.issue_id = d.issue_id
WHERE d.issue_id = $1 AND sends.state = 'running' AND d.state IN (0, 3) AND d.attempts = 0`, issue).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("delivery: untried: %w", err)
	}
	return n, nil
}
