// Package hooks takes the events that sending services tell of: each must prove
// that the service sent it, and one that is told twice acts once (fault B4).
package hooks

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"apta/newsletter/bounce"
)

// Options are the services that may tell of bounces, and how they prove who they
// are. One that is not set up is not listened to.
type Options struct {
	SESTopics []string // ARNs of the SNS topics that are believed
	Postmark  string   // user:password of HTTP's basic authentication
	Mailgun   string   // the signing key for webhooks
	SendGrid  string   // the public key, in base64 as SendGrid shows it
	Brevo     string   // a secret at the end of the address, or a bearer token
}

// Hooks answers below /hooks/bounces/.
type Hooks struct {
	opt   Options
	book  *bounce.Book
	now   func() time.Time
	log   *slog.Logger
	certs *certificates
	get   func(ctx context.Context, url string) ([]byte, error)
}

// New makes the hooks. get fetches an address of Amazon's: a certificate, or the
// confirmation of a subscription.
func New(opt Options, book *bounce.Book, get func(ctx context.Context, url string) ([]byte, error), now func() time.Time, log *slog.Logger) *Hooks {
	return &Hooks{opt: opt, book: book, now: now, log: log, get: get, certs: &certificates{known: map[string]certificate{}}}
}

// event is one thing that a service tells.
type event struct {
	id     string // the same whenever it is told again
	report bounce.Report
}

// Errors of requests that are refused.
var (
	errForged = errors.New("the request does not prove whose it is")
	errStale  = errors.New("the request is too old, or from the future")
	errUsed   = errors.New("the request has been made before")
	errBody   = errors.New("the request cannot be read")
)

const (
	mostBody = 1 << 20 // octets
	// maxAge is how old a signed request may be: services try again for hours.
	maxAge = 12 * time.Hour
	ahead  = 5 * time.Minute // by which clocks may differ
)

// Register adds the routes.
func (h *Hooks) Register(mux *http.ServeMux) {
	routes := []struct {
		name string
		on   bool
		read func(r *http.Request, body []byte) ([]event, error)
	}{
		{"ses", len(h.opt.SESTopics) > 0, h.ses},
		{"postmark", h.opt.Postmark != "", h.postmark},
		{"mailgun", h.opt.Mailgun != "", h.mailgun},
		{"sendgrid", h.opt.SendGrid != "", h.sendgrid},
		{"brevo", h.opt.Brevo != "", h.brevo},
	}
	for _, route := range routes {
		if route.on {
			handle := h.handler(route.name, route.read)
			mux.HandleFunc("POST /hooks/bounces/"+route.name, handle)
			if route.name == "brevo" {
				mux.HandleFunc("POST /hooks/bounces/brevo/{secret}", handle)
			}
		}
	}
}

// handler answers one service. What it says of a refusal is for the operator's
// eyes: a stranger learns no more than that.
func (h *Hooks) handler(name string, read func(*http.Request, []byte) ([]event, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
		if err != nil {
			http.Error(w, errBody.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		events, err := read(r, body)
		if err == nil {
			err = h.take(r.Context(), name, events)
		}
		switch {
		case err == nil:
			w.WriteHeader(http.StatusOK)
		case errors.Is(err, errUsed), errors.Is(err, errBody):
			http.Error(w, err.Error(), http.StatusNotAcceptable) // Mailgun's word for: do not try again
		case errors.Is(err, errForged), errors.Is(err, errStale):
			h.log.Warn("bounces: hook refused", "service", name, "error", err)
			http.Error(w, "refused", http.StatusForbidden)
		default:
			h.log.Error("bounces: hook", "service", name, "error", err)
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		}
	}
}

// take acts on events. A request of Mailgun's is signed without its content, so its
// token is good for one use only; the others' events are known by themselves.
func (h *Hooks) take(ctx context.Context, name string, events []event) error {
	for _, e := range events {
		e.report.Trusted = true
		taken, err := h.book.TakeReport(ctx, e.report, name+" "+bounce.Digest([]byte(e.id)), name)
		if err != nil {
			return err
		}
		if taken.Repeated && name == "mailgun" {
			return errUsed
		}
	}
	return nil
}

// fresh reports whether a moment is neither too long ago nor to come.
func (h *Hooks) fresh(t time.Time) error {
	if age := h.now().Sub(t); age > maxAge || age < -ahead {
		return errStale
	}
	return nil
}

// same compares secrets in the same time wherever they differ.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
