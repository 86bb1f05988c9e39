package desk

import (
	"errors"
	"net/http"

	"apta/newsletter/webhooks"
	"apta/subscribers/database"
)

func (d *Desk) webhookRoutes() {
	d.mux.Handle("GET /desk/webhooks", d.Require(Owner, d.showWebhooks))
	d.mux.Handle("POST /desk/webhooks", d.Require(Owner, d.addWebhook))
	d.mux.Handle("POST /desk/webhooks/{id}/{act}", d.Require(Owner, d.changeWebhook))
}

type webhooksView struct {
	Frame
	Webhooks []webhooks.Webhook
	Events   []string
	Secret   string // of the one that was added just now
	URL      string
	Problem  string
}

func (d *Desk) showWebhooks(w http.ResponseWriter, r *http.Request) error {
	return d.writeWebhooks(w, r, http.StatusOK, webhooksView{})
}

func (d *Desk) writeWebhooks(w http.ResponseWriter, r *http.Request, status int, v webhooksView) (err error) {
	v.Frame, v.Events = d.Frame(r, "webhooks", "place_webhooks"), webhooks.Events[:]
	if v.Webhooks, err = d.Webhooks.List(r.Context()); err != nil {
		return err
	}
	return d.Write(w, r, status, "webhooks.html", v)
}

// addWebhook stores an address and shows the secret by which it knows us.
func (d *Desk) addWebhook(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	hook := webhooks.Webhook{URL: form.Get("url"), Events: form["event"], WithAddress: form.Get("address") == "yes"}
	if err := hook.Check(); err != nil {
		return d.writeWebhooks(w, r, http.StatusUnprocessableEntity, webhooksView{URL: hook.URL, Problem: err.Error()})
	}
	if hook, err = d.Webhooks.Add(r.Context(), hook); err != nil {
		return err
	}
	if err := d.Audit(r, "webhook.add", hook.URL); err != nil {
		return err
	}
	return d.writeWebhooks(w, r, http.StatusOK, webhooksView{Secret: d.Webhooks.Secret(hook.ID)})
}

func (d *Desk) changeWebhook(w http.ResponseWriter, r *http.Request) error {
	id, err := database.ParseID(r.PathValue("id"))
	if err != nil {
		return webhooks.ErrNotFound
	}
	hook, err := d.Webhooks.Find(r.Context(), id)
	if err != nil {
		return err
	}
	act := r.PathValue("act")
	switch act {
	case "test":
		err = d.Webhooks.SendTest(r.Context(), id)
	case "enable":
		err = d.Webhooks.Enable(r.Context(), id)
	case "remove":
		err = d.Webhooks.Remove(r.Context(), id)
	default:
		return d.nothing(w, r)
	}
	if errors.Is(err, webhooks.ErrDisabled) {
		return d.writeWebhooks(w, r, http.StatusConflict, webhooksView{Problem: d.Words(r)["webhook_disabled"]})
	}
	if err != nil {
		return err
	}
	if err := d.Audit(r, "webhook."+act, hook.URL); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/webhooks", "webhook_"+act)
}
