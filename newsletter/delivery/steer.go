package delivery

import (
	"context"
	"errors"

	"apta/newsletter"
	"apta/subscribers/database"
)

// Steering is what a person may do to an issue on its way, whoever asks for it:
// the command line or the API. Whatever it does takes effect in every process
// within a second.
type Steering struct {
	ledger *Ledger
	store  *newsletter.Store
}

// NewSteering makes the steering of the issues in a store and their sends.
func NewSteering(l *Ledger, s *newsletter.Store) *Steering { return &Steering{ledger: l, store: s} }

// Hold keeps an issue from being sent until it is approved again.
func (s *Steering) Hold(ctx context.Context, issue database.ID, why string) error {
	return s.store.Move(ctx, issue, newsletter.Held, why, newsletter.Draft, newsletter.Approved)
}

// Pause stops a running send.
func (s *Steering) Pause(ctx context.Context, issue database.ID, why string) error {
	return s.ledger.Pause(ctx, issue, why)
}

// Resume lets a paused send go on.
func (s *Steering) Resume(ctx context.Context, issue database.ID) error {
	return s.ledger.Resume(ctx, issue)
}

// Cancel ends a send for good. Where nobody is sending, nobody else would finish
// it, so what can be finished is.
func (s *Steering) Cancel(ctx context.Context, issue database.ID) error {
	if err := s.ledger.Cancel(ctx, issue); err != nil {
		return err
	}
	ended, err := s.ledger.Sweep(ctx, issue)
	if err != nil || !ended {
		return err
	}
	return s.moved(ctx, issue, newsletter.Sent, "cancelled", newsletter.Sending)
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

// Report is where an issue and its send stand.
type Report struct {
	ID       database.ID       `json:"id"`
	Week     string            `json:"week"`
	Title    string            `json:"title"`
	Status   newsletter.Status `json:"status"`
	Note     string            `json:"note,omitempty"`
	Revision int               `json:"revision"`
	Send     *Send             `json:"send,omitempty"` // nil until it is sent
	Counts   Counts            `json:"counts"`
	Reasons  []Reason          `json:"reasons,omitempty"`
}

// reasonsShown is how many of the reasons a report has.
const reasonsShown = 20

// Report says where an issue stands now.
func (s *Steering) Report(ctx context.Context, id database.ID) (Report, error) {
	issue, err := s.store.Issue(ctx, "", id.String())
	if err != nil {
		return Report{}, err
	}
	r := Report{ID: issue.ID, Week: issue.Week, Title: issue.Title, Status: issue.Status, Note: issue.Note, Revision: issue.Revision}
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
	r.Reasons, err = s.ledger.Reasons(ctx, id, reasonsShown)
	return r, err
}
