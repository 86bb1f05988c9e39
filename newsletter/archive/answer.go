package archive

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"apta/templates"
)

// answer is a page as it is kept and sent.
type answer struct {
	status int // 0 where nobody waits for it any more
	header http.Header
	body   bytes.Buffer
	tag    string
	packed func() []byte
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.body.Write(b)
}

// made gives a page that does not depend on who asks.
func (s *Site) made(page http.HandlerFunc, r *http.Request) *answer {
	a := &answer{header: make(http.Header)}
	page(a, r)
	sum := sha256.Sum256(a.body.Bytes())
	a.tag = hex.EncodeToString(sum[:12])
	a.packed = sync.OnceValue(func() []byte { return s.compress(a.body.Bytes()) })
	return a
}

// fresh makes a page for every request.
func (s *Site) fresh(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { s.send(w, r, s.made(page, r)) }
}

// kept makes a page once and keeps it until something public changes.
func (s *Site) kept(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		mark, err := s.store.PublicMark(r.Context(), s.masthead.Slug)
		if err != nil {
			s.failed(w, r, err)
			return
		}
		a := s.shelf.get(mark, r.URL.Path)
		if a == nil {
			// What changed since the mark was read is in the page, and kept under
			// the older mark only: the next request makes it anew.
			if a = s.made(page, r); a.status == http.StatusOK {
				s.shelf.put(mark, r.URL.Path, a)
			}
		}
		s.send(w, r, a)
	}
}

// shelf keeps pages of one mark by their paths.
type shelf struct {
	mu    sync.Mutex
	mark  string
	pages map[string]*answer
}

func (s *shelf) get(mark, path string) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mark != mark {
		return nil
	}
	return s.pages[path]
}

func (s *shelf) put(mark, path string, a *answer) {
	const most = 1000 // some 20 MB
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mark != mark || len(s.pages) >= most {
		s.mark, s.pages = mark, make(map[string]*answer)
	}
	s.pages[path] = a
}

// send sends a page, or 304 where the asker has it already. It is compressed for
// those who take that.
func (s *Site) send(w http.ResponseWriter, r *http.Request, a *answer) {
	if a.status == 0 {
		return
	}
	h := w.Header()
	maps.Copy(h, a.header)
	if a.status != http.StatusOK {
		w.WriteHeader(a.status)
		w.Write(a.body.Bytes())
		return
	}
	h.Set("Cache-Control", "public, max-age=60")
	h.Set("Vary", "Accept-Encoding")
	// Strong validators (RFC 9110, section 8.8.3) differ between codings.
	tag, body := `"`+a.tag+`"`, a.body.Bytes()
	if takesGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		tag, body = `"`+a.tag+`-gzip"`, a.packed()
	}
	h.Set("ETag", tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
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
	small := sync.OnceValue(func() []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(a.Body) // a buffer takes everything
		z.Close()
		return b.Bytes()
	})
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", a.Type)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Vary", "Accept-Encoding")
		body := a.Body
		if takesGzip(r.Header.Get("Accept-Encoding")) && len(small()) < len(body) {
			h.Set("Content-Encoding", "gzip")
			body = small()
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}
