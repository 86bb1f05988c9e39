package desk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"apta/newsletter/notice"
	"apta/subscribers/database"
)

// How long links are good, and how many may be asked for in limitWindow.
const (
	signInLife     = 15 * time.Minute
	inviteLife     = 7 * 24 * time.Hour
	linksOfAddress = 5
	linksOfNetwork = 20
)

// A letter is a notice in the transaction of what it tells of.
type letter func(context.Context, *sql.Tx, notice.Notice) error

// AskLink has a link that signs an editor in mailed to them. browser is what the
// asking browser is to keep: the link opens nothing without it, so that whoever
// reads the mail has nothing. The same is done for an address that is no editor's,
// but for the mail.
func (s *Editors) AskLink(ctx context.Context, email, next, network string, link func(secret string) string, mail letter) (browser string, err error) {
	email, err = address(email)
	if err != nil {
		return "", err
	}
	err = s.count(ctx, map[string]int{limitName("link for", email): linksOfAddress, limitName("link from", network): linksOfNetwork})
	if err != nil {
		if errors.Is(err, ErrMany) {
			err = errors.Join(err, s.Audit(ctx, Editor{Email: email}, "signin.stopped", email, network))
		}
		return "", err
	}
	browser, hash, err := s.secret()
	if err != nil {
		return "", err
	}
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		secret, err := s.addLink(ctx, tx, "signin", Editor{Email: email}, hash, next, signInLife)
		if err != nil {
			return err
		}
		if err := s.audit(ctx, tx, Editor{Email: email}, "signin.asked", email, network); err != nil {
			return err
		}
		e, err := scanEditor(tx.QueryRowContext(ctx, selectEditor+`WHERE email = $1`, email))
		if errors.Is(err, ErrNoEditor) {
			return nil
		}
		if err != nil {
			return err
		}
		return mail(ctx, tx, notice.Notice{Kind: notice.SignIn, To: e.Email, Language: e.Language, Link: link(secret), Expires: s.now().Add(signInLife)})
	})
	if err != nil {
		return "", fmt.Errorf("desk: ask for a link: %w", err)
	}
	return browser, nil
}

func (s *Editors) addLink(ctx context.Context, tx *sql.Tx, kind string, e Editor, browser []byte, next string, life time.Duration) (secret string, err error) {
	secret, hash, err := s.secret()
	if err != nil {
		return "", err
	}
	now := s.now()
	_, err = tx.ExecContext(ctx, `INSERT INTO editor_links (hash, kind, email, name, role, browser, next, created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		hash, kind, e.Email, e.Name, string(e.Role), browser, next, database.Millis(now), database.Millis(now.Add(life)))
	return secret, err
}

// HandLink makes a link that signs an editor in from whatever browser opens it,
// for somebody who gives it to them by hand.
func (s *Editors) HandLink(ctx context.Context, e Editor) (secret string, err error) {
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		if secret, err = s.addLink(ctx, tx, "signin", e, []byte{}, "/desk/", signInLife); err != nil {
			return err
		}
		return s.audit(ctx, tx, Editor{}, "editor.link", e.Email, "")
	})
	if err != nil {
		return "", fmt.Errorf("desk: link for %s: %w", e.Email, err)
	}
	return secret, nil
}

// UseLink signs in whoever a link was made for and says where they wanted to go.
// It counts once, and in the browser that asked for it; a stranger's browser does
// not use it up.
func (s *Editors) UseLink(ctx context.Context, secret, browser, agent, network string) (session, next string, err error) {
	foreign := Editor{}
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		foreign = Editor{}
		var email string
		var bound []byte
		err := tx.QueryRowContext(ctx, `DELETE FROM editor_links WHERE hash = $1 AND kind = 'signin' AND expires > $2 RETURNING email, browser, next`,
			hashOf(secret), database.Millis(s.now())).Scan(&email, &bound, &next)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrLink
		}
		if err != nil {
			return err
		}
		e, err := scanEditor(tx.QueryRowContext(ctx, selectEditor+`WHERE email = $1`, email))
		if errors.Is(err, ErrNoEditor) {
			return ErrLink
		}
		if err != nil {
			return err
		}
		if len(bound) > 0 && string(bound) != string(hashOf(browser)) {
			foreign = e
			return ErrLink // the deletion with it
		}
		if session, err = s.begin(ctx, tx, e.ID, agent, network); err != nil {
			return err
		}
		return s.audit(ctx, tx, e, "signin.link", e.Email, network)
	})
	if foreign.ID != 0 {
		err = errors.Join(err, s.Audit(ctx, foreign, "signin.elsewhere", foreign.Email, network))
	}
	if err != nil {
		return "", "", fmt.Errorf("desk: sign in by a link: %w", err)
	}
	return session, next, nil
}

// Invitation is somebody who was asked to work at the desk and has not come yet.
type Invitation struct {
	Email, Name string
	Role        Role
	Expires     time.Time
}

// Invite has an invitation mailed, in place of an earlier one to the address. mail
// nil mails nothing: the link is given by hand.
func (s *Editors) Invite(ctx context.Context, by, e Editor, link func(secret string) string, mail letter) (secret string, err error) {
	if e.Email, err = address(e.Email); err != nil {
		return "", err
	}
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		_, err := scanEditor(tx.QueryRowContext(ctx, selectEditor+`WHERE email = $1`, e.Email))
		if err == nil {
			return ErrTaken
		}
		if !errors.Is(err, ErrNoEditor) {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM editor_links WHERE kind = 'invite' AND email = $1`, e.Email); err != nil {
			return err
		}
		if secret, err = s.addLink(ctx, tx, "invite", e, []byte{}, "", inviteLife); err != nil {
			return err
		}
		if err := s.audit(ctx, tx, by, "editor.invite", fmt.Sprintf("%s (%s)", e.Email, e.Role), ""); err != nil || mail == nil {
			return err
		}
		return mail(ctx, tx, notice.Notice{Kind: notice.Invite, To: e.Email, Language: e.Language, Link: link(secret), Expires: s.now().Add(inviteLife),
			Facts: []notice.Fact{{Name: "by", Text: by.Name}, {Name: "role", Text: string(e.Role)}}})
	})
	if err != nil {
		return "", fmt.Errorf("desk: invite %s: %w", e.Email, err)
	}
	return secret, nil
}

