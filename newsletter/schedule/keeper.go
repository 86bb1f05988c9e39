package schedule

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/newsletter/jobs"
	"apta/newsletter/notice"
	"apta/subscribers/database"
)

// Assemble is the job of making the issue of a due slot.
type Assemble struct {
	Newsletter string `json:"newsletter,omitempty"`
	Week       string `json:"week"`
}

// Kind names the job.
func (Assemble) Kind() string { return "assemble-issue" }

// Send is the job of starting the send of an approved issue whose slot has come.
type Send struct {
	Newsletter string      `json:"newsletter,omitempty"`
	Issue      database.ID `json:"issue"`
}

// Kind names the job.
func (Send) Kind() string { return "send-issue" }

// CutOff is the job of deciding about a draft whose cut-off has come.
type CutOff struct {
	Newsletter string      `json:"newsletter,omitempty"`
	Issue      database.ID `json:"issue"`
}

// Kind names the job.
func (CutOff) Kind() string { return "cut-off" }

// Options say how a Keeper works.
type Options struct {
	FlowOptions
	All      bool            // every missed slot is made up, not the latest alone
	Auto     bool            // an issue is approved without asking anybody
	Lateness time.Duration   // an issue or a send later than this waits for a person
	NoIssue  newsletter.Fate // what becomes of the items of a week that has too few

	// In each there is an issue a week, the main one first; none or one is one issue for all.
	Languages []string

	Compose func(ctx context.Context, w newsletter.Window, language string) (newsletter.Issue, error) // no language is the only one
	Start   func(context.Context, newsletter.Issue) error                                             // starts an issue's send
	Counts  func(context.Context, database.ID) (delivery.Counts, error)

	Log *slog.Logger
}

// Keeper keeps a newsletter's schedule: it finds the slots that came due, makes
// the issue of each, reminds its editors, decides at the cut-off, and starts
// sending what is approved and has cooled off. Any number of them may keep one
// schedule.
type Keeper struct {
	*Flow
	opt Options
}

// NewKeeper makes a keeper. Its methods are the handlers of its jobs, and Reckon
// is to be called at every minute's beginning.
func NewKeeper(s *newsletter.Store, e *jobs.Engine, n *notice.Store, opt Options) *Keeper {
	return &Keeper{Flow: NewFlow(s, e, n, opt.FlowOptions), opt: opt}
}

// Reckon writes down the slots that came due since the last one known, each with
// the job that makes its issue, and looks what else the time has come for. All of
// it is read from rows, so called late, twice, or by two at once it does the same.
func (k *Keeper) Reckon(ctx context.Context) error {
	if err := k.addSlots(ctx); err != nil {
		return err
	}
	return errors.Join(k.findOpen(ctx), k.findDrafts(ctx), k.findApproved(ctx), k.report(ctx))
}

func (k *Keeper) addSlots(ctx context.Context) error {
	now := k.opt.Now()
	last, err := k.store.SlotHistory(ctx, k.opt.Newsletter, now)
	if err != nil {
		return err
	}
	skips, err := k.skips(ctx)
	if err != nil {
		return err
	}
	var slots []newsletter.Due
	var wanted []time.Time
	for _, t := range k.opt.Schedule.Between(last, now) {
		d := newsletter.Due{Newsletter: k.opt.Newsletter, Week: k.opt.Window(t).Name, At: t, State: newsletter.SlotSkipped, Items: newsletter.Roll}
		if skip, yes := k.skipped(skips, t); yes {
			d.Why = skip.reason()
			slots = append(slots, d)
			continue
		}
		wanted = append(wanted, t)
	}
	for i, t := range wanted {
		d := newsletter.Due{Newsletter: k.opt.Newsletter, Week: k.opt.Window(t).Name, At: t, State: newsletter.SlotOpen}
		if !k.opt.All && i < len(wanted)-1 {
			d.State, d.Why = newsletter.SlotSkipped, "missed while apta was down"
		}
		slots = append(slots, d)
	}
	if len(slots) == 0 {
		return nil
	}
	_, err = k.store.AddSlots(ctx, slots, func(tx *sql.Tx, d newsletter.Due) error {
		if d.State == newsletter.SlotSkipped {
			return k.tellSkipped(ctx, tx, d)
		}
		return k.jobs.InsertTx(ctx, tx, Assemble{d.Newsletter, d.Week}, jobs.Once)
	})
	return err
}

// findOpen puts back the jobs of open slots. They have them as a rule: a job goes
// missing with an older version of the program, or when a person removes it.
func (k *Keeper) findOpen(ctx context.Context) error {
	open, err := k.store.OpenSlots(ctx, k.opt.Newsletter)
	if err != nil {
		return err
	}
	for _, slot := range open {
		if err := k.jobs.Insert(ctx, Assemble{slot.Newsletter, slot.Week}, jobs.Once); err != nil {
			return err
		}
	}
	return nil
}

// findDrafts reminds of drafts whose cut-off is near, and has the policy decide
// about those whose cut-off has come.
func (k *Keeper) findDrafts(ctx context.Context) error {
	drafts, err := k.store.WithStatus(ctx, k.opt.Newsletter, newsletter.Draft)
	if err != nil {
		return err
	}
	now := k.opt.Now()
	for _, issue := range drafts {
		switch {
		case issue.CutOff.IsZero():
			continue
		case !now.Before(issue.CutOff):
			err = k.jobs.Insert(ctx, CutOff{issue.Newsletter, issue.ID}, jobs.Once)
		case k.opt.Reminder > 0 && !now.Before(issue.CutOff.Add(-k.opt.Reminder)):
			err = k.remind(ctx, issue)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// findApproved has the sends begin of what is approved and has cooled off.
func (k *Keeper) findApproved(ctx context.Context) error {
	approved, err := k.store.WithStatus(ctx, k.opt.Newsletter, newsletter.Approved)
	if err != nil {
		return err
	}
	for _, issue := range approved {
		due, err := k.isDue(ctx, issue)
		if err != nil {
			return err
		}
		if !due {
			continue
		}
		if err := k.jobs.Insert(ctx, Send{issue.Newsletter, issue.ID}, jobs.Once); err != nil {
			return err
		}
	}
	return nil
}

// isDue reports whether an approved issue is to go out now: its slot has come, and
// it has cooled off.
func (k *Keeper) isDue(ctx context.Context, issue newsletter.Issue) (bool, error) {
	if k.opt.Now().Before(issue.SendsAt) {
		return false, nil
	}
	state, err := k.store.SlotState(ctx, issue.Newsletter, issue.Week)
	return state == newsletter.SlotDone, err
}

// report tells editors of the sends that ended.
func (k *Keeper) report(ctx context.Context) error {
	sent, err := k.store.Unreported(ctx, k.opt.Newsletter)
	if err != nil {
		return err
	}
	for _, issue := range sent {
		counts, err := k.opt.Counts(ctx, issue.ID)
		if err != nil {
			return err
		}
		err = k.store.Reported(ctx, issue.ID, func(tx *sql.Tx) error { return k.tellSent(ctx, tx, issue, counts) })
		if err != nil {
			return err
		}
	}
	return nil
}
