package smtptest

import "bytes"

// unstuff drops the final dot and the dots that were doubled.
func unstuff(body []byte) string {
	body = bytes.TrimSuffix(body, []byte(".\r\n"))
	return string(bytes.ReplaceAll(body, []byte("\r\n.."), []byte("\r\n.")))
}

// readBody reads up to the line that is a dot alone, a buffer at a time.
func (s *session) readBody() error {
	s.body = s.body[:0]
	tail := []byte("\r\n") // what was read last: the end may lie across two reads
	end := []byte("\r\n.\r\n")
	for {
		if _, err := s.in.Peek(1); err != nil {
			return err
		}
		chunk, err := s.in.Peek(s.in.Buffered())
		if err != nil {
			return err
		}
		seam := append(append([]byte(nil), tail...), chunk[:min(len(chunk), len(end)-1)]...)
		if i := bytes.Index(seam, end); i >= 0 {
			return s.take(chunk[:i+len(end)-len(tail)], i+len(end)-len(tail))
		}
		if i := bytes.Index(chunk, end); i >= 0 {
			return s.take(chunk[:i+len(end)], i+len(end))
		}
		tail = append([]byte(nil), lastBytes(tail, chunk, len(end)-1)...)
		if err := s.take(chunk, len(chunk)); err != nil {
			return err
		}
	}
}

// lastBytes gives the last n octets of a followed by b.
func lastBytes(a, b []byte, n int) []byte {
	if len(b) >= n {
		return b[len(b)-n:]
	}
	all := append(append([]byte(nil), a...), b...)
	return all[max(0, len(all)-n):]
}

func (s *session) take(b []byte, n int) error {
	if !s.server.opt.CountOnly {
		s.body = append(s.body, b...)
	}
	_, err := s.in.Discard(n)
	return err
}
