package desk

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// writers are used again: one is near a megabyte.
var writers = sync.Pool{New: func() any { z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed); return z }}

// packed compresses a page for a browser that takes that. What is short stays as
// it is. No page holds a secret beside what its visitor has sent, so its length
// tells nothing (BREACH).
func packed(w http.ResponseWriter, r *http.Request, page *bytes.Buffer) *bytes.Buffer {
	w.Header().Add("Vary", "Accept-Encoding")
	accept := strings.ReplaceAll(r.Header.Get("Accept-Encoding"), " ", "")
	if page.Len() < 1400 || !strings.Contains(accept, "gzip") || strings.Contains(accept, "gzip;q=0") {
		return page
	}
	var b bytes.Buffer
	z := writers.Get().(*gzip.Writer)
	defer writers.Put(z)
	z.Reset(&b)
	z.Write(page.Bytes()) // a buffer takes everything
	z.Close()
	w.Header().Set("Content-Encoding", "gzip")
	return &b
}
