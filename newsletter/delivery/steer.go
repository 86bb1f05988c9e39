package delivery

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"apta/newsletter"
	"apta/subscribers/database"
)

// Steering is what a person may do to a send on its way, whoever asks for it:
// the command line or the API. Whatever it does takes effect in every process
// within a second.
type Steering struct {
	ledger  *Ledger
	store   *newsletter.Store
	later   func(context.Context, database.ID) error
	warmUps map[string]WarmUp
}

// NewSteering makes the steering of the issues in a store and their sends. later
// sees to it that Sweep is called once more; warmUps are the plans of the relays
// that have one.
func NewSteering(l *Ledger, s *newsletter.Store, later func(context.Context, database.ID) error, warmUps map[string]WarmUp) *Steering {
	return &Steering{ledger: l, store: s, later: later, warmUps: warmUps}
}

// Pause stops a running send.
func (s *Steering) Pause(ctx context.Context, issue database.ID, why string) error {
	return s.ledger.Pause(ctx, issue, why)
}

// Resume lets a paused send go on.
func (s *Steering) Resume(ctx context.Context, issue database.ID) error {
	return s.ledger.Resume(ctx, issue)
}

// Cancel ends a send for good. What others still work on is finished later.
func (s *Steering) Cancel(ctx context.Context, issue database.ID) error {
	if err := s.ledger.Cancel(ctx, issue); err != nil {
		return err
	}
	ended, err := s.Sweep(ctx, issue)
	if err != nil || ended {
		return err
	}
	return s.later(ctx, issue)
}

// Sweep finishes a cancelled send; ended is false while somebody still works on
// it. It may be called again.
func (s *Steering) Sweep(ctx context.Context, issue database.ID) (ended bool, err error) {
	if ended, err = s.ledger.Sweep(ctx, issue); err != nil || !ended {
		return false, err
	}
	return true, s.moved(ctx, issue, newsletter.Sent, "cancelled", newsletter.Sending)
}

// Retry queues the refused and the doubtful deliveries of an ended send once
// more, and says how many there are.
func (s *Steering) Retry(ctx context.Context, issue database.ID) (queued int, err error) {
	if queued, err = s.ledger.RetryFailed(ctx, issue); err != nil || queued == 0 {
		return queued, err
	}
	return queued, s.moved(ctx, issue, newsletter.Sending, "", newsletter.Sent)
}

// moved moves an issue unless a sender, which sees the same ledger, was quicker.
func (s *Steering) moved(ctx context.Context, issue database.ID, to newsletter.Status, note string, from newsletter.Status) error {
	err := s.store.Move(ctx, issue, to, note, from)
	if !errors.Is(err, newsletter.ErrStatus) {
		return err
	}
	if i, again := s.store.Issue(ctx, "", issue.String()); again == nil && i.Status == to {
		return nil
	}
	return err
}

// FallBack gives the readers of an issue that was not started the lead of their
// week instead, and holds the issue. It says how many there are.
func (s *Steering) FallBack(ctx context.Context, issue database.ID) (readers int, err error) {
	readers, lead, err := s.ledger.FallBack(ctx, issue)
	if err != nil {
		return 0, err
	}
	const why = "its readers were given the main issue"
	if err := s.store.Move(ctx, issue, newsletter.Held, why, newsletter.Draft, newsletter.Held, newsletter.Approved); err != nil {
		return readers, err
	}
	send, err := s.ledger.Send(ctx, lead)
	if err != nil || send.State != Running {
		return readers, err
	}
	return readers, s.moved(ctx, lead, newsletter.Sending, "", newsletter.Sent)
}

// Report is where an issue and its send stand.
type Report struct {
	ID       database.ID       `json:"id"`
	Week     string            `json:"week"`
	Title    string            `json:"title"`
	Status   newsletter.Status `json:"status"`
	Note     string            `json:"note,omitempty"`
	Revision int               `json:"revision"`

	ApprovedBy string    `json:"approved_by,omitempty"`
	SendsAt    time.Time `json:"sends_at,omitzero"` // of an approved issue; until then it can be pulled back
	CutOff     time.Time `json:"cut_off,omitzero"`  // of a draft: when the policy decides

	Send    *Send    `json:"send,omitempty"` // nil until it is sent
	Counts  Counts   `json:"counts"`
	Reasons []Reason `json:"reasons,omitempty"`

	// Of a send that is not done:
	Slow   []SlowDomain `json:"slow_domains,omitempty"`
	Relays []RelayState `json:"relays,omitempty"` // those that do not work as usual
}

// How many reasons and slow domains a report has.
const (
	reasonsShown = 20
	domainsShown = 5
)

// Report says where an issue stands now.
func (s *Steering) Report(ctx context.Context, id database.ID) (Report, error) {
	issue, err := s.store.Issue(ctx, "", id.String())
	if err != nil {
		return Report{}, err
	}
	r := Report{ID: issue.ID, Week: issue.Week, Title: issue.Title, Status: issue.Status, Note: issue.Note, Revision: issue.Revision,
		ApprovedBy: issue.ApprovedBy, SendsAt: issue.SendsAt, CutOff: issue.CutOff}
	send, err := s.ledger.Send(ctx, id)
	switch {
	case errors.Is(err, ErrNoSend):
		return r, nil
	case err != nil:
		return r, err
	}
	r.Send = &send
	if r.Counts, err = s.ledger.Counts(ctx, id); err != nil {
		return r, err
	}
	if r.Reasons, err = s.ledger.Reasons(ctx, id, reasonsShown); err != nil || r.Counts.Waiting() == 0 {
		return r, err
	}
	if r.Slow, err = s.ledger.SlowDomains(ctx, id, domainsShown); err != nil {
		return r, err
	}
	r.Relays, err = s.relays(ctx)
	return r, err
}

// relays says which relays do not work as usual: what the processes that are
// sending say of theirs, and which have sent their day's mail.
func (s *Steering) relays(ctx context.Context) ([]RelayState, error) {
	states, err := s.ledger.Relays(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(s.warmUps)) {
		if slices.ContainsFunc(states, func(r RelayState) bool { return r.Name == name }) {
			continue
		}
		state, capped, err := s.ledger.Capped(ctx, name, s.warmUps[name])
		if err != nil {
			return nil, err
		}
		if capped {
			states = append(states, state)
		}
	}
	return states, nil
}
