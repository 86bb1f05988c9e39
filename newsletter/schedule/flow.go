package schedule

import (
	"context"
	"database/sql"
	"time"

	"apta/newsletter"
	"apta/newsletter/jobs"
	"apta/newsletter/notice"
)

// FlowOptions say how an issue gets from its draft to its send.
type FlowOptions struct {
	Newsletter string
	Schedule   Schedule
	Window     func(slot time.Time) newsletter.Window // that of a slot, were nothing skipped before it
	Skips      []Skip                                 // of the configuration

	CutOff       time.Duration // after assembling, the policy decides about a draft; 0 is never
	Reminder     time.Duration // so long before the cut-off editors are reminded; 0 is not at all
	SendAtCutOff bool          // an unapproved draft is approved, not held
	CoolOff      time.Duration // between approval and send

	Editors []string // whom the notices go to
	Desk    string   // the address of the desk, without a final slash

	Freeze func(context.Context, newsletter.Issue) (map[string][]byte, error) // gives the editions of an issue
	Now    func() time.Time
}

// Flow is what people and the policy do to an issue between its draft and its
// send: approve it, pull it back, hold it. Each is one transaction that says so
// to the editors too, and each needs the issue to stand as it was seen.
type Flow struct {
	store   *newsletter.Store
	jobs    *jobs.Engine
	notices *notice.Store
	opt     FlowOptions
}

// NewFlow makes a flow over the stores of one database.
func NewFlow(s *newsletter.Store, e *jobs.Engine, n *notice.Store, opt FlowOptions) *Flow {
	return &Flow{store: s, jobs: e, notices: n, opt: opt}
}

// Approve freezes an issue as it stands. It cools off until its SendsAt, which is
// zero where no slot asks for it: then a person sends it.
func (f *Flow) Approve(ctx context.Context, issue newsletter.Issue, by string) (newsletter.Issue, error) {
	editions, err := f.opt.Freeze(ctx, issue)
	if err != nil {
		return issue, err
	}
	at, err := f.sendsAt(ctx, issue)
	if err != nil {
		return issue, err
	}
	err = f.store.Approve(ctx, issue, newsletter.Approval{Editions: editions, By: by, SendsAt: at}, func(tx *sql.Tx) error {
		issue.Status, issue.Note, issue.ApprovedBy, issue.SendsAt, issue.CutOff = newsletter.Approved, "", by, at, time.Time{}
		if err := f.tell(ctx, tx, notice.Approved, issue, ""); err != nil || at.After(f.opt.Now()) {
			return err // Reckon finds it when it is due
		}
		return f.jobs.InsertTx(ctx, tx, Send{issue.Newsletter, issue.ID})
	})
	return issue, err
}

// sendsAt is when an issue goes out that is approved now: at its slot or when the
// cool-off is over, whichever is later.
func (f *Flow) sendsAt(ctx context.Context, issue newsletter.Issue) (time.Time, error) {
	cooled := f.after(f.opt.Now(), f.opt.CoolOff)
	state, err := f.store.SlotState(ctx, issue.Newsletter, issue.Week)
	switch {
	case err != nil || state == newsletter.SlotSkipped:
		return time.Time{}, err
	case state != "":
		return cooled, nil
	}
	slot, found := f.slotOf(issue)
	if !found {
		return time.Time{}, nil
	}
	if slot.After(cooled) {
		return slot, nil
	}
	return cooled, nil
}

// slotOf finds the slot to come that asks for an issue.
func (f *Flow) slotOf(issue newsletter.Issue) (time.Time, bool) {
	t := f.opt.Now()
	for range mostRolled {
		if t = f.opt.Schedule.Next(t); t.IsZero() || t.After(issue.To.AddDate(0, 2, 0)) {
			break
		}
		if f.opt.Window(t).Name == issue.Week {
			return t, true
		}
	}
	return time.Time{}, false
}

// after is a moment that much later, at the beginning of the minute in which what
// is due is looked for. It counts hours, not what a wall clock shows: four hours
// over a change of the clocks are four hours.
func (f *Flow) after(t time.Time, d time.Duration) time.Time {
	if d == 0 {
		return t
	}
	t = t.Add(d)
	if up := t.Truncate(time.Minute); up.Before(t) {
		t = up.Add(time.Minute)
	}
	return t
}

// PullBack makes a draft again of an issue that cools off. Its edition is dropped,
// and what happens next is for a person: no cut-off sends it. Where its send has
// begun already, ErrStatus comes back.
func (f *Flow) PullBack(ctx context.Context, issue newsletter.Issue, by, why string) error {
	issue.Status = newsletter.Approved
	return f.store.Turn(ctx, issue, newsletter.Draft, why, func(tx *sql.Tx) error {
		issue.ApprovedBy = by
		return f.tell(ctx, tx, notice.PulledBack, issue, why)
	})
}

// Hold keeps an issue from being sent until it is approved again.
func (f *Flow) Hold(ctx context.Context, issue newsletter.Issue, by, why string) error {
	if issue.Status != newsletter.Approved {
		issue.Status = newsletter.Draft
	}
	return f.store.Turn(ctx, issue, newsletter.Held, why, func(tx *sql.Tx) error {
		issue.ApprovedBy = by
		return f.tell(ctx, tx, notice.Held, issue, why)
	})
}
