// Package heaptest measures in tests what hostile content makes the program hold.
package heaptest

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// While gives by how many bytes the heap and the stacks grew at most while do ran.
// What counts is what is held, not what waits to be collected, which is more the
// slower the machine is and twice that under the race detector.
func While(do func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		var now runtime.MemStats
		for {
			runtime.ReadMemStats(&now)
			peak.Store(max(peak.Load(), now.HeapInuse+now.StackInuse))
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	do()
	close(stop)
	<-done
	return peak.Load() - min(peak.Load(), before.HeapInuse+before.StackInuse)
}
