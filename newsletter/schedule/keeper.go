package schedule

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/delivery"
	"apta/newsletter/jobs"
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

// Options say how a Keeper works.
type Options struct {
	Newsletter string
	Languages  []string // in which there is an issue a week, the main one first; none or one is one issue for all
	Schedule   Schedule
	All        bool          // every missed slot is made up, not the latest alone
	Auto       bool          // an issue is approved without asking anybody
	Lateness   time.Duration // an issue later than this waits for a person

	Window  func(slot time.Time) newsletter.Window
	Compose func(ctx context.Context, w newsletter.Window, language string) (newsletter.Issue, error) // no language is the only one
	Approve func(context.Context, newsletter.Issue) error                                             // freezes an issue as it stands
	Start   func(context.Context, newsletter.Issue) error                                             // starts an issue's send

	Now func() time.Time
	Log *slog.Logger
}

// Keeper keeps a newsletter's schedule: it finds the slots that came due, makes
// the issue of each, and starts sending what is approved. Any number of them
// may keep one schedule.
type Keeper struct {
	store *newsletter.Store
	jobs  *jobs.Engine
	opt   Options
}

// NewKeeper makes a keeper. Its methods are the handlers of its jobs, and Reckon
// is to be called at every minute's beginning.
func NewKeeper(s *newsletter.Store, e *jobs.Engine, opt Options) *Keeper {
	return &Keeper{store: s, jobs: e, opt: opt}
}

// Reckon writes down the slots that came due since the last one known, each with
// the job that makes its issue. It sees to it besides that no open slot and no
// approved issue is without its job. Called late, twice, or by two at once it
// does the same.
func (k *Keeper) Reckon(ctx context.Context) error {
	now := k.opt.Now()
	last, err := k.store.SlotHistory(ctx, k.opt.Newsletter, now)
	if err != nil {
		return err
	}
	due, missed := k.opt.Schedule.Due(last, now, k.opt.All)
	var slots []newsletter.Due
	for _, t := range missed {
		slots = append(slots, newsletter.Due{Newsletter: k.opt.Newsletter, Week: k.opt.Window(t).Name, At: t, State: newsletter.SlotSkipped, Why: "missed while apta was down"})
	}
	for _, t := range due {
		slots = append(slots, newsletter.Due{Newsletter: k.opt.Newsletter, Week: k.opt.Window(t).Name, At: t, State: newsletter.SlotOpen})
	}
	if len(slots) > 0 {
		_, err := k.store.AddSlots(ctx, slots, func(tx *sql.Tx, d newsletter.Due) error {
			if d.State != newsletter.SlotOpen {
				return nil
			}
			return k.jobs.InsertTx(ctx, tx, Assemble{d.Newsletter, d.Week}, jobs.Once)
		})
		if err != nil {
			return err
		}
	}
	return k.findForgotten(ctx)
}

// findForgotten puts back the jobs of open slots and of approved issues. They
// have them as a rule: a job goes missing with an older version of the program,
// or when a person removes it.
func (k *Keeper) findForgotten(ctx context.Context) error {
	open, err := k.store.OpenSlots(ctx, k.opt.Newsletter)
	if err != nil {
		return err
	}
	for _, slot := range open {
		if err := k.jobs.Insert(ctx, Assemble{slot.Newsletter, slot.Week}, jobs.Once); err != nil {
			return err
		}
	}
	approved, err := k.store.WithStatus(ctx, k.opt.Newsletter, newsletter.Approved)
	if err != nil {
		return err
	}
	for _, issue := range approved {
		state, err := k.store.SlotState(ctx, issue.Newsletter, issue.Week)
		if err != nil {
			return err
		}
		if state != newsletter.SlotDone {
			continue
		}
		if err := k.jobs.Insert(ctx, Send{issue.Newsletter, issue.ID}, jobs.Once); err != nil {
			return err
		}
	}
	return nil
}

// Assemble makes the issues of an open slot, one a language, unless an editor made
// them already, and approves them where the policy is to ask nobody.
func (k *Keeper) Assemble(ctx context.Context, job Assemble) error {
	slot, err := k.store.Slot(ctx, k.opt.Newsletter, job.Week)
	if err != nil || slot.State != newsletter.SlotOpen {
		return err // another has made it
	}
	issues, why, err := k.issuesOf(ctx, slot)
	if errors.Is(err, assemble.ErrEmpty) {
		k.opt.Log.Warn("no issue this week", "week", slot.Week, "err", err)
		return k.store.CloseSlot(ctx, slot.Newsletter, slot.Week, newsletter.SlotSkipped, err.Error())
	}
	if err != nil {
		return err
	}
	for _, issue := range issues {
		if err := k.ready(ctx, slot, issue); err != nil {
			return err
		}
	}
	return k.store.CloseSlot(ctx, slot.Newsletter, slot.Week, newsletter.SlotDone, why, func(tx *sql.Tx) error {
		for _, issue := range issues {
			if err := k.jobs.InsertTx(ctx, tx, Send{issue.Newsletter, issue.ID}); err != nil {
				return err
			}
		}
		return nil
	})
}

// ready does to an issue of a slot what is due before it can be sent.
func (k *Keeper) ready(ctx context.Context, slot newsletter.Due, issue newsletter.Issue) error {
	if late := k.opt.Now().Sub(slot.At); late > k.opt.Lateness && (issue.Status == newsletter.Draft || issue.Status == newsletter.Approved) {
		why := fmt.Sprintf("its slot was %s ago; approve it if it is still wanted", late.Round(time.Minute))
		if err := k.store.Move(ctx, issue.ID, newsletter.Held, why, issue.Status); err != nil {
			return err
		}
		issue.Status = newsletter.Held
	}
	k.opt.Log.Info("assembled", "week", issue.Week, "issue", issue.ID, "language", issue.Language, "title", issue.Title, "status", issue.Status)
	if k.opt.Auto && issue.Status == newsletter.Draft {
		return k.opt.Approve(ctx, issue)
	}
	return nil
}

// Send starts the send of an approved issue once its slot has come. An issue
// that no slot asked for is sent by hand.
func (k *Keeper) Send(ctx context.Context, job Send) error {
	issue, err := k.store.Issue(ctx, k.opt.Newsletter, job.Issue.String())
	if err != nil {
		return err
	}
	// One that is sending already may have been stopped half-way through its start.
	if issue.Status != newsletter.Approved && issue.Status != newsletter.Sending {
		return nil
	}
	state, err := k.store.SlotState(ctx, issue.Newsletter, issue.Week)
	if err != nil || state != newsletter.SlotDone {
		return err
	}
	err = k.opt.Start(ctx, issue)
	if errors.Is(err, newsletter.ErrStatus) {
		return nil // another was faster
	}
	if errors.Is(err, delivery.ErrLate) {
		k.opt.Log.Warn("an issue is held", "week", issue.Week, "issue", issue.ID, "language", issue.Language, "err", err)
		return nil
	}
	if err == nil {
		k.opt.Log.Info("sending", "week", issue.Week, "issue", issue.ID)
	}
	return err
}
