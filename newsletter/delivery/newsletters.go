package delivery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"apta/newsletter/transport"
	"apta/subscribers/database"
)

// Newsletter is what a Sender knows of one whose mails it carries.
type Newsletter struct {
	Languages  []string         // in which it has an issue a week, the main one first; none or one is one issue for all
	DKIM       []transport.DKIM // the keys that sign; none is allowed
	BaseURL    string           // of the public pages, without a final slash
	Domain     string           // the right-hand side of Message-IDs
	ReturnPath string           // the envelope sender
	Mailbox    bool             // mails to the return path are read: one may unsubscribe by mail
}

// newsletter gives what is known of a newsletter; ok is false where its sends
// are another Sender's.
func (s *Sender) newsletter(slug string) (n Newsletter, ok bool) {
	if n, ok = s.opt.Newsletters[slug]; !ok {
		n, ok = s.opt.Newsletters[""]
	}
	return n, ok
}

// ErrLate marks an issue whose week has shared out its readers without it.
var ErrLate = errors.New("the week's readers were given to its other issues before it was made")

// Start begins the send of an issue, or finds it begun already. Where the
// newsletter has several languages, the first start of a week shares out its
// readers among the issues that there are by then: each reader is due the one in
// their language, or the lead, which is that of the first of the languages. The
// others' sends wait until they are started too. ErrLate where the issue came
// too late for that.
func (l *Ledger) Start(ctx context.Context, issue database.ID, languages ...string) error {
	err := l.db.InTx(ctx, func(tx *sql.Tx) error {
		group, slug, err := weekOf(ctx, tx, issue, languages)
		if err != nil {
			return err
		}
		now := database.Millis(l.now())
		if err := l.share(ctx, tx, group, slug, issue, now); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE sends SET state = 'running', started = $1 WHERE issue_id = $2 AND state = 'waiting'`, now, issue)
		return err
	})
	if err != nil {
		return fmt.Errorf("delivery: start: %w", err)
	}
	return nil
}

// sibling is one of the issues that share out a week's readers.
type sibling struct {
	id       database.ID
	language string // empty for the lead: it has whoever no other one serves
}

// weekOf gives the issues that share out the readers of an issue's week, the
// lead first, and locks them; an issue for all readers is alone.
func weekOf(ctx context.Context, tx *sql.Tx, issue database.ID, languages []string) (group []sibling, slug string, err error) {
	var week, own string
	err = tx.QueryRowContext(ctx, `SELECT newsletter, week, language FROM issues WHERE id = $1`, issue).Scan(&slug, &week, &own)
	if err != nil {
		return nil, "", err
	}
	if len(languages) < 2 || !slices.Contains(languages, own) {
		return []sibling{{id: issue}}, slug, nil
	}
	rows, err := tx.QueryContext(ctx, `UPDATE issues SET status = status WHERE newsletter = $1 AND week = $2 RETURNING id, language`, slug, week)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var s sibling
		if err := rows.Scan(&s.id, &s.language); err != nil {
			return nil, "", err
		}
		if slices.Contains(languages, s.language) {
			group = append(group, s)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, "", err
	}
	slices.SortFunc(group, func(a, b sibling) int {
		return slices.Index(languages, a.language) - slices.Index(languages, b.language)
	})
	group[0].language = "" // the issue itself is there at least
	return group, slug, nil
}

// share writes down the sends of a week's issues, unless that was done before.
func (l *Ledger) share(ctx context.Context, tx *sql.Tx, group []sibling, slug string, issue database.ID, now int64) error {
	begun, own := 0, false
	for _, s := range group {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sends WHERE issue_id = $1`, s.id).Scan(&n); err != nil {
			return err
		}
		begun, own = begun+n, own || n > 0 && s.id == issue
	}
	switch {
	case own:
		return nil
	case begun > 0:
		return ErrLate
	}
	for _, s := range group {
		_, err := tx.ExecContext(ctx, `
INSERT INTO sends (issue_id, state, why, started, ended, enqueued_to, newsletter, language, lead) VALUES ($1, 'waiting', '', $2, 0, 0, $3, $4, $5)
ON CONFLICT DO NOTHING`, s.id, now, slug, s.language, group[0].id)
		if err != nil {
			return err
		}
	}
	return nil
}

// sharing is a week's sends while their readers are being shared out.
type sharing struct {
	newsletter string
	group      []sibling
	after      int64 // the reader up to whom it is done
	started    int64 // the first of them
}

// sharingOf reads and locks the sends that share out readers with an issue's:
// on PostgreSQL two processes may enqueue one issue, on SQLite the transaction
// is alone anyway. The lead comes first.
func sharingOf(ctx context.Context, tx *sql.Tx, issue database.ID) (sh sharing, err error) {
	rows, err := tx.QueryContext(ctx, `UPDATE sends SET state = state WHERE lead = (SELECT lead FROM sends WHERE issue_id = $1)
RETURNING issue_id, language, newsletter, enqueued_to, started`, issue)
	if err != nil {
		return sh, err
	}
	defer rows.Close()
	for rows.Next() {
		var s sibling
		var started int64
		if err := rows.Scan(&s.id, &s.language, &sh.newsletter, &sh.after, &started); err != nil {
			return sh, err
		}
		if len(sh.group) == 0 || started < sh.started {
			sh.started = started
		}
		sh.group = append(sh.group, s)
	}
	if err := rows.Err(); err != nil {
		return sh, err
	}
	if len(sh.group) == 0 {
		return sh, ErrNoSend
	}
	slices.SortFunc(sh.group, func(a, b sibling) int { return strings.Compare(a.language, b.language) })
	return sh, nil
}

// of gives the place in the group of the issue that a reader of a language is
// due. Tags are compared by their first part: ru-KZ reads what is written in ru.
func (sh *sharing) of(language string) int {
	for i, s := range sh.group[1:] {
		if primary(language) == primary(s.language) {
			return i + 1
		}
	}
	return 0
}

func primary(tag string) string {
	first, _, _ := strings.Cut(tag, "-")
	return strings.ToLower(first)
}

// issueOf is the same as of in SQL, the issue's ID for a reader's row, with the
// values for its placeholders, which follow those that there are already.
func (sh *sharing) issueOf(args []any) (expression string, all []any) {
	lead := sh.group[0].id
	if len(sh.group) == 1 {
		return fmt.Sprintf("$%d", len(args)+1), append(args, lead)
	}
	var b strings.Builder
	b.WriteString("CASE")
	for _, s := range sh.group[1:] {
		tag := primary(s.language)
		n := len(args)
		fmt.Fprintf(&b, " WHEN lower(language) = $%d OR lower(language) LIKE $%d THEN CAST($%d AS BIGINT)", n+1, n+2, n+3)
		args = append(args, tag, tag+"-%", s.id)
	}
	fmt.Fprintf(&b, " ELSE CAST($%d AS BIGINT) END", len(args)+1)
	return b.String(), append(args, lead)
}