// Invitations gives those that are open, the oldest first.
func (s *Editors) Invitations(ctx context.Context) (list []Invitation, err error) {
	rows, err := s.db.Query(ctx, `SELECT email, name, role, expires FROM editor_links WHERE kind = 'invite' AND expires > $1 ORDER BY created, email`, database.Millis(s.now()))
	if err != nil {
		return nil, fmt.Errorf("desk: invitations: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var i Invitation
		var expires int64
		if err := rows.Scan(&i.Email, &i.Name, &i.Role, &expires); err != nil {
			return nil, fmt.Errorf("desk: invitations: %w", err)
		}
		i.Expires = database.FromMillis(expires)
		list = append(list, i)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("desk: invitations: %w", err)
	}
	return list, nil
}

// Uninvite takes an invitation back.
func (s *Editors) Uninvite(ctx context.Context, by Editor, email string) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM editor_links WHERE kind = 'invite' AND email = $1`, email); err != nil {
			return err
		}
		return s.audit(ctx, tx, by, "editor.uninvite", email, "")
	})
	if err != nil {
		return fmt.Errorf("desk: take an invitation back: %w", err)
	}
	return nil
}

// Invited gives whom an invitation is for, or ErrLink.
func (s *Editors) Invited(ctx context.Context, secret string) (e Editor, err error) {
	err = s.db.QueryRow(ctx, `SELECT email, name, role FROM editor_links WHERE hash = $1 AND kind = 'invite' AND expires > $2`,
		hashOf(secret), database.Millis(s.now())).Scan(&e.Email, &e.Name, &e.Role)
	if errors.Is(err, sql.ErrNoRows) {
		return e, ErrLink
	}
	if err != nil {
		return e, fmt.Errorf("desk: invitation: %w", err)
	}
	return e, nil
}

// Accept makes the invited an editor, of the address and role of the invitation
// whatever else is said, and signs them in. password may be empty.
func (s *Editors) Accept(ctx context.Context, secret, name, password, agent, network string) (session string, err error) {
	sealed := ""
	if password != "" {
		if sealed, err = seal(ctx, password); err != nil {
			return "", err
		}
	}
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		e := Editor{Name: name}
		err := tx.QueryRowContext(ctx, `DELETE FROM editor_links WHERE hash = $1 AND kind = 'invite' AND expires > $2 RETURNING email, role`,
			hashOf(secret), database.Millis(s.now())).Scan(&e.Email, &e.Role)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrLink
		}
		if err != nil {
			return err
		}
		if e, err = s.add(ctx, tx, e, sealed); err != nil {
			return err
		}
		if session, err = s.begin(ctx, tx, e.ID, agent, network); err != nil {
			return err
		}
		return s.audit(ctx, tx, e, "editor.accept", fmt.Sprintf("%s (%s)", e.Email, e.Role), network)
	})
	if err != nil {
		return "", fmt.Errorf("desk: accept an invitation: %w", err)
	}
	return session, nil
}
