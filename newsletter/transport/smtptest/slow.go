package smtptest

import (
	"crypto/tls"
	"time"
)

// trickle says something an octet at a time; ok is false when the client has gone.
func (s *session) trickle(words string, each time.Duration) (ok bool) {
	if s.out.Flush() != nil {
		return false
	}
	for i := range len(words) {
		time.Sleep(each)
		if _, err := s.conn.Write([]byte{words[i]}); err != nil {
			return false
		}
	}
	return true
}

// spoilTLS writes what is no TLS beneath the TLS of the connection.
func (s *session) spoilTLS() (ok bool) {
	if secure, is := s.conn.(*tls.Conn); is {
		secure.NetConn().Write([]byte("250 2.0.0 ok, and no secrets any more\r\n"))
	}
	return false
}
