package schedule

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/delivery"
	"apta/newsletter/notice"
)

// bySchedule is who approves and holds where no person does.
const bySchedule = "the schedule"

// Assemble makes the issues of an open slot, one a language, unless an editor made
// them already, and approves them where the policy is to ask nobody. It may be
// stopped anywhere and done again: the slot is closed by its last step.
func (k *Keeper) Assemble(ctx context.Context, job Assemble) error {
	slot, err := k.store.Slot(ctx, k.opt.Newsletter, job.Week)
	if err != nil || slot.State != newsletter.SlotOpen {
		return err // another has made it
	}
	issues, why, err := k.issuesOf(ctx, slot)
	if errors.Is(err, assemble.ErrEmpty) {
		return k.withoutIssue(ctx, slot, err)
	}
	if err != nil {
		return err
	}
	for i, issue := range issues {
		if issues[i], err = k.ready(ctx, slot, issue); err != nil {
			return err
		}
	}
	slot.State, slot.Why = newsletter.SlotDone, why
	_, err = k.store.CloseSlot(ctx, slot, func(tx *sql.Tx) error {
		for _, issue := range issues {
			if err := k.handOn(ctx, tx, issue); err != nil {
				return err
			}
		}
		return k.tellMissing(ctx, tx, slot, k.missing(issues))
	})
	return err
}

// ready does to an issue of a slot what is due before it can be sent.
func (k *Keeper) ready(ctx context.Context, slot newsletter.Due, issue newsletter.Issue) (newsletter.Issue, error) {
	if late := k.opt.Now().Sub(slot.At); late > k.opt.Lateness && (issue.Status == newsletter.Draft || issue.Status == newsletter.Approved) {
		err := k.Hold(ctx, issue, bySchedule, fmt.Sprintf("its slot was %s ago; approve it if it is still wanted", late.Round(time.Minute)))
		if err != nil {
			return issue, err
		}
		issue.Status = newsletter.Held
	}
	k.opt.Log.Info("assembled", "week", issue.Week, "issue", issue.ID, "language", issue.Language, "title", issue.Title, "status", issue.Status)
	if k.opt.Auto && issue.Status == newsletter.Draft {
		return k.Approve(ctx, issue, bySchedule)
	}
	return issue, nil
}

// withoutIssue closes the slot of a week with nothing, or too little, to write about.
func (k *Keeper) withoutIssue(ctx context.Context, slot newsletter.Due, why error) error {
	k.opt.Log.Warn("no issue this week", "week", slot.Week, "items", k.opt.NoIssue, "err", why)
	slot.State, slot.Why, slot.Items = newsletter.SlotSkipped, why.Error(), k.opt.NoIssue
	_, err := k.store.CloseSlot(ctx, slot, func(tx *sql.Tx) error { return k.tellSkipped(ctx, tx, slot) })
	return err
}

// handOn gives a draft to its editors, with a cut-off, and what is approved to its send.
func (k *Keeper) handOn(ctx context.Context, tx *sql.Tx, issue newsletter.Issue) error {
	if issue.Status != newsletter.Draft {
		return k.jobs.InsertTx(ctx, tx, Send{issue.Newsletter, issue.ID})
	}
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
	if errors.Is(err, delivery.ErrLate) {
		k.opt.Log.Warn("an issue is held", "week", issue.Week, "issue", issue.ID, "language", issue.Language, "err", err)
		return k.store.InTx(ctx, func(tx *sql.Tx) error { return k.tell(ctx, tx, notice.Held, issue, err.Error()) })
	}
	if err == nil {
		k.opt.Log.Info("sending", "week", issue.Week, "issue", issue.ID)
	}
	return err
}
