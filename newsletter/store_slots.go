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
}

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
			res, err := tx.ExecContext(ctx, `INSERT INTO slots (newsletter, week, due, state, why) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
				d.Newsletter, d.Week, database.Millis(d.At), string(d.State), d.Why)
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
	rows, err := s.db.Query(ctx, `SELECT week, due, state, why FROM slots WHERE newsletter = $1 AND state = 'open' ORDER BY due`, newsletter)
	if err != nil {
		return nil, fmt.Errorf("newsletter: open slots: %w", err)
	}
	defer rows.Close()
	var slots []Due
	for rows.Next() {
		d := Due{Newsletter: newsletter}
		var at int64
		var state string
		if err := rows.Scan(&d.Week, &at, &state, &d.Why); err != nil {
			return nil, fmt.Errorf("newsletter: open slots: %w", err)
		}
		d.At, d.State = database.FromMillis(at), SlotState(state)
		slots = append(slots, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("newsletter: open slots: %w", err)
	}
	return slots, nil
}

// CloseSlot says what became of a slot. also is done in the same transaction.
func (s *Store) CloseSlot(ctx context.Context, newsletter, week string, state SlotState, why string, also ...func(*sql.Tx) error) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE slots SET state = $1, why = $2 WHERE newsletter = $3 AND week = $4`, string(state), why, newsletter, week)
		if err != nil {
			return err
		}
		return inTurn(tx, also)
	})
	if err != nil {
		return fmt.Errorf("newsletter: close slot %s: %w", week, err)
	}
	return nil
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
	d := Due{Newsletter: newsletter, Week: week}
	var at int64
	var state string
	err := s.db.QueryRow(ctx, `SELECT due, state, why FROM slots WHERE newsletter = $1 AND week = $2`, newsletter, week).Scan(&at, &state, &d.Why)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Due{}, fmt.Errorf("newsletter: slot %s: %w", week, err)
	}
	d.At, d.State = database.FromMillis(at), SlotState(state)
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
