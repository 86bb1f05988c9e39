package newsletter

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// Revision says who changed an issue, when and how.
type Revision struct {
	Number   int       `json:"revision"`
	At       time.Time `json:"at"`
	Author   string    `json:"author,omitempty"`   // an editor's name; empty is assembly
	What     string    `json:"what,omitempty"`     // the kind of edit
	About    string    `json:"about,omitempty"`    // the title of what was edited
	Restores int       `json:"restores,omitempty"` // the revision whose words it brought back; 0 is none
}

// errOvertaken marks a revision that another editor's came before.
var errOvertaken = errors.New("another revision came first")

// Revise changes an issue by what change makes of it as it stands, and stores
// that as a new revision by its author. change may be called again where another
// editor was quicker, with the issue as that one has left it; at gives it older
// revisions. Where it gives the issue back with the same words, nothing is
// stored: same decides. An issue that is approved or further is not changed and
// ErrStatus comes back.
func (s *Store) Revise(ctx context.Context, id database.ID, same func(a, b Issue) bool, change func(now Issue, at func(revision int) (Issue, error)) (Issue, Revision, error)) (Issue, error) {
	const tries = 8
	for n := 1; ; n++ {
		made, err := s.reviseOnce(ctx, id, same, change)
		if errors.Is(err, errOvertaken) && n < tries {
			continue
		}
		if err != nil {
			return Issue{}, fmt.Errorf("newsletter: revise issue %s: %w", id, err)
		}
		return made, nil
	}
}

func (s *Store) reviseOnce(ctx context.Context, id database.ID, same func(a, b Issue) bool, change func(Issue, func(int) (Issue, error)) (Issue, Revision, error)) (made Issue, err error) {
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		now, err := scanIssue(tx.QueryRowContext(ctx, selectIssue+`WHERE id = $1`, id))
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		if now.Status != Draft && now.Status != Held {
			return fmt.Errorf("it is %s: %w", now.Status, ErrStatus)
		}
		var rev Revision
		made, rev, err = change(now, func(revision int) (Issue, error) { return revisionIn(ctx, tx, now, revision) })
		if err != nil {
			return err
		}
		if same(now, made) {
			made = now
			return nil
		}
		made.ID, made.Newsletter, made.Week, made.Language = now.ID, now.Newsletter, now.Week, now.Language
		made.Status, made.Note, made.Created, made.Revision = now.Status, now.Note, now.Created, now.Revision+1
		return s.writeRevision(ctx, tx, now.Revision, made, rev)
	})
	return made, err
}

// writeRevision writes an issue where it still is of the revision before.
func (s *Store) writeRevision(ctx context.Context, tx *sql.Tx, before int, i Issue, r Revision) error {
	doc, err := json.Marshal(i)
	if err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `UPDATE issues SET revision = $1, document = $2, window_to = $3 WHERE id = $4 AND revision = $5 AND status IN ('draft', 'held')`,
		i.Revision, string(doc), database.Millis(i.To), i.ID, before)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(errOvertaken, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO issue_revisions (issue_id, revision, at, document, author, what, about, restores) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		i.ID, i.Revision, database.Millis(s.now()), string(doc), r.Author, r.What, r.About, r.Restores)
	return err
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func revisionIn(ctx context.Context, q queryer, now Issue, revision int) (i Issue, err error) {
	if revision == now.Revision {
		return now, nil
	}
	var doc string
	err = q.QueryRowContext(ctx, `SELECT document FROM issue_revisions WHERE issue_id = $1 AND revision = $2`, now.ID, revision).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return i, fmt.Errorf("revision %d: %w", revision, ErrNotFound)
	}
	if err != nil {
		return i, err
	}
	if err := json.Unmarshal([]byte(doc), &i); err != nil {
		return i, err
	}
	i.ID, i.Revision, i.Status, i.Note = now.ID, revision, now.Status, now.Note
	return i, nil
}

// AtRevision gives an issue as a revision of it was.
func (s *Store) AtRevision(ctx context.Context, id database.ID, revision int) (i Issue, err error) {
	err = s.db.Snapshot(ctx, func(tx *sql.Tx) error {
		now, err := scanIssue(tx.QueryRowContext(ctx, selectIssue+`WHERE id = $1`, id))
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		i, err = revisionIn(ctx, tx, now, revision)
		return err
	})
	if err != nil {
		return Issue{}, fmt.Errorf("newsletter: issue %s: %w", id, err)
	}
	return i, nil
}

// Revisions lists an issue's revisions, the oldest first.
func (s *Store) Revisions(ctx context.Context, id database.ID) (list []Revision, err error) {
	rows, err := s.db.Query(ctx, `SELECT revision, at, author, what, about, restores FROM issue_revisions WHERE issue_id = $1 ORDER BY revision`, id)
	if err != nil {
		return nil, fmt.Errorf("newsletter: revisions of issue %s: %w", id, err)
	}
	defer rows.Close()
	for rows.Next() {
		var r Revision
		var at int64
		if err := rows.Scan(&r.Number, &at, &r.Author, &r.What, &r.About, &r.Restores); err != nil {
			return nil, fmt.Errorf("newsletter: revisions of issue %s: %w", id, err)
		}
		r.At = database.FromMillis(at)
		list = append(list, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("newsletter: revisions of issue %s: %w", id, err)
	}
	return list, nil
}

// LastRevision says who changed an issue last. It is asked once a second for
// every screen that shows one.
func (s *Store) LastRevision(ctx context.Context, id database.ID) (r Revision, err error) {
	var at int64
	err = s.db.QueryRow(ctx, `SELECT revision, at, author, what, about, restores FROM issue_revisions WHERE issue_id = $1 ORDER BY revision DESC LIMIT 1`, id).
		Scan(&r.Number, &at, &r.Author, &r.What, &r.About, &r.Restores)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Revision{}, fmt.Errorf("newsletter: last revision of issue %s: %w", id, err)
	}
	r.At = database.FromMillis(at)
	return r, nil
}

// ItemsByID gives the items of the given IDs that are stored, in their order.
func (s *Store) ItemsByID(ctx context.Context, ids []database.ID) ([]Item, error) {
	var all []Item
	for _, id := range ids { // one by one: an issue has few that its window has not
		items, err := s.items(ctx, selectItem+`WHERE id = $1`, id)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
	}
	return all, nil
}
