package desk

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"apta/subscribers/database"
)

// How many tries to sign in are allowed in a window of time: from one network
// for one address, for one address from everywhere, and from one network.
const (
	limitWindow    = 15 * time.Minute
	triesTogether  = 10
	triesOfAddress = 50
	triesOfNetwork = 40
)

// try counts one more try to sign in, and is ErrMany where it is one too many.
// Who is stopped for an address can still have a link mailed, so a stranger
// cannot lock an editor out.
func (s *Editors) try(ctx context.Context, email, network string) error {
	return s.count(ctx, map[string]int{
		limitName("both", email+" "+network): triesTogether,
		limitName("address", email):          triesOfAddress,
		limitName("network", network):        triesOfNetwork,
	})
}

func limitName(what, whose string) string { return what + " " + hex.EncodeToString(hashOf(whose)[:12]) }

// count counts one more of each of some things, and is ErrMany where one of them
// is beyond its limit.
func (s *Editors) count(ctx context.Context, limits map[string]int) error {
	now, many := s.now(), false
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		many = false
		for _, name := range slices.Sorted(maps.Keys(limits)) { // in one order, or two transactions lock each other out
			var n int
			// What is set on the right is what stood there before.
			err := tx.QueryRowContext(ctx, `
INSERT INTO editor_limits (name, since, count) VALUES ($1, $2, 1)
ON CONFLICT (name) DO UPDATE SET
	count = CASE WHEN editor_limits.since <= $3 THEN 1 ELSE editor_limits.count + 1 END,
	since = CASE WHEN editor_limits.since <= $3 THEN excluded.since ELSE editor_limits.since END
RETURNING count`, name, database.Millis(now), database.Millis(now.Add(-limitWindow))).Scan(&n)
			if err != nil {
				return err
			}
			many = many || n > limits[name]
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("desk: count tries: %w", err)
	}
	if many {
		return ErrMany
	}
	return nil
}

// networkOf is what one customer of a provider has: an address, of IPv6 its
// first 64 bits.
func networkOf(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // never wrong for these
	if bits == 32 {
		return a.String()
	}
	return p.String()
}
