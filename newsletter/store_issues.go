package newsletter

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"apta/subscribers/database"
)

// ErrStatus marks an action that the issue's status does not allow.
var ErrStatus = errors.New("the issue's status does not allow it")

// SaveIssue stores an assembled issue. Where the week has one already in the
// same language, its texts become a new revision, unless it is approved or
// further: then nothing changes and ErrStatus comes back. The issue as stored is returned.
func (s *Store) SaveIssue(ctx context.Context, i Issue) (Issue, error) {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		old, err := scanIssue(tx.QueryRowContext(ctx, selectIssue+`WHERE newsletter = $1 AND week = $2 AND language = $3`, i.Newsletter, i.Week, i.Language))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			i.ID, i.Revision, i.Created = s.ids.Next(), 1, s.now().UTC().Truncate(time.Millisecond)
			if i.Status == "" {
				i.Status = Draft
			}
		case err != nil:
			return err
		case old.Status != Draft && old.Status != Held:
			return fmt.Errorf("week %s is %s already (issue %s): %w", i.Week, old.Status, old.ID, ErrStatus)
		default:
			i.ID, i.Revision, i.Created, i.Status, i.Note = old.ID, old.Revision+1, old.Created, old.Status, old.Note
			i.ApprovedBy, i.SendsAt, i.CutOff = old.ApprovedBy, old.SendsAt, old.CutOff
		}
		return s.writeIssue(ctx, tx, i)
	})
	if err != nil {
		return Issue{}, fmt.Errorf("newsletter: save issue: %w", err)
	}
	return i, nil
}

// AddIssue stores an assembled issue where the week has none in its language;
// where it has one, that one stays as it is and is given back.
func (s *Store) AddIssue(ctx context.Context, i Issue) (Issue, error) {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		old, err := scanIssue(tx.QueryRowContext(ctx, selectIssue+`WHERE newsletter = $1 AND week = $2 AND language = $3`, i.Newsletter, i.Week, i.Language))
		if err == nil {
			i = old
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		i.ID, i.Revision, i.Created, i.Status = s.ids.Next(), 1, s.now().UTC().Truncate(time.Millisecond), Draft
		return s.writeIssue(ctx, tx, i)
	})
	if err != nil {
		return Issue{}, fmt.Errorf("newsletter: add issue: %w", err)
	}
	return i, nil
}

func (s *Store) writeIssue(ctx context.Context, tx *sql.Tx, i Issue) error {
	doc, err := json.Marshal(i)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
INSERT INTO issues (id, newsletter, week, language, window_to, status, revision, created, note, document)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (id) DO UPDATE SET status = excluded.status, revision = excluded.revision, note = excluded.note, document = excluded.document, window_to = excluded.window_to`,
		i.ID, i.Newsletter, i.Week, i.Language, database.Millis(i.To), string(i.Status), i.Revision, database.Millis(i.Created), i.Note, string(doc))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO issue_revisions (issue_id, revision, at, document) VALUES ($1, $2, $3, $4)`,
		i.ID, i.Revision, database.Millis(s.now()), string(doc))
	return err
}

const selectIssue = `SELECT id, status, revision, note, approved_by, sends_at, cut_off, document FROM issues `

// scanIssue reads the document and lets the columns have the last word: a
// change of status writes no new document.
func scanIssue(row interface{ Scan(...any) error }) (Issue, error) {
	var (
		i               Issue
		id              database.ID
		status          string
		revision        int
		note, by        string
		sendsAt, cutOff int64
		doc             string
	)
	if err := row.Scan(&id, &status, &revision, &note, &by, &sendsAt, &cutOff, &doc); err != nil {
		return Issue{}, err
	}
	if err := json.Unmarshal([]byte(doc), &i); err != nil {
		return Issue{}, fmt.Errorf("issue %s: %w", id, err)
	}
	i.ID, i.Status, i.Revision, i.Note = id, Status(status), revision, note
	i.ApprovedBy, i.SendsAt, i.CutOff = by, fromMillis(sendsAt), fromMillis(cutOff)
	return i, nil
}

// Issue finds an issue by its ID or, for a newsletter, by the name of its week.
func (s *Store) Issue(ctx context.Context, newsletter, ref string) (Issue, error) {
	var row *sql.Row
	if id, err := database.ParseID(ref); err == nil && !strings.Contains(ref, "-") {
		row = s.db.QueryRow(ctx, selectIssue+`WHERE id = $1`, id)
	} else {
		row = s.db.QueryRow(ctx, selectIssue+`WHERE newsletter = $1 AND week = $2 ORDER BY created, id LIMIT 1`, newsletter, ref)
	}
	i, err := scanIssue(row)
	if errors.Is(err, sql.ErrNoRows) {
		return Issue{}, fmt.Errorf("newsletter: issue %q: %w", ref, ErrNotFound)
	}
	if err != nil {
		return Issue{}, fmt.Errorf("newsletter: issue %q: %w", ref, err)
	}
	return i, nil
}

