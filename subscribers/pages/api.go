package pages

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"apta/subscribers"
	"apta/templates"
)

// Subscriptions is /api/subscriptions, below the newsletter's own path: the
// subscribe form for programs.
func (p *Pages) Subscriptions() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+p.options.Path+"/api/subscriptions", p.apiForm)
	mux.HandleFunc("POST "+p.options.Path+"/api/subscriptions", p.apiSubscribe)
	return mux
}

// apiForm gives what a program needs before it can subscribe somebody where work
// is asked for: the stamp, and how many bits of the hash are to be zero.
func (p *Pages) apiForm(w http.ResponseWriter, _ *http.Request) {
	p.json(w, http.StatusOK, "application/json", map[string]any{"stamp": p.keys.Stamp(p.options.Now()), "bits": p.options.ProofBits})
}

// refusal says why an application is not taken: to a program by its code, to the
// program's user by the key of a sentence in their language.
type refusal struct {
	status int
	field  string // of the body; "body" is the whole of it
	code   string // never changes once it was published
	words  string
	meant  string // the address that was probably meant
}

// codes are the refusals of an address, by the sentence that a form shows.
var codes = map[string]string{
	"error_email_empty": "empty", "error_email_at": "no_at", "error_email_space": "space", "error_email_domain": "domain", "error_email": "invalid",
}

// apiSubscribe takes an application from a program. A browser's page of another
// site cannot use it: its media type makes browsers ask first, and we never agree.
func (p *Pages) apiSubscribe(w http.ResponseWriter, r *http.Request) {
	tag := p.language(r)
	in, bad := readApplication(w, r)
	if p.words[in.Language] != nil {
		tag = in.Language
	}
	words := templates.In(p.words, tag)
	if p.cross.Check(r) != nil {
		bad = &refusal{http.StatusForbidden, "body", "foreign_site", "foreign_title", ""}
	}
	email, key, meant := address(in.Email, true)
	switch {
	case bad != nil:
	case key == "error_email_meant":
		bad = &refusal{http.StatusUnprocessableEntity, "email", "mistyped", "error_email_typed", meant}
	case key != "":
		bad = &refusal{http.StatusUnprocessableEntity, "email", codes[key], key, ""}
	case p.options.ProofBits > 0 && !(p.fresh(in.Stamp) && proved(p.options.ProofBits, in.Stamp, in.Email, in.Proof)):
		bad = &refusal{http.StatusUnprocessableEntity, "proof", "proof_wanted", "error_proof", ""}
	}
	if bad != nil {
		p.refuseJSON(w, words, bad)
		return
	}
	err := p.store.Subscribe(r.Context(), subscribers.Application{Email: email, From: p.options.Visitor(r), Source: "api",
		Wording: words.Fill("agree", "name", p.options.Name), Wishes: in.Wishes})
	var limit *subscribers.LimitError
	var wish *subscribers.WishError
	switch {
	case errors.As(err, &limit):
		wait := max(limit.Until.Sub(p.options.Now()), time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
		p.refuseJSON(w, words, &refusal{http.StatusTooManyRequests, "email", "limit_" + limit.Scope, limitWords(limit), ""})
	case errors.As(err, &wish):
		key := "error_" + wish.Field
		if wish.Field == "topics" {
			key = "error_choice"
		}
		p.refuseJSON(w, words, &refusal{http.StatusUnprocessableEntity, wish.Field, "invalid", key, ""})
	case err != nil:
		p.log.Error("a subscription by the API failed", "err", err)
		p.refuseJSON(w, words, &refusal{http.StatusInternalServerError, "body", "failed", "error_text", ""})
	default:
		p.json(w, http.StatusAccepted, "application/json", map[string]string{"status": "confirm by mail"})
	}
}

// application is the body of a POST.
type application struct {
	Email string `json:"email"`
	Stamp string `json:"stamp"`
	Proof string `json:"proof"`
	subscribers.Wishes
}

func readApplication(w http.ResponseWriter, r *http.Request) (in application, bad *refusal) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return in, &refusal{http.StatusUnsupportedMediaType, "body", "media_type", "error_json", ""}
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxForm))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil || dec.More() {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return in, &refusal{http.StatusRequestEntityTooLarge, "body", "too_large", "refused_text", ""}
		}
		return in, &refusal{http.StatusBadRequest, fieldOf(err), "json", "error_json", ""}
	}
	// What was not UTF-8 the decoder has replaced.
	if text := in.Email + in.Name + strings.Join(in.Topics, ""); strings.ContainsAny(text, "\x00\ufffd") {
		return in, &refusal{http.StatusUnprocessableEntity, "body", "not_utf8", "refused_text", ""}
	}
	return in, nil
}

// fieldOf names the field that a decoder could not read.
func fieldOf(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return wrong.Field
	}
	if err != nil {
		if _, name, found := strings.Cut(err.Error(), "unknown field "); found {
			return strings.Trim(name, `"`)
		}
	}
	return "body"
}

// refuseJSON answers as RFC 9457 has it, as the rest of the API does.
func (p *Pages) refuseJSON(w http.ResponseWriter, words templates.Words, bad *refusal) {
	detail := words.Fill(bad.words, "address", bad.meant, "path", p.options.Path+"/api/subscriptions")
	w.Header().Set("Content-Language", words["tag"])
	fault := map[string]string{"field": bad.field, "code": bad.code, "detail": detail}
	if bad.meant != "" {
		fault["meant"] = bad.meant
	}
	p.json(w, bad.status, "application/problem+json", map[string]any{
		"title": http.StatusText(bad.status), "status": bad.status, "detail": fmt.Sprintf("%s: %s", bad.field, detail), "errors": []any{fault},
	})
}

func (p *Pages) json(w http.ResponseWriter, status int, kind string, v any) {
	personal(w.Header())
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		p.log.Debug("an answer was not read to its end", "err", err)
	}
}

// fresh reports whether a stamp is ours and of today.
func (p *Pages) fresh(stamp string) bool {
	at, err := p.keys.StampedAt(stamp)
	age := p.options.Now().Sub(at)
	return err == nil && age >= 0 && age < stampLife
}
