package archive

import (
	"errors"
	"net/http"

	"apta/newsletter"
)

// picture serves a picture for ever: its name is that of its content.
func (s *Site) picture(w http.ResponseWriter, r *http.Request) {
	kind, body, err := s.store.PictureBody(r.Context(), r.PathValue("name"))
	switch {
	case errors.Is(err, newsletter.ErrNotFound):
		s.notFound(w, r)
		return
	case err != nil:
		s.failed(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // mail programs on the web show it
	w.Write(body)
}
