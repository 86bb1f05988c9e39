package transport

import (
	"context"
	"errors"
	"net"
)

// maxOpening is how many octets a relay may say before the first mail: greeting,
// EHLO twice, certificates, AUTH.
const maxOpening = 256 << 10

var errTalkative = errors.New("it says more before the first mail than any relay has to")

// guarded is a connection on which a relay can say only so much while go-mail,
// which reads lines of any length, opens it. Nobody has proved who they are by
// then. A connection that could not be opened is closed.
type guarded struct {
	net.Conn
	left   int
	opened bool
}

func (g *guarded) Read(b []byte) (int, error) {
	if g.opened {
		return g.Conn.Read(b)
	}
	if g.left <= 0 {
		return 0, errTalkative
	}
	n, err := g.Conn.Read(b[:min(len(b), g.left)])
	g.left -= n
	return n, err
}

// dial connects for go-mail.
func (g *guarded) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	g.Conn, g.left = c, maxOpening
	return g, nil
}

func (g *guarded) giveUp() {
	if g.Conn != nil {
		g.Conn.Close()
	}
}
