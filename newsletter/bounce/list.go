package bounce

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"apta/subscribers"
	"apta/subscribers/database"
)

// ErrNotFound marks a report that is not written down.
var ErrNotFound = errors.New("there is no such report")

const selectEntry = `SELECT id, digest, at, source, kind, class, action, status, code, diagnostic, subscriber_id, issue_id, proof, outcome, why, before, undone FROM bounces `

func scanEntry(row interface{ Scan(...any) error }) (e Entry, err error) {
	var at, undone int64
	err = row.Scan(&e.ID, &e.Digest, &at, &e.Source, &e.Kind, &e.Class, &e.Action, &e.Status, &e.Code, &e.Diagnostic, &e.Reader, &e.Issue, &e.Proof, &e.Outcome, &e.Why, &e.Before, &undone)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	e.At = database.FromMillis(at)
	if undone != 0 {
		e.Undone = database.FromMillis(undone)
	}
	return e, err
}

func (b *Book) byDigest(ctx context.Context, digest string) (Entry, error) {
	return scanEntry(b.DB.QueryRow(ctx, selectEntry+`WHERE digest = $1`, digest))
}

// ByID gives one entry; ErrNotFound where there is none.
func (b *Book) ByID(ctx context.Context, id database.ID) (Entry, error) {
	e, err := scanEntry(b.DB.QueryRow(ctx, selectEntry+`WHERE id = $1`, id))
	if err != nil {
		err = fmt.Errorf("bounce: %s: %w", id, err)
	}
	return e, err
}

// Filter says which entries are listed; the zero value is all of them.
type Filter struct {
	Reader, Issue database.ID
	Kind          Kind
	Limit         int
}

// List gives entries, the latest first.
func (b *Book) List(ctx context.Context, f Filter) (list []Entry, err error) {
	if f.Limit == 0 {
		f.Limit = 100
	}
	rows, err := b.DB.Query(ctx, selectEntry+`
WHERE (subscriber_id = $1 OR $1 = 0) AND (issue_id = $2 OR $2 = 0) AND (kind = $3 OR $3 = '') ORDER BY at DESC, id DESC LIMIT $4`,
		f.Reader, f.Issue, string(f.Kind), f.Limit)
	if err != nil {
		return nil, fmt.Errorf("bounce: list: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, fmt.Errorf("bounce: list: %w", err)
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// Count is how many proved reports of an issue had one reason.
type Count struct {
	Issue   database.ID `json:"issue,omitzero"`
	Kind    Kind        `json:"kind"`
	Class   Class       `json:"class,omitempty"`
	Readers int         `json:"readers"`
}

// Counts gives the readers of each reason, of one issue or, where it is zero, of
// each. What was taken back and what is still being tried is left out.
func (b *Book) Counts(ctx context.Context, issue database.ID) (list []Count, err error) {
	rows, err := b.DB.Query(ctx, `
SELECT issue_id, kind, class, count(DISTINCT subscriber_id) FROM bounces
WHERE proof <> '' AND undone = 0 AND action <> 'delayed' AND kind IN ('hard', 'soft', 'complaint', 'unsubscribe') AND (issue_id = $1 OR $1 = 0)
GROUP BY issue_id, kind, class ORDER BY issue_id DESC, kind, class`, issue)
	if err != nil {
		return nil, fmt.Errorf("bounce: counts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.Issue, &c.Kind, &c.Class, &c.Readers); err != nil {
			return nil, fmt.Errorf("bounce: counts: %w", err)
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// Unread gives the mails kept for a person, with what is known of each.
func (b *Book) Unread(ctx context.Context) ([]Kept, error) {
	list, err := b.Folder.List()
	if err != nil {
		return nil, err
	}
	for i := range list {
		e, err := b.byDigest(ctx, list[i].Digest)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, fmt.Errorf("bounce: unread: %w", err)
		}
		list[i].Why = e.Why
		if f, err := os.Open(list[i].File); err == nil {
			head := make([]byte, 16<<10)
			n, _ := f.Read(head)
			f.Close()
			h, _ := readHeader(opened(head[:n]))
			list[i].Subject = words(h.get("Subject"))
		}
	}
	return list, nil
}

// ErrNoEffect marks a report of which there is nothing to take back.
var ErrNoEffect = errors.New("it has changed nothing, or was taken back already")

// Undo takes a report back: its reader is what they were before it, and it counts
// no more. Where they have changed since by themselves, they stay as they are.
func (b *Book) Undo(ctx context.Context, id database.ID) (e Entry, err error) {
	err = b.DB.InTx(ctx, func(tx *sql.Tx) error {
		if e, err = scanEntry(tx.QueryRowContext(ctx, selectEntry+`WHERE id = $1`, id)); err != nil {
			return err
		}
		switch e.Outcome {
		case DidBounce, DidComplain, DidUnsubscribe, DidCount:
		default:
			return ErrNoEffect
		}
		e.Undone = database.FromMillis(database.Millis(b.Now()))
		res, err := tx.ExecContext(ctx, `UPDATE bounces SET undone = $1 WHERE id = $2 AND undone = 0`, database.Millis(e.Undone), id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrNoEffect)
		}
		if e.Outcome == DidCount {
			return nil
		}
		sub, err := b.Readers.Lock(ctx, tx, e.Reader)
		if errors.Is(err, subscribers.ErrNotFound) {
			return nil
		}
		made := map[Outcome]subscribers.Status{DidBounce: subscribers.Bounced, DidComplain: subscribers.Complained, DidUnsubscribe: subscribers.Unsubscribed}[e.Outcome]
		if err != nil || sub.Status != made || e.Before == made {
			return err
		}
		to := e.Before
		if to == subscribers.Pending || to == subscribers.Paused {
			to = subscribers.Unsubscribed // what they had asked for was settled by the report
			if e.Before == subscribers.Paused {
				to = subscribers.Active
			}
		}
		_, err = b.Readers.SetStatusTx(ctx, tx, e.Reader, to, subscribers.Consent{Source: "report " + e.ID.String() + " taken back"})
		return err
	})
	if err != nil {
		return e, fmt.Errorf("bounce: undo %s: %w", id, err)
	}
	return e, nil
}
