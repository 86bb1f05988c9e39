package schedule

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/notice"
)

// bySchedule is who approves and holds where no person does.
const bySchedule = "the schedule"

// Assemble makes the issue of an open slot, unless an editor made it already,
// and approves it where the policy is to ask nobody. It may be stopped anywhere
// and done again: the slot is closed by its last step.
func (k *Keeper) Assemble(ctx context.Context, job Assemble) error {
	slot, err := k.store.Slot(ctx, k.opt.Newsletter, job.Week)
	if err != nil || slot.State != newsletter.SlotOpen {
		return err // another has made it
	}
	issue, err := k.make(ctx, slot)
	if errors.Is(err, assemble.ErrEmpty) {
		return k.withoutIssue(ctx, slot, err)
	}
	if err != nil {
		return err
	}
	if late := k.opt.Now().Sub(slot.At); late > k.opt.Lateness && (issue.Status == newsletter.Draft || issue.Status == newsletter.Approved) {
		if err := k.Hold(ctx, issue, bySchedule, fmt.Sprintf("its slot was %s ago; approve it if it is still wanted", late.Round(time.Minute))); err != nil {
			return err
		}
		issue.Status = newsletter.Held
	}
	k.opt.Log.Info("assembled", "week", issue.Week, "issue", issue.ID, "title", issue.Title, "status", issue.Status)
	if k.opt.Auto && issue.Status == newsletter.Draft {
		if issue, err = k.Approve(ctx, issue, bySchedule); err != nil {
			return err
		}
	}
	slot.State = newsletter.SlotDone
	_, err = k.store.CloseSlot(ctx, slot, func(tx *sql.Tx) error {
		if issue.Status == newsletter.Draft {
			return k.present(ctx, tx, issue)
		}
		return k.jobs.InsertTx(ctx, tx, Send{issue.Newsletter, issue.ID})
	})
	return err
}

func (k *Keeper) make(ctx context.Context, slot newsletter.Due) (newsletter.Issue, error) {
	issue, err := k.store.Issue(ctx, slot.Newsletter, slot.Week)
	if !errors.Is(err, newsletter.ErrNotFound) {
		return issue, err
	}
	w, err := k.WindowOf(ctx, slot.At)
	if err != nil {
		return issue, err
	}
	if issue, err = k.opt.Compose(ctx, w); err != nil {
		return issue, err
	}
	return k.store.AddIssue(ctx, issue)
}

// withoutIssue closes the slot of a week with nothing, or too little, to write about.
func (k *Keeper) withoutIssue(ctx context.Context, slot newsletter.Due, why error) error {
	k.opt.Log.Warn("no issue this week", "week", slot.Week, "items", k.opt.NoIssue, "err", why)
	slot.State, slot.Why, slot.Items = newsletter.SlotSkipped, why.Error(), k.opt.NoIssue
	_, err := k.store.CloseSlot(ctx, slot, func(tx *sql.Tx) error { return k.tellSkipped(ctx, tx, slot) })
	return err
}

// present gives a draft its cut-off and tells the editors of it.
func (k *Keeper) present(ctx context.Context, tx *sql.Tx, issue newsletter.Issue) error {
	if k.opt.CutOff > 0 {
		at := k.after(k.opt.Now(), k.opt.CutOff)
		set, err := k.store.DraftCutOff(ctx, tx, issue.ID, at)
		if err != nil {
			return err
		}
		if set {
			issue.CutOff = at
		}
	}
	return k.tell(ctx, tx, notice.Assembled, issue, "")
}

// remind tells the editors once that a cut-off is near.
func (k *Keeper) remind(ctx context.Context, issue newsletter.Issue) error {
	return k.store.InTx(ctx, func(tx *sql.Tx) error { return k.tell(ctx, tx, notice.Reminder, issue, "") })
}

// CutOff does with a draft what the policy is at its cut-off: holds it, loudly,
// or approves it. An editor who was quicker has decided already.
func (k *Keeper) CutOff(ctx context.Context, job CutOff) error {
	issue, err := k.store.Issue(ctx, k.opt.Newsletter, job.Issue.String())
	if err != nil || issue.Status != newsletter.Draft || issue.CutOff.IsZero() || k.opt.Now().Before(issue.CutOff) {
		return err
	}
	if late := k.opt.Now().Sub(issue.CutOff); k.opt.SendAtCutOff && late <= k.opt.Lateness {
		_, err = k.Approve(ctx, issue, bySchedule+" at the cut-off")
	} else {
		err = k.Hold(ctx, issue, bySchedule, "nobody had approved it at the cut-off")
	}
	if errors.Is(err, newsletter.ErrStatus) {
		return nil
	}
	return err
}

// Send starts the send of an approved issue once its slot has come and it has
// cooled off. An issue that no slot asked for is sent by hand.
func (k *Keeper) Send(ctx context.Context, job Send) error {
	issue, err := k.store.Issue(ctx, k.opt.Newsletter, job.Issue.String())
	if err != nil {
		return err
	}
	switch issue.Status {
	case newsletter.Sending: // it may have been stopped half-way through its start
	case newsletter.Approved:
		if due, err := k.isDue(ctx, issue); err != nil || !due {
			return err
		}
		late := k.opt.Now().Sub(issue.SendsAt)
		if !issue.SendsAt.IsZero() && late > k.opt.Lateness {
			err = k.Hold(ctx, issue, bySchedule, fmt.Sprintf("it was to be sent %s ago; approve it if it is still wanted", late.Round(time.Minute)))
			if errors.Is(err, newsletter.ErrStatus) {
				return nil
			}
			return err
		}
	default:
		return nil
	}
	err = k.opt.Start(ctx, issue)
	if errors.Is(err, newsletter.ErrStatus) {
		return nil // it was pulled back, or another was faster
	}
	if err == nil {
		k.opt.Log.Info("sending", "week", issue.Week, "issue", issue.ID)
	}
	return err
}
