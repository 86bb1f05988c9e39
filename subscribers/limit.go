package subscribers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"apta/subscribers/database"
)

// Limit is so many of something in a time, counted from the first of them.
type Limit struct {
	Count int
	Per   time.Duration
}

// Rules are what an operator may set about subscriptions.
type Rules struct {
	// How many mails strangers may cause: to one address, from one network, and
	// for the newsletter. They hold for everything that sends one to whoever asks.
	PerAddress, PerNetwork, PerNewsletter Limit
	// Open is how long a request that was not confirmed can be.
	Open time.Duration
	// NetworkBits are how much of an IPv4 and of an IPv6 address the consent log
	// keeps; nothing where they are zero.
	NetworkBits4, NetworkBits6 int
}

// DefaultRules are those of an operator who sets none.
func DefaultRules() Rules {
	return Rules{
		PerAddress:    Limit{3, 24 * time.Hour},
		PerNetwork:    Limit{30, time.Hour},
		PerNewsletter: Limit{2000, time.Hour},
		Open:          7 * 24 * time.Hour,
		NetworkBits4:  24, NetworkBits6: 48,
	}
}

// Network gives the network of a visitor as the consent log keeps it. It is empty
// for a proxy on this machine or beside it.
func (s *Store) Network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	bits := s.rules.NetworkBits6
	if a.Is4() {
		bits = s.rules.NetworkBits4
	}
	return network(a, bits)
}

// network is empty for addresses that say nothing about where somebody is.
func network(a netip.Addr, bits int) string {
	if !a.IsValid() || bits == 0 || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() {
		return ""
	}
	prefix, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return prefix.String()
}

// LimitError says that too many mails were asked for. It is the same for every
// address, known or not.
type LimitError struct {
	Scope string    // address, network or newsletter
	Until time.Time // when it can be tried again
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("too many mails were asked for by this %s; try again after %s", e.Scope, e.Until.Format(time.RFC3339))
}

// spend takes one mail to an address from every limit, or none from any. The
// narrowest network that one customer of a provider has is what counts: a /24 of
// IPv4 addresses, a /56 of IPv6.
func (s *Store) spend(ctx context.Context, tx *sql.Tx, address string, from netip.Addr) error {
	from = from.Unmap().WithZone("")
	bits := 56
	if from.Is4() {
		bits = 24
	}
	if net := network(from, bits); net != "" {
		if err := s.spendOne(ctx, tx, "network", s.keys.hash("limit network", []byte(net)), s.rules.PerNetwork); err != nil {
			return err
		}
	}
	if err := s.spendOne(ctx, tx, "address", s.keys.limitKey(address), s.rules.PerAddress); err != nil {
		return err
	}
	return s.spendOne(ctx, tx, "newsletter", s.newsletter, s.rules.PerNewsletter)
}

func (s *Store) spendOne(ctx context.Context, tx *sql.Tx, scope, key string, l Limit) error {
	now := s.now()
	key = scope + " " + key
	// One statement, so that two visitors at once cannot both take the last one.
	err := tx.QueryRowContext(ctx, `
INSERT INTO limits (key, since, count) VALUES ($1, $2, 1)
ON CONFLICT (key) DO UPDATE SET
	count = CASE WHEN limits.since <= $3 THEN 1 ELSE limits.count + 1 END,
	since = CASE WHEN limits.since <= $3 THEN excluded.since ELSE limits.since END
WHERE limits.since <= $3 OR limits.count < $4
RETURNING count`, key, database.Millis(now), database.Millis(now.Add(-l.Per)), l.Count).Scan(new(int))
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	var since int64
	if err := tx.QueryRowContext(ctx, `SELECT since FROM limits WHERE key = $1`, key).Scan(&since); err != nil {
		return err
	}
	return &LimitError{Scope: scope, Until: database.FromMillis(since).Add(l.Per)}
}
