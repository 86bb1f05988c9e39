package archive

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"apta/templates"
)

// answer sends what anyone may keep for a minute, or 304 where the asker has it
// already. Words are sent compressed to those who take that.
func (s *Site) answer(w http.ResponseWriter, r *http.Request, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=60")
	h.Set("Vary", "Accept-Encoding")
	if takesGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		h.Set("ETag", etag(body, "-gzip"))
		body = s.compress(body)
	} else {
		h.Set("ETag", etag(body, ""))
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// etag is a strong validator (RFC 9110, section 8.8.3) of some bytes in one coding.
func etag(body []byte, coding string) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:12]) + coding + `"`
}

// takesGzip reads an Accept-Encoding (RFC 9110, section 12.5.3): gzip is taken
// where it is named, or all codings are, with a weight above zero.
func takesGzip(accept string) bool {
	takes := false
	for part := range strings.SplitSeq(accept, ",") {
		coding, parameters, _ := strings.Cut(part, ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.ReplaceAll(parameters, " ", ""), "q="); ok {
			weight, _ = strconv.ParseFloat(q, 64)
		}
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return weight > 0
		case "*":
			takes = weight > 0
		}
	}
	return takes
}

// compress reuses writers: one is near a megabyte.
func (s *Site) compress(body []byte) []byte {
	var b bytes.Buffer
	z, ok := s.writers.Get().(*gzip.Writer)
	if !ok {
		z = gzip.NewWriter(nil)
	}
	z.Reset(&b)
	z.Write(body) // a buffer takes everything
	z.Close()
	s.writers.Put(z)
	return b.Bytes()
}

// serveAsset answers with a file whose path changes with its content, so that
// a browser may keep it for ever (RFC 8246).
func serveAsset(a templates.Asset) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", a.Type)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.Body))
	}
}
