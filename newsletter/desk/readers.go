package desk

import (
	"net/http"
	"net/url"

	"apta/newsletter/delivery"
	"apta/subscribers"
	"apta/subscribers/database"
)

// Readers' data are for owners alone.
func (d *Desk) readerRoutes() {
	d.mux.Handle("GET /desk/readers", d.Require(Owner, d.showReaders))
	d.mux.Handle("GET /desk/readers/import", d.Require(Owner, d.askImport))
	d.mux.Handle("POST /desk/readers/import", d.Require(Owner, d.importReaders))
	d.mux.Handle("GET /desk/readers/suppressed", d.Require(Owner, d.showSuppressed))
	d.mux.Handle("POST /desk/readers/suppressed", d.Require(Owner, d.suppress))
	d.mux.Handle("GET /desk/readers/{id}", d.Require(Owner, d.showReader))
	d.mux.Handle("POST /desk/readers/{id}/{act}", d.Require(Owner, d.changeReader))
}

// statuses are those a reader can have, as the page lists them.
var statuses = [...]subscribers.Status{subscribers.Active, subscribers.Pending, subscribers.Paused, subscribers.Unsubscribed, subscribers.Bounced, subscribers.Complained, subscribers.Suppressed}

// readersShown is how many readers a page has.
const readersShown = 50

type readersView struct {
	Frame
	Choosing
	Counts  []statusCount
	Total   int
	Query   string
	Status  string
	Readers []subscribers.Subscriber
	Next    string // the address of the rest
}

type statusCount struct {
	Status subscribers.Status
	Count  int
}

func (d *Desk) showReaders(w http.ResponseWriter, r *http.Request) error {
	n, q := d.chosen(r), r.URL.Query()
	v := readersView{Frame: d.Frame(r, "readers", "place_readers").In(n.Masthead), Choosing: d.choosing(r, n), Query: short(q.Get("q"), 200), Status: short(q.Get("status"), 20)}
	counts, err := n.Readers.Count(r.Context())
	if err != nil {
		return err
	}
	for _, s := range statuses {
		v.Counts, v.Total = append(v.Counts, statusCount{s, counts[s]}), v.Total+counts[s]
	}
	before, err := database.ParseID(q.Get("before"))
	if err != nil {
		before = 0
	}
	if v.Readers, err = n.Readers.Search(r.Context(), v.Query, subscribers.Status(v.Status), before, readersShown); err != nil {
		return err
	}
	if len(v.Readers) == readersShown {
		v.Next = "/desk/readers?" + url.Values{"in": {n.Slug}, "q": {v.Query}, "status": {v.Status}, "before": {v.Readers[readersShown-1].ID.String()}}.Encode()
	}
	return d.Write(w, r, http.StatusOK, "readers.html", v)
}

type readerView struct {
	Frame
	Reader   subscribers.Subscriber
	Dossier  subscribers.Dossier
	Received []delivery.Received
	Intact   bool // the consent log is as it was written
	Problem  string
}

// reader is whom a path names, and the newsletter they read.
func (d *Desk) reader(r *http.Request) (subscribers.Subscriber, Newsletter, error) {
	id, err := database.ParseID(r.PathValue("id"))
	if err != nil {
		return subscribers.Subscriber{}, Newsletter{}, subscribers.ErrNotFound
	}
	sub, err := d.Newsletters[0].Readers.ByID(r.Context(), id)
	if err != nil {
		return sub, Newsletter{}, err
	}
	n := d.newsletter(sub.Newsletter)
	if n.Readers == nil {
		return sub, n, subscribers.ErrNotFound
	}
	return sub, n, nil
}

func (d *Desk) showReader(w http.ResponseWriter, r *http.Request) error {
	sub, n, err := d.reader(r)
	if err != nil {
		return err
	}
	v := readerView{Frame: d.Frame(r, "readers", sub.Email).In(n.Masthead), Reader: sub, Intact: true}
	if v.Dossier, err = n.Readers.Export(r.Context(), sub.ID); err != nil {
		return err
	}
	for _, e := range v.Dossier.Consents {
		v.Intact = v.Intact && e.Intact
	}
	if v.Received, err = d.Ledger.History(r.Context(), sub.ID); err != nil {
		return err
	}
	return d.Write(w, r, http.StatusOK, "reader.html", v)
}

// changeReader does to a reader what an owner may. It cannot bring back who left.
func (d *Desk) changeReader(w http.ResponseWriter, r *http.Request) error {
	sub, n, err := d.reader(r)
	if err != nil {
		return err
	}
	source, act := "desk, by "+From(r.Context()).Email, r.PathValue("act")
	back := "/desk/readers/" + sub.ID.String()
	switch act {
	case "unsubscribe":
		err = n.Readers.Unsubscribe(r.Context(), sub.ID, source)
	case "revoke":
		err = n.Readers.RevokeLinks(r.Context(), sub.ID)
	case "erase":
		err, back = n.Readers.Erase(r.Context(), sub.ID, source), "/desk/readers?in="+n.Slug
	default:
		return d.nothing(w, r)
	}
	if err != nil {
		return err
	}
	subject := sub.ID.String() // no address: it would outlive an erasure
	if err := d.Audit(r, "reader."+act, subject); err != nil {
		return err
	}
	return d.Back(w, r, back, "reader_"+act)
}

type suppressedView struct {
	Frame
	Choosing
	Count   int
	Reasons []reasonCount
	Address string
	Problem string
}

type reasonCount struct {
	Reason string
	Count  int
}

func (d *Desk) showSuppressed(w http.ResponseWriter, r *http.Request) error {
	return d.writeSuppressed(w, r, http.StatusOK, suppressedView{})
}

func (d *Desk) writeSuppressed(w http.ResponseWriter, r *http.Request, status int, v suppressedView) error {
	v.Frame = d.Frame(r, "readers", "suppressed_title")
	at := map[string]int{}
	err := d.Newsletters[0].Readers.EachSuppression(r.Context(), func(s subscribers.Suppression) error {
		i, known := at[s.Reason]
		if !known {
			i = len(v.Reasons)
			at[s.Reason], v.Reasons = i, append(v.Reasons, reasonCount{Reason: s.Reason})
		}
		v.Reasons[i].Count++
		v.Count++
		return nil
	})
	if err != nil {
		return err
	}
	return d.Write(w, r, status, "suppressed.html", v)
}

// suppress adds an address to the list, or takes it off.
func (d *Desk) suppress(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	v := suppressedView{Address: form.Get("address")}
	email, err := subscribers.ParseAddress(v.Address)
	if err != nil {
		v.Problem = d.Words(r)["error_email"]
		return d.writeSuppressed(w, r, http.StatusUnprocessableEntity, v)
	}
	store, source := d.Newsletters[0].Readers, "desk, by "+From(r.Context()).Email
	done, changed := "suppressed", false
	if form.Get("act") == "lift" {
		done = "lifted"
		changed, err = store.Unsuppress(r.Context(), email, source)
	} else {
		changed, err = store.Suppress(r.Context(), email, "manual", source)
	}
	if err != nil {
		return err
	}
	if !changed {
		done = "not_" + done
	} else if err := d.Audit(r, "reader."+done, store.HashOf(email)); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/readers/suppressed", done)
}