// IssueIn finds a week's issue in a language; of no language, the first that was made.
func (s *Store) IssueIn(ctx context.Context, newsletter, week, language string) (Issue, error) {
	i, err := scanIssue(s.db.QueryRow(ctx, selectIssue+`WHERE newsletter = $1 AND week = $2 AND ($3 = '' OR language = $3) ORDER BY created, id LIMIT 1`, newsletter, week, language))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Issue{}, fmt.Errorf("newsletter: issue %q in %q: %w", week, language, err)
	}
	return i, nil
}

func (s *Store) issues(ctx context.Context, query string, args ...any) ([]Issue, error) {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("newsletter: list issues: %w", err)
	}
	defer rows.Close()
	var issues []Issue
	for rows.Next() {
		i, err := scanIssue(rows)
		if err != nil {
			return nil, fmt.Errorf("newsletter: list issues: %w", err)
		}
		issues = append(issues, i)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("newsletter: list issues: %w", err)
	}
	return issues, nil
}

// Issues gives a newsletter's issues, the newest window first.
func (s *Store) Issues(ctx context.Context, newsletter string, limit int) ([]Issue, error) {
	return s.issues(ctx, selectIssue+`WHERE newsletter = $1 ORDER BY window_to DESC, id DESC LIMIT $2`, newsletter, limit)
}

// WithStatus gives a newsletter's issues of one status, the oldest window first.
func (s *Store) WithStatus(ctx context.Context, newsletter string, status Status) ([]Issue, error) {
	return s.issues(ctx, selectIssue+`WHERE newsletter = $1 AND status = $2 ORDER BY window_to, id`, newsletter, string(status))
}

// Move takes an issue from one of the given statuses to another, with a note
// that says why. It fails with ErrStatus where the issue stands elsewhere, so
// two people cannot both do what only one may.
func (s *Store) Move(ctx context.Context, id database.ID, to Status, note string, from ...Status) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		if err := moveIssue(ctx, tx, id, to, note, from); err != nil || to != Sent || s.tellSent == nil {
			return err
		}
		issue, err := scanIssue(tx.QueryRowContext(ctx, selectIssue+`WHERE id = $1`, id))
		if err != nil {
			return err
		}
		return s.tellSent(ctx, tx, issue)
	})
	if err != nil {
		return fmt.Errorf("newsletter: issue %s: %w", id, err)
	}
	return nil
}

func moveIssue(ctx context.Context, tx *sql.Tx, id database.ID, to Status, note string, from []Status) error {
	var now string
	err := tx.QueryRowContext(ctx, `SELECT status FROM issues WHERE id = $1`, id).Scan(&now)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	for _, f := range from {
		if Status(now) != f {
			continue
		}
		// The status is repeated in the outer WHERE: on PostgreSQL another
		// transaction may have moved the row since it was read.
		res, err := tx.ExecContext(ctx, `UPDATE issues SET status = $1, note = $2 WHERE id = $3 AND status = $4`, string(to), note, id, now)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err == nil && n == 1 && (to == Draft || to == Held) {
			err = forgetApproval(ctx, tx, id)
		}
		if err != nil || n == 1 {
			return err
		}
	}
	return notFrom(Status(now), from)
}

// notFrom says that an issue stands elsewhere than it should, or was changed
// since it was looked at.
func notFrom(now Status, from []Status) error {
	if slices.Contains(from, now) {
		return fmt.Errorf("it is %s, but was changed in the meantime: look at it again: %w", now, ErrStatus)
	}
	names := make([]string, len(from))
	for i, f := range from {
		names[i] = string(f)
	}
	return fmt.Errorf("it is %s, not %s: %w", now, strings.Join(names, " or "), ErrStatus)
}

// Editions gives all frozen messages of an issue by their variants.
func (s *Store) Editions(ctx context.Context, id database.ID) (map[string][]byte, error) {
	rows, err := s.db.Query(ctx, `SELECT variant, message FROM editions WHERE issue_id = $1`, id)
	if err != nil {
		return nil, fmt.Errorf("newsletter: editions of issue %s: %w", id, err)
	}
	defer rows.Close()
	all := map[string][]byte{}
	for rows.Next() {
		var variant string
		var message []byte
		if err := rows.Scan(&variant, &message); err != nil {
			return nil, fmt.Errorf("newsletter: editions of issue %s: %w", id, err)
		}
		all[variant] = message
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("newsletter: editions of issue %s: %w", id, err)
	}
	if all[""] == nil {
		return nil, fmt.Errorf("newsletter: editions of issue %s: %w", id, ErrNotFound)
	}
	return all, nil
}

// Edition gives the frozen message of an issue's variant, as Approve stored it.
func (s *Store) Edition(ctx context.Context, id database.ID, variant string) ([]byte, error) {
	var message []byte
	err := s.db.QueryRow(ctx, `SELECT message FROM editions WHERE issue_id = $1 AND variant = $2`, id, variant).Scan(&message)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("newsletter: edition of issue %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("newsletter: edition of issue %s: %w", id, err)
	}
	return message, nil
}
