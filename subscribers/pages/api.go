package pages

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"apta/subscribers"
)

// apiForm gives what a program needs before it can subscribe somebody where work
// is asked for: the stamp, and how many bits of the hash are to be zero.
func (p *Pages) apiForm(w http.ResponseWriter, _ *http.Request) {
	p.json(w, http.StatusOK, map[string]any{"stamp": p.keys.Stamp(p.options.Now()), "bits": p.options.ProofBits})
}

// apiSubscribe is the subscribe form for programs. A browser's page of another
// site cannot use it: its media type makes browsers ask first, and we never agree.
func (p *Pages) apiSubscribe(w http.ResponseWriter, r *http.Request) {
	words := p.frame(p.language(r), "", "").Words
	refuse := func(status int, field, text string) {
		p.json(w, status, map[string]any{"errors": map[string]string{field: text}})
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		refuse(http.StatusUnsupportedMediaType, "body", "send application/json")
		return
	}
	var in struct {
		Email string `json:"email"`
		Stamp string `json:"stamp"`
		Proof string `json:"proof"`
		subscribers.Wishes
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxForm))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil || dec.More() {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			refuse(http.StatusRequestEntityTooLarge, "body", fmt.Sprintf("it is larger than %d bytes", maxForm))
			return
		}
		refuse(http.StatusBadRequest, "body", fmt.Sprintf("send one JSON object: %v", err))
		return
	}
	// What was not UTF-8 the decoder has replaced.
	if text := in.Email + in.Name + strings.Join(in.Topics, ""); strings.ContainsAny(text, "\x00\ufffd") {
		refuse(http.StatusUnprocessableEntity, "email", words["error_email"])
		return
	}
	email, key, _ := address(in.Email, true)
	if key != "" {
		refuse(http.StatusUnprocessableEntity, "email", words[key])
		return
	}
	if bits := p.options.ProofBits; bits > 0 && !(p.fresh(in.Stamp) && proved(bits, in.Stamp, in.Email, in.Proof)) {
		refuse(http.StatusUnprocessableEntity, "proof", "work is asked for: GET "+p.options.Path+"/api/subscriptions says which")
		return
	}
	err := p.store.Subscribe(r.Context(), subscribers.Application{Email: email, From: p.options.Visitor(r), Source: "api",
		Wording: words.Fill("agree", "name", p.options.Name), Wishes: in.Wishes})
	var limit *subscribers.LimitError
	var wish *subscribers.WishError
	switch {
	case errors.As(err, &limit):
		wait := max(limit.Until.Sub(p.options.Now()), time.Second)
		w.Header().Set("Retry-After", fmt.Sprint(int(wait.Seconds())))
		refuse(http.StatusTooManyRequests, "email", limitWords(words, limit))
	case errors.As(err, &wish):
		refuse(http.StatusUnprocessableEntity, wish.Field, wish.Reason)
	case err != nil:
		p.log.Error("a subscription by the API failed", "err", err)
		refuse(http.StatusInternalServerError, "body", words["error_text"])
	default:
		p.json(w, http.StatusAccepted, map[string]string{"status": "confirm by mail"})
	}
}

func (p *Pages) json(w http.ResponseWriter, status int, v any) {
	personal(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.log.Debug("an answer was not read to its end", "err", err)
	}
}

// fresh reports whether a stamp is ours and of today.
func (p *Pages) fresh(stamp string) bool {
	at, err := p.keys.StampedAt(stamp)
	age := p.options.Now().Sub(at)
	return err == nil && age >= 0 && age < stampLife
}
