package api

import (
	"context"
	"errors"
	"net/http"

	"apta/newsletter/webhooks"
	"apta/subscribers/database"
)

// Webhooks made here never carry readers' addresses: whoever has a token for them
// need not have one for readers. The command line may make one that does.
func (a *API) webhookRoutes() []route {
	return []route{
		{"GET /api/webhooks", WebhooksWrite, a.listWebhooks},
		{"POST /api/webhooks", WebhooksWrite, a.addWebhook},
		{"DELETE /api/webhooks/{id}", WebhooksWrite, a.onWebhook((*webhooks.Hooks).Remove)},
		{"POST /api/webhooks/{id}/test", WebhooksWrite, a.onWebhook((*webhooks.Hooks).SendTest)},
		{"POST /api/webhooks/{id}/enable", WebhooksWrite, a.onWebhook((*webhooks.Hooks).Enable)},
		{"GET /api/webhooks/{id}/deliveries", WebhooksWrite, a.listDeliveries},
	}
}

func (a *API) listWebhooks(w http.ResponseWriter, r *http.Request) error {
	list, err := a.Webhooks.List(r.Context())
	if err != nil {
		return err
	}
	if list == nil {
		list = []webhooks.Webhook{}
	}
	return writeJSON(w, map[string]any{"webhooks": list})
}

// madeWebhook is a webhook with the secret that signs what it is sent.
type madeWebhook struct {
	webhooks.Webhook
	Secret string `json:"secret"`
}

func (a *API) addWebhook(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		URL    string   `json:"url"`
		Events []string `json:"events"`
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	hook := webhooks.Webhook{URL: in.URL, Events: in.Events}
	if err := hook.Check(); err != nil {
		return &Problem{Status: http.StatusUnprocessableEntity, Detail: err.Error()}
	}
	hook, err := a.Webhooks.Add(r.Context(), hook)
	if err != nil {
		return err
	}
	return writeStatus(w, http.StatusCreated, madeWebhook{hook, a.Webhooks.Secret(hook.ID)})
}

// webhook is the ID that a path names.
func webhook(r *http.Request) (database.ID, error) {
	id, err := database.ParseID(r.PathValue("id"))
	if err != nil {
		return 0, webhooks.ErrNotFound
	}
	return id, nil
}

// hookAction is something that is done to one webhook.
type hookAction func(*webhooks.Hooks, context.Context, database.ID) error

// onWebhook is the handler of what is done to one webhook and has no answer.
func (a *API) onWebhook(do hookAction) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := webhook(r)
		if err == nil && r.Method == http.MethodPost {
			err = readJSON(w, r, &struct{}{})
		}
		if err == nil {
			err = do(a.Webhooks, r.Context(), id)
		}
		if errors.Is(err, webhooks.ErrDisabled) {
			return &Problem{Status: http.StatusConflict, Detail: "the webhook was given up: enable it first"}
		}
		if err == nil {
			w.WriteHeader(http.StatusNoContent)
		}
		return err
	}
}

func (a *API) listDeliveries(w http.ResponseWriter, r *http.Request) error {
	limit, err := limitOf(r)
	if err != nil {
		return &Problem{Status: http.StatusBadRequest, Detail: err.Error()}
	}
	id, err := webhook(r)
	if err != nil {
		return err
	}
	list, err := a.Webhooks.Deliveries(r.Context(), id, limit)
	if err != nil {
		return err
	}
	if list == nil {
		list = []webhooks.Delivery{}
	}
	return writeJSON(w, map[string]any{"deliveries": list})
}
