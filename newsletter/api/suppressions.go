package api

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"apta/subscribers"
)

func (a *API) suppressionRoutes() []route {
	return []route{
		{"GET /api/suppressions", ReadersRead, a.listSuppressions},
		{"POST /api/suppressions", ReadersWrite, a.suppress},
		{"POST /api/suppressions/remove", ReadersWrite, a.unsuppress},
	}
}

func (a *API) listSuppressions(w http.ResponseWriter, r *http.Request) error {
	limit, err := limitOf(r)
	if err != nil {
		return &Problem{Status: http.StatusBadRequest, Detail: err.Error()}
	}
	after := r.URL.Query().Get("after")
	if strings.ContainsFunc(after, unicode.IsControl) {
		return &Problem{Status: http.StatusBadRequest, Detail: "after is what an answer before gave as next"}
	}
	list, err := a.Readers.Suppressions(r.Context(), after, limit)
	if err != nil {
		return err
	}
	if list == nil {
		list = []subscribers.Suppression{}
	}
	answer := map[string]any{"suppressions": list}
	if len(list) == limit {
		answer["next"] = list[limit-1].Hash
	}
	return writeJSON(w, answer)
}

// suppression is an address that is never to be mailed, or is to be so no longer.
type suppression struct {
	Email  string `json:"email"`
	Reason string `json:"reason"`
}

func (s *suppression) read(w http.ResponseWriter, r *http.Request) (err error) {
	if err := readJSON(w, r, s); err != nil {
		return err
	}
	if s.Email, err = subscribers.ParseAddress(s.Email); err != nil {
		return &Problem{Status: http.StatusUnprocessableEntity, Detail: err.Error()}
	}
	if s.Reason = strings.TrimSpace(s.Reason); len(s.Reason) > maxConsent || strings.ContainsFunc(s.Reason, unicode.IsControl) || strings.Contains(s.Reason, "@") {
		return &Problem{Status: http.StatusUnprocessableEntity, Detail: fmt.Sprintf("reason has control characters or an @ in it or is longer than %d bytes", maxConsent)}
	}
	if s.Reason == "" {
		s.Reason = "asked for"
	}
	return nil
}

func (a *API) suppress(w http.ResponseWriter, r *http.Request) error {
	var s suppression
	if err := s.read(w, r); err != nil {
		return err
	}
	added, err := a.Readers.Suppress(r.Context(), s.Email, s.Reason, "api")
	if err != nil {
		return err
	}
	status := http.StatusOK
	if added {
		status = http.StatusCreated
	}
	return writeStatus(w, status, map[string]any{"hash": a.Readers.HashOf(s.Email), "added": added})
}

func (a *API) unsuppress(w http.ResponseWriter, r *http.Request) error {
	var s suppression
	if err := s.read(w, r); err != nil {
		return err
	}
	removed, err := a.Readers.Unsuppress(r.Context(), s.Email, "api")
	if err != nil {
		return err
	}
	if !removed {
		return &Problem{Status: http.StatusNotFound, Detail: "the address is not on the suppression list"}
	}
	return writeJSON(w, map[string]any{"hash": a.Readers.HashOf(s.Email), "removed": true})
}
