package desk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"apta/subscribers/database"
)

// How long a browser stays signed in: in all, and while nobody uses it.
const (
	sessionLife = 90 * 24 * time.Hour
	sessionIdle = 14 * 24 * time.Hour
	useEvery    = time.Minute // how exactly the last use is known
)

// Session is a browser that is signed in.
type Session struct {
	ID            database.ID
	Created, Used time.Time
	Agent         string // what the browser calls itself
	Network       string
}

// Browser is what people call the browser and its system: the first names that are
// known in what it calls itself, whose words have long ceased to mean anything.
func (s Session) Browser() string {
	find := func(names [][2]string) string {
		for _, n := range names {
			if strings.Contains(s.Agent, n[0]) {
				return n[1]
			}
		}
		return ""
	}
	name := find([][2]string{{"Firefox/", "Firefox"}, {"Edg/", "Edge"}, {"OPR/", "Opera"}, {"YaBrowser/", "Yandex"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}})
	system := find([][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS", "macOS"}, {"Linux", "Linux"}})
	if name == "" || system == "" {
		return s.Agent
	}
	return name + ", " + system
}

// begin signs an editor in. The secret is always a new one: one that a browser
// had before is good for nothing.
func (s *Editors) begin(ctx context.Context, tx *sql.Tx, editor database.ID, agent, network string) (secret string, err error) {
	secret, hash, err := s.secret()
	if err != nil {
		return "", err
	}
	now := s.now()
	_, err = tx.ExecContext(ctx, `INSERT INTO editor_sessions (id, editor, hash, created, used, expires, agent, network) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		s.ids.Next(), editor, hash, database.Millis(now), database.Millis(now), database.Millis(now.Add(sessionLife)), short(agent, 300), network)
	return secret, err
}

// signedIn gives who holds the secret of a session, with the role they have now.
func (s *Editors) signedIn(ctx context.Context, secret string) (v visit, err error) {
	now := s.now()
	var used, created int64
	err = s.db.QueryRow(ctx, `
SELECT e.id, e.email, e.name, e.role, e.language, s.id, s.used, s.created FROM editor_sessions s JOIN editors e ON e.id = s.editor
WHERE s.hash = $1 AND s.expires > $2 AND s.used > $3`, hashOf(secret), database.Millis(now), database.Millis(now.Add(-sessionIdle))).
		Scan(&v.ID, &v.Email, &v.Name, &v.Role, &v.Language, &v.session, &used, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return v, ErrNoEditor
	}
	if err != nil {
		return v, fmt.Errorf("desk: session: %w", err)
	}
	v.since = database.FromMillis(created)
	if now.Sub(database.FromMillis(used)) >= useEvery {
		if _, err := s.db.Exec(ctx, `UPDATE editor_sessions SET used = $1 WHERE id = $2 AND used < $1`, database.Millis(now), v.session); err != nil {
			return v, fmt.Errorf("desk: note the use of a session: %w", err)
		}
	}
	return v, nil
}

// Sessions gives the browsers in which an editor is signed in, the latest used first.
func (s *Editors) Sessions(ctx context.Context, editor database.ID) (list []Session, err error) {
	now := s.now()
	rows, err := s.db.Query(ctx, `
SELECT id, created, used, agent, network FROM editor_sessions WHERE editor = $1 AND expires > $2 AND used > $3 ORDER BY used DESC, id`,
		editor, database.Millis(now), database.Millis(now.Add(-sessionIdle)))
	if err != nil {
		return nil, fmt.Errorf("desk: sessions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var one Session
		var created, used int64
		if err := rows.Scan(&one.ID, &created, &used, &one.Agent, &one.Network); err != nil {
			return nil, fmt.Errorf("desk: sessions: %w", err)
		}
		one.Created, one.Used = database.FromMillis(created), database.FromMillis(used)
		list = append(list, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("desk: sessions: %w", err)
	}
	return list, nil
}

// SignOut ends one session of an editor.
func (s *Editors) SignOut(ctx context.Context, editor, session database.ID) error {
	_, err := s.db.Exec(ctx, `DELETE FROM editor_sessions WHERE id = $1 AND editor = $2`, session, editor)
	if err != nil {
		return fmt.Errorf("desk: sign out: %w", err)
	}
	return nil
}

// SignOutAll ends the sessions of an editor but one; 0 spares none.
func (s *Editors) SignOutAll(ctx context.Context, editor, but database.ID) error {
	_, err := s.db.Exec(ctx, `DELETE FROM editor_sessions WHERE editor = $1 AND id <> $2`, editor, but)
	if err != nil {
		return fmt.Errorf("desk: sign out: %w", err)
	}
	return nil
}

// Tend removes what is over: sessions, links, counts of tries.
func (s *Editors) Tend(ctx context.Context) error {
	now := s.now()
	for _, step := range []struct {
		query string
		until time.Time
	}{
		{`DELETE FROM editor_sessions WHERE expires <= $1`, now},
		{`DELETE FROM editor_sessions WHERE used <= $1`, now.Add(-sessionIdle)},
		{`DELETE FROM editor_links WHERE expires <= $1`, now},
		{`DELETE FROM editor_limits WHERE since <= $1`, now.Add(-limitWindow)},
	} {
		if _, err := s.db.Exec(ctx, step.query, database.Millis(step.until)); err != nil {
			return fmt.Errorf("desk: tend: %w", err)
		}
	}
	return nil
}

// short cuts a text of strangers to so many bytes, and to what every database keeps.
func short(text string, most int) string {
	clean := make([]rune, 0, min(len(text), most))
	size := 0
	for _, c := range text {
		if size += len(string(c)); size > most {
			break
		}
		if c >= ' ' && c != 0x7f && c != '\uFFFD' {
			clean = append(clean, c)
		}
	}
	return string(clean)
}
