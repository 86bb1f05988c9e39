//go:build !race

package subscribers_test

import (
	"testing"

	"apta/subscribers"
)

// Not under the race detector, which throws away what a pool keeps.
func TestAppendTokenAllocatesNothing(t *testing.T) {
	k, dst := keys(t, "k"), make([]byte, 0, 64)
	allocs := testing.AllocsPerRun(1000, func() { dst = k.AppendToken(dst[:0], subscribers.PurposeUnsubscribe, 4711, 0) })
	if allocs >= 1 { // the garbage collector may empty the pool once in a while
		t.Errorf("%v allocations a token", allocs)
	}
}
