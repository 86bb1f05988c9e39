package schedule

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"apta/newsletter"
	"apta/newsletter/delivery"
	"apta/newsletter/notice"
)

// tell writes a notice about an issue to every editor, in the transaction of what
// it tells of.
func (f *Flow) tell(ctx context.Context, tx *sql.Tx, kind notice.Kind, issue newsletter.Issue, why string, more ...notice.Fact) error {
	facts := []notice.Fact{{Name: "title", Text: issue.Title}}
	switch kind {
	case notice.Assembled, notice.Reminder:
		facts = append(facts, notice.Fact{Name: "items", Text: strconv.Itoa(pieces(issue))}, notice.Fact{Name: "latest", Text: strconv.Itoa(len(issue.Latest))})
		if !issue.CutOff.IsZero() {
			word := "hold"
			if f.opt.SendAtCutOff {
				word = "send"
			}
			facts = append(facts, notice.Fact{Name: "cut_off", At: issue.CutOff}, notice.Fact{Name: "at_cut_off", Word: word})
		}
	case notice.Approved:
		facts = append(facts, notice.Fact{Name: "by", Text: issue.ApprovedBy}, notice.Fact{Name: "sends_at", At: issue.SendsAt})
	case notice.PulledBack, notice.Held:
		facts = append(facts, notice.Fact{Name: "by", Text: issue.ApprovedBy}, notice.Fact{Name: "reason", Text: why})
	}
	facts = append(facts, more...)
	facts = append(facts, notice.Fact{Name: "command", Text: command(kind, issue.ID.String())})
	key := issue.ID.String()
	switch kind {
	case notice.Reminder: // of one cut-off
		key += "/" + strconv.FormatInt(issue.CutOff.UnixMilli(), 10)
	case notice.Approved, notice.PulledBack, notice.Held: // may happen again, and each time only once
		key = ""
	}
	return f.write(ctx, tx, kind, key, f.opt.Desk+"/issues/"+issue.ID.String(),
		map[string]string{"week": issue.Week, "title": issue.Title}, facts)
}

// command is what does on the command line what the button leads to.
func command(kind notice.Kind, issue string) string {
	switch kind {
	case notice.Assembled, notice.Reminder, notice.PulledBack, notice.Held:
		return fmt.Sprintf("apta issue show %s; apta issue approve %s", issue, issue)
	case notice.Approved:
		return "apta issue pull-back " + issue
	}
	return "apta issue status " + issue
}

// tellSkipped says that a slot has no issue, and why.
func (f *Flow) tellSkipped(ctx context.Context, tx *sql.Tx, d newsletter.Due) error {
	facts := []notice.Fact{{Name: "reason", Text: d.Why}, {Name: "rolls", Word: string(d.Items)},
		{Name: "command", Text: "apta issue compose --week " + d.Week + " --save"}}
	return f.write(ctx, tx, notice.Skipped, d.Newsletter+"/"+d.Week, f.opt.Desk, map[string]string{"week": d.Week}, facts)
}

// tellMissing says that a week has issues, but none in some of the languages.
func (f *Flow) tellMissing(ctx context.Context, tx *sql.Tx, d newsletter.Due, languages []string) error {
	for _, language := range languages {
		facts := []notice.Fact{{Name: "reason", Text: d.Why}, {Name: "command", Text: "apta issue compose --language " + language + " --week " + d.Week + " --save"}}
		err := f.write(ctx, tx, notice.Skipped, d.Newsletter+"/"+d.Week+"/"+language, f.opt.Desk, map[string]string{"week": d.Week + " (" + language + ")"}, facts)
		if err != nil {
			return err
		}
	}
	return nil
}

// tellSent is the report of a send: what it counts sums to the total.
func (f *Flow) tellSent(ctx context.Context, tx *sql.Tx, issue newsletter.Issue, c delivery.Counts) error {
	var facts []notice.Fact
	for _, n := range []struct {
		name  string
		count int
	}{{"accepted", c.Accepted}, {"refused", c.Refused}, {"doubtful", c.Doubtful}, {"skipped", c.Skipped}, {"waiting", c.Waiting()}, {"total", c.Total}} {
		if n.name != "waiting" || n.count > 0 {
			facts = append(facts, notice.Fact{Name: n.name, Text: strconv.Itoa(n.count)})
		}
	}
	return f.tell(ctx, tx, notice.Sent, issue, "", append(facts, notice.Fact{Name: "reason", Text: issue.Note})...)
}

func (f *Flow) write(ctx context.Context, tx *sql.Tx, kind notice.Kind, key, link string, data map[string]string, facts []notice.Fact) error {
	for _, to := range f.opt.Editors {
		n := notice.Notice{Newsletter: f.opt.Newsletter, Kind: kind, To: to, Data: data, Facts: facts, Link: link}
		if key != "" {
			n.Key = string(kind) + "/" + key + "/" + to
		}
		if err := f.notices.AddTx(ctx, tx, n); err != nil {
			return err
		}
	}
	return nil
}

func pieces(i newsletter.Issue) (n int) {
	for _, s := range i.Strands {
		n += len(s.Items)
	}
	return n
}
