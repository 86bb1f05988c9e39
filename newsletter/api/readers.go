package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"apta/newsletter/delivery"
	"apta/subscribers"
	"apta/subscribers/database"
)

// A reader's address stands in no path, since paths are logged: readers are named
// by their IDs and found by their addresses.
func (a *API) readerRoutes() []route {
	return []route{
		{"GET /api/subscriptions", Public, a.subscriptions},
		{"POST /api/subscriptions", Public, a.subscriptions},
		{"GET /api/readers", ReadersRead, a.listReaders},
		{"GET /api/readers/{id}", ReadersRead, a.showReader},
		{"POST /api/readers", ReadersWrite, a.addReader},
		{"PATCH /api/readers/{id}", ReadersWrite, a.changeReader},
		{"POST /api/readers/{id}/unsubscribe", ReadersWrite, a.unsubscribeReader},
		{"DELETE /api/readers/{id}", ReadersWrite, a.eraseReader},
	}
}

// subscriptions is the form for everybody, which the subscribers' pages answer.
func (a *API) subscriptions(w http.ResponseWriter, r *http.Request) error {
	a.Subscriptions.ServeHTTP(w, r)
	return nil
}

func (a *API) listReaders(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	search := subscribers.Search{Text: strings.TrimSpace(q.Get("q")), Status: subscribers.Status(q.Get("status"))}
	limit, err := limitOf(r)
	if err == nil && q.Get("after") != "" {
		search.After, err = database.ParseID(q.Get("after"))
	}
	if email := q.Get("email"); err == nil && email != "" {
		search.Email, err = subscribers.ParseAddress(email)
	}
	if err == nil && strings.ContainsFunc(search.Text, unicode.IsControl) {
		err = errors.New("q has a control character in it")
	}
	if statuses := subscribers.Statuses(); err == nil && search.Status != "" && !slices.Contains(statuses, search.Status) {
		err = fmt.Errorf("%q is no status: they are %v", search.Status, statuses)
	}
	if err != nil {
		return &Problem{Status: http.StatusBadRequest, Detail: err.Error()}
	}
	list, err := a.Readers.Find(r.Context(), search, limit)
	if err != nil {
		return err
	}
	if list == nil {
		list = []subscribers.Subscriber{}
	}
	answer := map[string]any{"readers": list}
	if len(list) == limit {
		answer["next"] = list[limit-1].ID
	}
	return writeJSON(w, answer)
}

// reader is the ID that a path names, of a reader of this newsletter.
func (a *API) reader(r *http.Request) (database.ID, error) {
	id, err := database.ParseID(r.PathValue("id"))
	if err != nil {
		return 0, subscribers.ErrNotFound
	}
	sub, err := a.Readers.ByID(r.Context(), id)
	if err == nil && sub.Newsletter != a.Newsletter {
		err = subscribers.ErrNotFound
	}
	return id, err
}

// dossier is all that is stored about a reader.
type dossier struct {
	subscribers.Dossier
	Received []delivery.Received `json:"received"`
}

func (a *API) showReader(w http.ResponseWriter, r *http.Request) error {
	id, err := a.reader(r)
	if err != nil {
		return err
	}
	var d dossier
	if d.Dossier, err = a.Readers.Export(r.Context(), id); err != nil {
		return err
	}
	d.Received, err = a.Received(r.Context(), id)
	if err != nil {
		return err
	}
	if d.Received == nil {
		d.Received = []delivery.Received{}
	}
	return writeJSON(w, d)
}

// consent is the evidence that whoever adds a reader has.
type consent struct {
	Source  string    `json:"source"`
	Wording string    `json:"wording"`
	Agreed  time.Time `json:"agreed"`
}

// maxConsent bounds a text of the consent log, in octets.
const maxConsent = 2000

