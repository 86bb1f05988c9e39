package newsletter

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// Due is one time at which the schedule wanted an issue.
type Due struct {
	Newsletter string
	Week       string // the name of the window the issue is for
	At         time.Time
	State      SlotState
	Why        string // what became of it, in words
	Items      Fate   // what becomes of its items where it has no issue
}

// Fate says what becomes of the items of a slot without an issue.
type Fate string

// They stand in the window of the next slot, or not. Of a slot that was missed
// nothing is said: what was stored since the issue before it comes late.
const (
	Roll Fate = "roll"
	Drop Fate = "drop"
)

// SlotState says what became of a due slot.
type SlotState string

// A slot is open until its issue is assembled or the reason why not is known.
const (
	SlotOpen    SlotState = "open"
	SlotDone    SlotState = "done"
	SlotSkipped SlotState = "skipped"
)

// SlotHistory gives the time up to which a newsletter's slots are known. The
// first call writes start as the beginning of its history and gives it back.
func (s *Store) SlotHistory(ctx context.Context, newsletter string, start time.Time) (time.Time, error) {
	_, err := s.db.Exec(ctx, `INSERT INTO slots (newsletter, week, due, state, why) VALUES ($1, '', $2, 'done', 'history begins') ON CONFLICT DO NOTHING`,
		newsletter, database.Millis(start))
	if err != nil {
		return time.Time{}, fmt.Errorf("newsletter: begin slots: %w", err)
	}
	var last int64
	if err := s.db.QueryRow(ctx, `SELECT max(due) FROM slots WHERE newsletter = $1`, newsletter).Scan(&last); err != nil {
		return time.Time{}, fmt.Errorf("newsletter: read slots: %w", err)
	}
	return database.FromMillis(last), nil
}

// AddSlots writes down due slots, each once per newsletter and week, and
// reports how many were new. also is done for each new one in the same
// transaction.
func (s *Store) AddSlots(ctx context.Context, slots []Due, also ...func(*sql.Tx, Due) error) (added int, err error) {
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		added = 0
		for _, d := range slots {
			res, err := tx.ExecContext(ctx, `INSERT INTO slots (newsletter, week, due, state, why, items) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
				d.Newsletter, d.Week, database.Millis(d.At), string(d.State), d.Why, string(d.Items))
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			added += int(n)
			if n == 0 {
				continue
			}
			for _, do := range also {
				if err := do(tx, d); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("newsletter: add slots: %w", err)
	}
	return added, nil
}

// OpenSlots gives the slots that still wait for their issue, the oldest first.
func (s *Store) OpenSlots(ctx context.Context, newsletter string) ([]Due, error) {
	return s.slots(ctx, newsletter, `state = 'open' ORDER BY due`)
}

// SkippedSlots gives the slots after a moment that have no issue, the oldest first.
func (s *Store) SkippedSlots(ctx context.Context, newsletter string, after time.Time) ([]Due, error) {
	return s.slots(ctx, newsletter, `state = 'skipped' AND due > $2 ORDER BY due`, database.Millis(after))
}

func (s *Store) slots(ctx context.Context, newsletter, where string, args ...any) ([]Due, error) {
	rows, err := s.db.Query(ctx, `SELECT week, due, state, why, items FROM slots WHERE newsletter = $1 AND `+where, append([]any{newsletter}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("newsletter: slots: %w", err)
	}
	defer rows.Close()
	var slots []Due
	for rows.Next() {
		d, err := scanSlot(newsletter, rows)
		if err != nil {
			return nil, fmt.Errorf("newsletter: slots: %w", err)
		}
		slots = append(slots, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("newsletter: slots: %w", err)
	}
	return slots, nil
}

func scanSlot(newsletter string, row interface{ Scan(...any) error }) (Due, error) {
	d := Due{Newsletter: newsletter}
	var at int64
	var state, items string
	err := row.Scan(&d.Week, &at, &state, &d.Why, &items)
	d.At, d.State, d.Items = database.FromMillis(at), SlotState(state), Fate(items)
	return d, err
}

// CloseSlot says what became of an open slot: d's State, Why and Items. also is
// done in the same transaction. Where another has closed it, nothing is done and
// closed is false.
func (s *Store) CloseSlot(ctx context.Context, d Due, also ...func(*sql.Tx) error) (closed bool, err error) {
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE slots SET state = $1, why = $2, items = $3 WHERE newsletter = $4 AND week = $5 AND state = 'open'`,
			string(d.State), d.Why, string(d.Items), d.Newsletter, d.Week)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if closed = n == 1; err != nil || !closed {
			return err
		}
		return inTurn(tx, also)
	})
	if err != nil {
		return false, fmt.Errorf("newsletter: close slot %s: %w", d.Week, err)
	}
	return closed, nil
}

// inTurn does what is to be done in a transaction besides.
func inTurn(tx *sql.Tx, also []func(*sql.Tx) error) error {
	for _, do := range also {
		if err := do(tx); err != nil {
			return err
		}
	}
	return nil
}

// Slot gives the slot of a week, or ErrNotFound.
func (s *Store) Slot(ctx context.Context, newsletter, week string) (Due, error) {
	d, err := scanSlot(newsletter, s.db.QueryRow(ctx, `SELECT week, due, state, why, items FROM slots WHERE newsletter = $1 AND week = $2`, newsletter, week))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Due{}, fmt.Errorf("newsletter: slot %s: %w", week, err)
	}
	return d, nil
}

// SlotState says what became of a week's slot; "" where the schedule never
// wanted one.
func (s *Store) SlotState(ctx context.Context, newsletter, week string) (SlotState, error) {
	d, err := s.Slot(ctx, newsletter, week)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return d.State, err
}
