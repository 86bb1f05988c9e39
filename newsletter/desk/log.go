package desk

import (
	"net/http"

	"apta/subscribers/database"
)

// auditView is the audit log, from its end.
type auditView struct {
	Frame
	Entries []Entry
	Next    string // where it goes on; empty at its end
}

func (d *Desk) auditLog(w http.ResponseWriter, r *http.Request) error {
	before, err := database.ParseID(r.URL.Query().Get("before"))
	if err != nil {
		before = 0
	}
	v := auditView{Frame: d.Frame(r, "audit", "place_audit")}
	list, next, err := d.Editors.Log(r.Context(), before, 100)
	if err != nil {
		return err
	}
	v.Entries = list
	if next != 0 {
		v.Next = next.String()
	}
	return d.Write(w, r, http.StatusOK, "audit.html", v)
}