// read checks it. Where one must say where it came from, otherwise is empty.
func (c consent) read(otherwise string, now time.Time) (subscribers.Consent, error) {
	c.Source = cmp.Or(strings.TrimSpace(c.Source), otherwise)
	switch {
	case c.Source == "":
		return subscribers.Consent{}, &Problem{Status: http.StatusUnprocessableEntity, Detail: "consent.source is missing: it says where they agreed, such as \"shop checkout\""}
	case len(c.Source) > maxConsent || len(c.Wording) > maxConsent || strings.ContainsFunc(c.Source, unicode.IsControl) || strings.ContainsRune(c.Wording, 0):
		return subscribers.Consent{}, &Problem{Status: http.StatusUnprocessableEntity, Detail: fmt.Sprintf("consent: a text has control characters in it or is longer than %d bytes", maxConsent)}
	case strings.Contains(c.Source, "@"):
		return subscribers.Consent{}, &Problem{Status: http.StatusUnprocessableEntity, Detail: "consent.source has an @ in it: the log outlives its reader and must name nobody"}
	case c.Agreed.After(now):
		return subscribers.Consent{}, &Problem{Status: http.StatusUnprocessableEntity, Detail: "consent.agreed is still to come"}
	}
	return subscribers.Consent{Source: "api: " + c.Source, Wording: c.Wording, Agreed: c.Agreed}, nil
}

func (a *API) addReader(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Email string `json:"email"`
		subscribers.Wishes
		Consent consent `json:"consent"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	email, err := subscribers.ParseAddress(in.Email)
	if err != nil {
		return &Problem{Status: http.StatusUnprocessableEntity, Detail: err.Error()}
	}
	c, err := in.Consent.read("", a.Now())
	if err != nil {
		return err
	}
	sub, out, err := a.Readers.Enrol(r.Context(), subscribers.Subscriber{Email: email, Name: in.Name, Language: in.Language, Format: in.Format, Topics: in.Topics, Every: in.Every}, c)
	switch {
	case err != nil:
		return err
	case out == subscribers.Barred:
		return &Problem{Status: http.StatusConflict, Detail: "the address is on the suppression list"}
	case out == subscribers.Left:
		return &Problem{Status: http.StatusConflict, Detail: "they are " + string(sub.Status) + ": only they can subscribe again"}
	case out == subscribers.Added:
		w.Header().Set("Location", "/api/readers/"+sub.ID.String())
		return writeStatus(w, http.StatusCreated, sub)
	}
	return writeJSON(w, sub)
}

// changeReader sets the wishes that are given and leaves the others.
func (a *API) changeReader(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Name     *string   `json:"name"`
		Language *string   `json:"language"`
		Format   *string   `json:"format"`
		Topics   *[]string `json:"topics"`
		Every    *int      `json:"every_weeks"`
		Consent  consent   `json:"consent"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	c, err := in.Consent.read("change of wishes", a.Now())
	if err != nil {
		return err
	}
	id, err := a.reader(r)
	if err != nil {
		return err
	}
	sub, err := a.Readers.ByID(r.Context(), id)
	if err != nil {
		return err
	}
	wishes := subscribers.Wishes{Name: sub.Name, Language: sub.Language, Format: sub.Format, Topics: sub.Topics, Every: sub.Every}
	set(&wishes.Name, in.Name)
	set(&wishes.Language, in.Language)
	set(&wishes.Format, in.Format)
	set(&wishes.Topics, in.Topics)
	set(&wishes.Every, in.Every)
	if err := a.Readers.Choose(r.Context(), id, wishes, c); err != nil {
		return err
	}
	if sub, err = a.Readers.ByID(r.Context(), id); err != nil {
		return err
	}
	return writeJSON(w, sub)
}

func set[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

// unsubscribeReader takes a reader off the newsletter. Unlike a reader's own press
// it has no letter sent: whoever asks has heard it from them.
func (a *API) unsubscribeReader(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Consent consent `json:"consent"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	c, err := in.Consent.read("unsubscribe", a.Now())
	if err != nil {
		return err
	}
	id, err := a.reader(r)
	if err != nil {
		return err
	}
	if _, err := a.Readers.SetStatus(r.Context(), id, subscribers.Unsubscribed, c); err != nil {
		return err
	}
	sub, err := a.Readers.ByID(r.Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(w, sub)
}

func (a *API) eraseReader(w http.ResponseWriter, r *http.Request) error {
	id, err := a.reader(r)
	if err == nil {
		err = a.Readers.Erase(r.Context(), id, "api")
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}
