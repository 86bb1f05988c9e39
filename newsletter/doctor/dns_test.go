package doctor

import (
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// nameServer is a real DNS server for some records. A name that is called
// "fails." in a record "name. IN TXT fails." answers SERVFAIL.
func nameServer(t *testing.T, records ...string) DNS {
	t.Helper()
	zone := map[string][]dns.RR{}
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		name := strings.ToLower(rr.Header().Name)
		zone[name] = append(zone[name], rr)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		name := strings.ToLower(q.Question[0].Name)
		kind := q.Question[0].Qtype
		for range 8 {
			next := ""
			for _, rr := range zone[name] {
				if s, ok := rr.(*dns.TXT); ok && s.Txt[0] == "SERVFAIL" {
					m.Rcode = dns.RcodeServerFailure
				}
				if rr.Header().Rrtype == kind {
					m.Answer = append(m.Answer, rr)
				} else if c, ok := rr.(*dns.CNAME); ok {
					m.Answer = append(m.Answer, rr)
					next = strings.ToLower(c.Target)
				}
			}
			if next == "" {
				break
			}
			name = next
		}
		if _, known := zone[name]; !known && len(m.Answer) == 0 {
			m.Rcode = dns.RcodeNameError
		}
		if w.LocalAddr().Network() == "udp" {
			m.Truncate(512) // so that long keys come by TCP
		}
		w.WriteMsg(m)
	})
	packets, stream := samePort(t)
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: stream, Handler: handler}} {
		up := make(chan struct{})
		s.NotifyStartedFunc = func() { close(up) }
		go s.ActivateAndServe()
		<-up
		t.Cleanup(func() { s.Shutdown() })
	}
	return DNS{Server: packets.LocalAddr().String()}
}

// samePort listens for datagrams and for streams on one port.
func samePort(t *testing.T) (packets net.PacketConn, stream net.Listener) {
	t.Helper()
	for range 50 {
		packets, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if stream, err = net.Listen("tcp", packets.LocalAddr().String()); err == nil {
			return packets, stream
		}
		packets.Close() // another test has the port for streams
	}
	t.Fatal("no port is free for both")
	return nil, nil
}
