package subscribers

import (
	"context"
	"database/sql"
	"slices"

	"apta/subscribers/database"
)

// addBulk is addAll by PostgreSQL's COPY: into a table of the session's own, from
// there to those who are new, and straight into the consent log, in which no row
// can meet another.
func (s *Store) addBulk(ctx context.Context, tx *sql.Tx, bulk database.Bulk, r ready) error {
	var welcome []*arrival
	for some := range slices.Chunk(r.byEmail, insertRows) {
		list, err := s.bar(ctx, tx, some)
		if err != nil {
			return err
		}
		welcome = append(welcome, list...)
	}
	added, err := s.insertBulk(ctx, tx, bulk, welcome)
	if err != nil {
		return err
	}
	if added < int64(len(welcome)) {
		for some := range slices.Chunk(welcome, insertRows) {
			if err := s.meet(ctx, tx, some, r.source); err != nil {
				return err
			}
		}
	}
	var rows [][]any
	for i := range r.inFile {
		if a := &r.inFile[i]; a.outcome == Added {
			rows = append(rows, []any{r.at, r.source, "", int64(a.ID), int64(a.entry), string(a.Status), untilMillis(a.agreed), a.link})
		}
	}
	return bulk(ctx, "consents", []string{"at", "source", "wording", "subscriber_id", "id", "what", "agreed", "link"}, rows)
}

// arriving is what a subscriber who arrives brings, in the order of the columns.
var arriving = []string{"id", "email", "name", "language", "format", "status", "topics", "every_weeks", "paused_until"}

func (s *Store) insertBulk(ctx context.Context, tx *sql.Tx, bulk database.Bulk, arrivals []*arrival) (added int64, err error) {
	rows := make([][]any, len(arrivals))
	for i, a := range arrivals {
		rows[i] = []any{int64(a.ID), a.Email, a.Name, a.Language, a.Format, string(a.Status), joinTopics(a.Topics), int64(a.Every), untilMillis(a.PausedUntil)}
	}
	if _, err = tx.ExecContext(ctx, `
CREATE TEMPORARY TABLE arriving (id BIGINT, email TEXT, name TEXT, language TEXT, format TEXT, status TEXT, topics TEXT, every_weeks BIGINT, paused_until BIGINT) ON COMMIT DROP`); err != nil {
		return 0, err
	}
	if err = bulk(ctx, "arriving", arriving, rows); err != nil {
		return 0, err
	}
	now := s.now()
	res, err := tx.ExecContext(ctx, `
INSERT INTO subscribers (created, updated, from_week, generation, newsletter, id, email, name, language, format, status, topics, every_weeks, paused_until)
SELECT $1, $1, $2, 0, $3, id, email, name, language, format, status, topics, every_weeks, paused_until FROM arriving ORDER BY email, id
ON CONFLICT (email, newsletter) DO NOTHING`, database.Millis(now), Week(now), s.newsletter)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
