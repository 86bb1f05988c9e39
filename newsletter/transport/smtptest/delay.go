package smtptest

import (
	"io"
	"net"
	"sync"
	"time"
)

// Delay is a relay at a distance: a TCP proxy that hands on every octet a fixed
// time after it came, in both directions, in order, and as many as come.
type Delay struct {
	listener net.Listener
	target   string
	each     time.Duration

	mu     sync.Mutex
	conns  []net.Conn
	closed bool
	done   sync.WaitGroup
}

// StartDelay listens on a free port of 127.0.0.1. A round trip to target takes
// twice the time that each direction takes.
func StartDelay(target string, each time.Duration) (*Delay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &Delay{listener: l, target: target, each: each}
	d.done.Go(d.accept)
	return d, nil
}

// Port is the TCP port.
func (d *Delay) Port() int { return d.listener.Addr().(*net.TCPAddr).Port }

// Close stops the proxy and hangs up on both sides.
func (d *Delay) Close() {
	d.mu.Lock()
	d.closed = true
	for _, c := range d.conns {
		c.Close()
	}
	d.mu.Unlock()
	d.listener.Close()
	d.done.Wait()
}

// keep notes what Close is to close; false where that is over.
func (d *Delay) keep(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		c.Close()
		return false
	}
	d.conns = append(d.conns, c)
	return true
}

func (d *Delay) accept() {
	for {
		near, err := d.listener.Accept()
		if err != nil || !d.keep(near) {
			return
		}
		far, err := net.Dial("tcp", d.target)
		if err != nil || !d.keep(far) {
			near.Close()
			continue
		}
		d.done.Go(func() { d.carry(far, near) })
		d.done.Go(func() { d.carry(near, far) })
	}
}

// parcel is what was read at one moment.
type parcel struct {
	due  time.Time
	data []byte
}

// carry takes what comes from one side to the other, and the end of it too.
func (d *Delay) carry(to, from net.Conn) {
	under := make(chan parcel, 1024) // way more than one side sends in a delay
	d.done.Go(func() {
		defer close(under)
		buf := make([]byte, 256<<10)
		for {
			n, err := from.Read(buf)
			if n > 0 {
				under <- parcel{time.Now().Add(d.each), append([]byte(nil), buf[:n]...)}
			}
			if err != nil {
				return
			}
		}
	})
	for p := range under {
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.data); err != nil {
			from.Close()
			io.Copy(io.Discard, from)
		}
	}
	to.(*net.TCPConn).CloseWrite()
}
