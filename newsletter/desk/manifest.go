package desk

import (
	"encoding/json"
	"net/http"

	"apta/templates"
)

// manifest lets a phone install the desk, and share pages with it (Web Share
// Target): it opens the page of the bookmarklet.
func (d *Desk) manifest(w http.ResponseWriter, r *http.Request) {
	icon, err := templates.AssetPath("favicon.svg")
	if err != nil {
		d.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/manifest+json")
	json.NewEncoder(w).Encode(map[string]any{
		"id": "/desk/", "start_url": "/desk/", "scope": "/desk/", "display": "standalone", "name": d.Newsroom, "short_name": d.Newsroom,
		"lang": d.Words(r)["tag"], "background_color": "#f6f4ee", "theme_color": "#f6f4ee",
		"icons":        []map[string]string{{"src": icon, "sizes": "any", "type": "image/svg+xml"}},
		"share_target": map[string]any{"action": "/desk/add", "method": "GET", "params": map[string]string{"title": "title", "text": "text", "url": "url"}},
	})
}
