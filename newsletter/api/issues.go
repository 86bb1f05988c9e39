package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/subscribers/database"
)

func (a *API) issueRoutes() []route {
	routes := []route{
		{"GET /api/issues", Read, a.listIssues},
		{"GET /api/issues/{id}", Read, a.showIssue},
		{"GET /api/issues/{id}/status", Read, a.issueStatus},
	}
	for name, act := range a.actions() {
		routes = append(routes, route{"POST /api/issues/{id}/" + name, Send, a.do(act)})
	}
	return routes
}

// summary is an issue in a list.
type summary struct {
	ID       database.ID       `json:"id"`
	Week     string            `json:"week"`
	From     time.Time         `json:"from"`
	To       time.Time         `json:"to"`
	Language string            `json:"language"`
	Title    string            `json:"title"`
	Status   newsletter.Status `json:"status"`
	Note     string            `json:"note,omitempty"`
	Revision int               `json:"revision"`
	Created  time.Time         `json:"created"`

	ApprovedBy string    `json:"approved_by,omitempty"`
	SendsAt    time.Time `json:"sends_at,omitzero"`
	CutOff     time.Time `json:"cut_off,omitzero"`
}

// How much a list has when nothing is asked for, and at most.
const (
	listDefault = 50
	listMost    = 500
)

func limitOf(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return listDefault, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > listMost {
		return 0, fmt.Errorf("limit is a number from 1 to %d", listMost)
	}
	return n, nil
}

func (a *API) listIssues(w http.ResponseWriter, r *http.Request) error {
	limit, err := limitOf(r)
	if err != nil {
		return &Problem{Status: http.StatusBadRequest, Detail: err.Error()}
	}
	issues, err := a.Store.Issues(r.Context(), a.Newsletter, limit)
	if err != nil {
		return err
	}
	list := make([]summary, len(issues))
	for n, i := range issues {
		list[n] = summary{ID: i.ID, Week: i.Week, From: i.From, To: i.To, Language: i.Language, Title: i.Title, Status: i.Status, Note: i.Note, Revision: i.Revision, Created: i.Created,
			ApprovedBy: i.ApprovedBy, SendsAt: i.SendsAt, CutOff: i.CutOff}
	}
	return writeJSON(w, map[string]any{"issues": list})
}

// issue finds the issue that a path names, by its ID or its week; there the one in
// the language that is asked for, or in the main one where the week has that.
func (a *API) issue(r *http.Request) (newsletter.Issue, error) {
	ref, language := r.PathValue("id"), r.URL.Query().Get("language")
	i, err := a.Store.Issue(r.Context(), a.Newsletter, ref)
	if err != nil || i.Week != ref {
		if err == nil && i.Newsletter != a.Newsletter {
			err = newsletter.ErrNotFound
		}
		return i, err
	}
	if language != "" {
		return a.Store.IssueIn(r.Context(), a.Newsletter, ref, language)
	}
	main, err := a.Store.IssueIn(r.Context(), a.Newsletter, ref, a.Language)
	if errors.Is(err, newsletter.ErrNotFound) {
		return i, nil
	}
	return main, err
}

func (a *API) showIssue(w http.ResponseWriter, r *http.Request) error {
	i, err := a.issue(r)
	if err != nil {
		return err
	}
	if i.Strands == nil {
		i.Strands = []newsletter.Strand{}
	}
	if i.Latest == nil {
		i.Latest = []newsletter.Headline{}
	}
	return writeJSON(w, i)
}

func (a *API) issueStatus(w http.ResponseWriter, r *http.Request) error {
	i, err := a.issue(r)
	if err != nil {
		return err
	}
	return a.report(w, r, i.ID)
}

func (a *API) report(w http.ResponseWriter, r *http.Request, id database.ID) error {
	report, err := a.Steering.Report(r.Context(), id)
	if err != nil {
		return err
	}
	return writeJSON(w, report)
}

// action is something done to an issue. Where it cannot be done, but done says
// that the issue stands as wanted already, it is granted all the same.
type action struct {
	done func(delivery.Report) bool
	do   func(ctx context.Context, i newsletter.Issue, by, why string) error
	why  string // the reason where none is given; where empty, no reason belongs to it
}

func (a *API) actions() map[string]action {
	return map[string]action{
		"approve": {is(newsletter.Approved), func(ctx context.Context, i newsletter.Issue, by, _ string) error {
			return a.Newsroom.Approve(ctx, i, by)
		}, ""},
		"pull-back": {is(newsletter.Draft), a.Newsroom.PullBack, "pulled back through the API"},
		"hold":      {is(newsletter.Held), a.Newsroom.Hold, "held through the API"},
		"send": {is(newsletter.Sending, newsletter.Sent), func(ctx context.Context, i newsletter.Issue, _, _ string) error {
			return a.Newsroom.Start(ctx, i)
		}, ""},
		"pause":  {sends(delivery.Paused), because(a.Steering.Pause), "paused through the API"},
		"resume": {sends(delivery.Running), byID(a.Steering.Resume), ""},
		"cancel": {sends(delivery.Cancelled), byID(a.Steering.Cancel), ""},
		"retry": {sends(delivery.Running), byID(func(ctx context.Context, id database.ID) error {
			_, err := a.Steering.Retry(ctx, id)
			return err
		}), ""},
	}
}

func is(wanted ...newsletter.Status) func(delivery.Report) bool {
	return func(r delivery.Report) bool { return slices.Contains(wanted, r.Status) }
}

func sends(wanted delivery.SendState) func(delivery.Report) bool {
	return func(r delivery.Report) bool { return r.Send != nil && r.Send.State == wanted }
}

func byID(do func(context.Context, database.ID) error) func(context.Context, newsletter.Issue, string, string) error {
	return func(ctx context.Context, i newsletter.Issue, _, _ string) error { return do(ctx, i.ID) }
}

func because(do func(context.Context, database.ID, string) error) func(context.Context, newsletter.Issue, string, string) error {
	return func(ctx context.Context, i newsletter.Issue, _, why string) error { return do(ctx, i.ID, why) }
}

// do is the handler of an action. It answers with where the issue stands then.
func (a *API) do(act action) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		why, err := readWhy(w, r, act.why)
		if err != nil {
			return err
		}
		i, err := a.issue(r)
		if err != nil {
			return err
		}
		err = act.do(r.Context(), i, caller(r), why)
		if errors.Is(err, delivery.ErrState) || errors.Is(err, newsletter.ErrStatus) {
			// It was done before, or somebody else was quicker. The report is asked for
			// last: it counts a ledger, and a pause must not wait for that.
			if now, again := a.Steering.Report(r.Context(), i.ID); again == nil && act.done(now) {
				err = nil
			}
		}
		if err != nil {
			return err
		}
		return a.report(w, r, i.ID)
	}
}

// maxWhy bounds a reason, in characters.
const maxWhy = 500

func readWhy(w http.ResponseWriter, r *http.Request, otherwise string) (string, error) {
	if otherwise == "" {
		return "", readJSON(w, r, &struct{}{})
	}
	var body struct {
		Why string `json:"why"`
	}
	if err := readJSON(w, r, &body); err != nil {
		return "", err
	}
	if strings.ContainsRune(body.Why, 0) || utf8.RuneCountInString(body.Why) > maxWhy {
		return "", &Problem{Status: http.StatusBadRequest, Detail: fmt.Sprintf("why has a NUL in it or more than %d characters", maxWhy)}
	}
	if body.Why == "" {
		return otherwise, nil
	}
	return body.Why, nil
}
