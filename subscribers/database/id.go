package database

import (
	"crypto/rand"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// ID names one stored row. Its upper 41 bits are milliseconds since 2020, its
// lower 22 random, so IDs made in order sort in order, on one machine and
// nearly so on several, and no database sequence is needed.
type ID int64

// crockford is Crockford's base 32 in lower case: no i, l, o or u to misread.
const crockford = "0123456789abcdefghjkmnpqrstvwxyz"

// epoch is 2020-01-01T00:00:00Z in Unix milliseconds; 41 bits from it last until 2089.
const epoch = 1577836800000

// String gives the 13 characters people see and type.
func (id ID) String() string {
	var b [13]byte
	n := uint64(id)
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = crockford[n&31]
		n >>= 5
	}
	return string(b[:])
}

// Time is when the ID was made, by the clock of its maker.
func (id ID) Time() time.Time { return FromMillis(int64(id)>>22 + epoch) }

// ParseID reads what String wrote; upper case is accepted.
func ParseID(s string) (ID, error) {
	if len(s) != 13 {
		return 0, fmt.Errorf("database: %q is not an ID: it has %d characters, an ID has 13", s, len(s))
	}
	var n uint64
	for i, c := range []byte(strings.ToLower(s)) {
		v := strings.IndexByte(crockford, c)
		if v < 0 || i == 0 && v > 7 {
			return 0, fmt.Errorf("database: %q is not an ID: character %d is not one of %s", s, i+1, crockford)
		}
		n = n<<5 | uint64(v)
	}
	return ID(n), nil
}

// MarshalText makes IDs strings in JSON, where 63-bit numbers lose digits.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseID(string(b))
	return err
}

// Value stores an ID as a BIGINT.
func (id ID) Value() (driver.Value, error) { return int64(id), nil }

// IDs makes IDs that never repeat within a process: a second one in the same
// millisecond is the first plus one.
type IDs struct {
	now  func() time.Time
	rand io.Reader

	mu   sync.Mutex
	last ID
}

// NewIDs makes IDs from a clock and a random source; nil means the system's.
func NewIDs(now func() time.Time, random io.Reader) *IDs {
	if now == nil {
		now = time.Now
	}
	if random == nil {
		random = rand.Reader
	}
	return &IDs{now: now, rand: random}
}

// Next makes one ID.
func (g *IDs) Next() ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	ms := g.now().UnixMilli() - epoch
	if ms <= int64(g.last)>>22 {
		g.last++
		return g.last
	}
	var b [4]byte
	if _, err := io.ReadFull(g.rand, b[:]); err != nil {
		panic("database: no randomness: " + err.Error()) // crypto/rand never fails; a test source that ends is a wrong test
	}
	// The top random bit stays clear so that counting on from here has room.
	g.last = ID(ms<<22 | int64(binary.BigEndian.Uint32(b[:])&(1<<21-1)))
	return g.last
}
