package newsletter

import (
	"context"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// PublicIssue is an issue that everyone may read: it is on its way or sent.
type PublicIssue struct {
	Issue
	Published time.Time // when it was approved: nothing in it was changed since
}

// selectPublic is selectIssue with the time of approval. An issue that was never
// frozen, as one brought in from elsewhere, has that at which it was made.
const (
	publicColumns = `SELECT issues.id, status, issues.revision, note, approved_by, sends_at, cut_off, document,
	coalesce((SELECT max(created) FROM editions WHERE issue_id = issues.id), created)
FROM issues `
	publicOnly   = `WHERE newsletter = $1 AND ($2 = '' OR language = $2) AND status IN ('sending', 'sent') `
	selectPublic = publicColumns + publicOnly
)

func scanPublic(row interface{ Scan(...any) error }) (PublicIssue, error) {
	var ms int64
	i, err := scanIssue(withColumn{row, &ms})
	return PublicIssue{i, database.FromMillis(ms)}, err
}

// withColumn is a row that has one column more than its reader knows.
type withColumn struct {
	row  interface{ Scan(...any) error }
	last any
}

func (r withColumn) Scan(dst ...any) error { return r.row.Scan(append(dst, r.last)...) }

func (s *Store) public(ctx context.Context, query string, args ...any) ([]PublicIssue, error) {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("newsletter: list public issues: %w", err)
	}
	defer rows.Close()
	var issues []PublicIssue
	for rows.Next() {
		i, err := scanPublic(rows)
		if err != nil {
			return nil, fmt.Errorf("newsletter: list public issues: %w", err)
		}
		issues = append(issues, i)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("newsletter: list public issues: %w", err)
	}
	return issues, nil
}

// Published gives the issues in a language that the public may read, the newest
// first. No language is every one, here as in the methods below.
func (s *Store) Published(ctx context.Context, newsletter, language string, limit int) ([]PublicIssue, error) {
	return s.public(ctx, selectPublic+`ORDER BY window_to DESC, id DESC LIMIT $3`, newsletter, language, limit)
}

// PublishedIn gives the public issues whose week's name begins with a year of
// four digits, the newest first.
func (s *Store) PublishedIn(ctx context.Context, newsletter, language, year string) ([]PublicIssue, error) {
	return s.public(ctx, selectPublic+`AND substr(week, 1, 4) = $3 ORDER BY window_to DESC, id DESC`, newsletter, language, year)
}

// Beside gives the public issues in a language before and after one, each nil
// where there is none.
func (s *Store) Beside(ctx context.Context, i Issue, language string) (earlier, later *PublicIssue, err error) {
	for _, side := range []struct {
		to    **PublicIssue
		which string
	}{
		{&earlier, `AND (window_to < $3 OR window_to = $3 AND id < $4) ORDER BY window_to DESC, id DESC LIMIT 1`},
		{&later, `AND (window_to > $3 OR window_to = $3 AND id > $4) ORDER BY window_to, id LIMIT 1`},
	} {
		list, err := s.public(ctx, selectPublic+side.which, i.Newsletter, language, database.Millis(i.To), i.ID)
		if err != nil {
			return nil, nil, err
		}
		if len(list) > 0 {
			*side.to = &list[0]
		}
	}
	return earlier, later, nil
}

// Years gives the years that have public issues, the latest first, as PublishedIn takes them.
func (s *Store) Years(ctx context.Context, newsletter, language string) ([]string, error) {
	rows, err := s.db.Query(ctx, `
SELECT DISTINCT substr(week, 1, 4) AS year FROM issues `+publicOnly+`ORDER BY year DESC`, newsletter, language)
	if err != nil {
		return nil, fmt.Errorf("newsletter: years: %w", err)
	}
	defer rows.Close()
	var years []string
	for rows.Next() {
		var y string
		if err := rows.Scan(&y); err != nil {
			return nil, fmt.Errorf("newsletter: years: %w", err)
		}
		years = append(years, y)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("newsletter: years: %w", err)
	}
	return years, nil
}

// PublicMark is a text that changes whenever something that the public may read
// does: an issue that comes or goes, a new revision, a new approval.
func (s *Store) PublicMark(ctx context.Context, newsletter string) (string, error) {
	var count, revisions, ids, approved int64
	err := s.db.QueryRow(ctx, `
SELECT count(*), coalesce(sum(revision), 0), coalesce(sum(id % 1000003), 0), coalesce((SELECT max(created) FROM editions), 0)
FROM issues WHERE newsletter = $1 AND status IN ('sending', 'sent')`, newsletter).Scan(&count, &revisions, &ids, &approved)
	if err != nil {
		return "", fmt.Errorf("newsletter: public mark: %w", err)
	}
	return fmt.Sprint(count, revisions, ids, approved), nil
}

// ByWeek gives the public issues of a week, one a language, in the order in which
// they were made.
func (s *Store) ByWeek(ctx context.Context, newsletter, language, week string) ([]PublicIssue, error) {
	return s.public(ctx, selectPublic+`AND week = $3 ORDER BY created, id`, newsletter, language, week)
}
