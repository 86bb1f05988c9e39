package desk

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"apta/subscribers/database"
)

// Entry is one line of the audit log: who did what to what.
type Entry struct {
	At      time.Time
	Who     string // a name and an address, or "apta" for the command line
	What    string // such as issue.approve; the desk's words have "did_issue.approve"
	Subject string
	Network string
}

// Issue reports whether the subject is the ID of an issue.
func (e Entry) Issue() bool { return strings.HasPrefix(e.What, "issue.") }

// Audit writes down what somebody did. network may be empty.
func (s *Editors) Audit(ctx context.Context, who Editor, what, subject, network string) error {
	return s.db.InTx(ctx, func(tx *sql.Tx) error { return s.audit(ctx, tx, who, what, subject, network) })
}

// AuditTx writes it down in the transaction in which it is done.
func (s *Editors) AuditTx(ctx context.Context, tx *sql.Tx, who Editor, what, subject string) error {
	return s.audit(ctx, tx, who, what, subject, "")
}

func (s *Editors) audit(ctx context.Context, tx *sql.Tx, who Editor, what, subject, network string) error {
	name := who.Email
	if who.Name != "" {
		name = who.Name + " <" + who.Email + ">"
	}
	if name == "" {
		name = "apta"
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO audit (id, at, editor, who, what, subject, network) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		s.ids.Next(), database.Millis(s.now()), who.ID, name, what, short(subject, 1000), network)
	if err != nil {
		return fmt.Errorf("desk: audit: %w", err)
	}
	return nil
}

// Log gives the latest entries, the latest first; before 0 begins at the end.
func (s *Editors) Log(ctx context.Context, before database.ID, limit int) (list []Entry, next database.ID, err error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	rows, err := s.db.Query(ctx, `SELECT id, at, who, what, subject, network FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2`, before, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("desk: audit log: %w", err)
	}
	return scanLog(rows, limit)
}

// About gives the latest entries about one subject, the latest first.
func (s *Editors) About(ctx context.Context, subject string, limit int) ([]Entry, error) {
	rows, err := s.db.Query(ctx, `SELECT id, at, who, what, subject, network FROM audit WHERE subject = $1 ORDER BY id DESC LIMIT $2`, subject, limit)
	if err != nil {
		return nil, fmt.Errorf("desk: audit log: %w", err)
	}
	list, _, err := scanLog(rows, limit)
	return list, err
}

// scanLog gives in next where the log goes on, 0 at its end.
func scanLog(rows *sql.Rows, limit int) (list []Entry, next database.ID, err error) {
	defer rows.Close()
	for rows.Next() {
		var e Entry
		var at int64
		if err := rows.Scan(&next, &at, &e.Who, &e.What, &e.Subject, &e.Network); err != nil {
			return nil, 0, fmt.Errorf("desk: audit log: %w", err)
		}
		e.At = database.FromMillis(at)
		list = append(list, e)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("desk: audit log: %w", err)
	}
	if len(list) < limit {
		next = 0
	}
	return list, next, nil
}
