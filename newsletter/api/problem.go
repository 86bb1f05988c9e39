package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/newsletter/webhooks"
	"apta/subscribers"
)

// Problem is an answer that says what went wrong, as RFC 9457 writes it. Its
// type is about:blank, so its title is that of the status.
type Problem struct {
	Title    string        `json:"title"`
	Status   int           `json:"status"`
	Detail   string        `json:"detail"`
	Problems []LineProblem `json:"problems,omitempty"`
}

// LineProblem is what is wrong with one line of a body.
type LineProblem struct {
	Line   int    `json:"line"` // counted from 1
	Detail string `json:"detail"`
}

func (p *Problem) Error() string { return "api: " + p.Detail }

func write(w http.ResponseWriter, p *Problem) {
	p.Title = http.StatusText(p.Status)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(p) // whoever asked is gone where this fails
}

// fail answers with what an error means to whoever asked. What only an operator
// can mend is in the log and not in the answer.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	var p *Problem
	var wish *subscribers.WishError
	switch {
	case errors.As(err, &p):
	case errors.Is(err, subscribers.ErrNotFound):
		p = &Problem{Status: http.StatusNotFound, Detail: "there is no such reader"}
	case errors.Is(err, webhooks.ErrNotFound):
		p = &Problem{Status: http.StatusNotFound, Detail: "there is no such webhook"}
	case errors.As(err, &wish):
		p = &Problem{Status: http.StatusUnprocessableEntity, Detail: wish.Error()}
	case errors.Is(err, newsletter.ErrNotFound):
		p = &Problem{Status: http.StatusNotFound, Detail: "there is no such issue"}
	case errors.Is(err, delivery.ErrNoSend):
		p = &Problem{Status: http.StatusConflict, Detail: "the issue was never sent"}
	case errors.Is(err, newsletter.ErrStatus), errors.Is(err, delivery.ErrState), errors.Is(err, delivery.ErrRestored):
		p = &Problem{Status: http.StatusConflict, Detail: err.Error()}
	default:
		if r.Context().Err() != nil {
			return // whoever asked is gone
		}
		a.Log.Error("the API could not answer", "method", r.Method, "path", r.URL.Path, "err", err)
		p = &Problem{Status: http.StatusInternalServerError, Detail: "this could not be done; the log of apta says why"}
	}
	write(w, p)
}
