package subscribers

import (
	"context"
	"fmt"
	"time"

	"apta/subscribers/database"
)

// Movement is how many readers came and went in a span of time. Who was erased is
// in no count.
type Movement struct {
	From         time.Time // the span's beginning
	Joined       int       // those who came in it and confirmed, then or later
	Unsubscribed int
	Bounced      int
	Complained   int
}

// Movements gives how the newsletter's readers moved in count spans of a length
// one after the other from a moment on.
func (s *Store) Movements(ctx context.Context, from time.Time, span time.Duration, count int) ([]Movement, error) {
	list := make([]Movement, count)
	for i := range list {
		list[i].From = from.Add(time.Duration(i) * span)
	}
	begin, length := database.Millis(from), span.Milliseconds()
	end := begin + int64(count)*length
	for _, q := range []string{
		`SELECT (created - $1) / $2 AS span, 'active', count(*) FROM subscribers WHERE newsletter = $3 AND created >= $1 AND created < $4 AND status <> 'pending' GROUP BY 1`,
		`SELECT (c.at - $1) / $2 AS span, c.what, count(*) FROM consents c JOIN subscribers s ON s.id = c.subscriber_id
WHERE s.newsletter = $3 AND c.at >= $1 AND c.at < $4 AND c.what IN ('unsubscribed', 'bounced', 'complained') GROUP BY 1, 2`,
	} {
		if err := s.addMoves(ctx, list, q, begin, length, s.newsletter, end); err != nil {
			return nil, fmt.Errorf("subscribers: movements: %w", err)
		}
	}
	return list, nil
}

func (s *Store) addMoves(ctx context.Context, list []Movement, query string, args ...any) error {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var at, n int
		var what Status
		if err := rows.Scan(&at, &what, &n); err != nil {
			return err
		}
		m := &list[at]
		switch what {
		case Active:
			m.Joined += n
		case Unsubscribed:
			m.Unsubscribed += n
		case Bounced:
			m.Bounced += n
		case Complained:
			m.Complained += n
		}
	}
	return rows.Err()
}

// LeftBetween gives how many of the newsletter's readers unsubscribed, or called a
// mail spam, in a span of time.
func (s *Store) LeftBetween(ctx context.Context, from, to time.Time) (n int, err error) {
	err = s.db.QueryRow(ctx, `SELECT count(*) FROM consents c JOIN subscribers s ON s.id = c.subscriber_id
WHERE s.newsletter = $1 AND c.at >= $2 AND c.at < $3 AND c.what IN ('unsubscribed', 'complained')`, s.newsletter, database.Millis(from), database.Millis(to)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("subscribers: left: %w", err)
	}
	return n, nil
}
